/* JSON helpers: lists, texts that are not UTF-8, numbers as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/json.h"

static void lists_and_back(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *array = belay_json_of_texts((const char *const[]){"a", "b"}, 2);
    json_array_append_new(array, json_integer(7));
    BELAY_AUTO(belay_list_done) belay_list list = {0};
    belay_json_to_list(array, &list);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[1], "b");
    BELAY_AUTO(belay_json_free) json_t *again = belay_json_of_list(&list);
    assert_int_equal(json_array_size(again), 2);
    belay_json_to_list(NULL, &list);
    assert_int_equal(list.count, 2);
}

static void texts(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *object = json_pack("{s:s, s:i}", "name", "bank", "rows", 3);
    assert_string_equal(belay_json_text(object, "name"), "bank");
    assert_null(belay_json_text(object, "rows"));
    assert_null(belay_json_text(object, "nothing"));
    assert_null(belay_json_text(NULL, "name"));
    BELAY_AUTO(belay_json_free) json_t *whole = belay_json_of_text("zurück");
    assert_string_equal(json_string_value(whole), "zurück");
    BELAY_AUTO(belay_json_free)
    json_t *latin = belay_json_of_text("zur\xfc"
                                       "ck \xe2\x82 ü");
    assert_string_equal(json_string_value(latin), "zur?ck ?? ü");
}

static void prints_for_people(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *object = json_pack("{s:f, s:b}", "seconds", 0.447, "ok", 1);
    BELAY_AUTO(belay_free) char *text = belay_json_print(object);
    assert_string_equal(text, "{\n  \"seconds\": 0.447,\n  \"ok\": true\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_back),
        cmocka_unit_test(texts),
        cmocka_unit_test(prints_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
