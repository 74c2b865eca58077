/* Lines of an object in a store, from both ends: any length, across the pieces that are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/lines.h"
#include "support/scratch_store.h"

enum { MAX_BYTES = 200 * 1000 };

typedef struct seen {
    size_t lengths[64];
    size_t count, enough;
} seen;

static bool note(void *context, belay_span line, bool *stop, belay_error *err)
{
    (void)err;
    seen *s = context;
    for (size_t i = 0; i < line.length; i++)
        assert_int_equal(line.data[i], 'a' + (char)(line.length % 26));
    s->lengths[s->count++] = line.length;
    *stop = s->count == s->enough;
    return true;
}

/* Lines of these lengths, each of one letter that its length tells; the last one with or without its end. */
static belay_source *object_of(const size_t *lengths, size_t count, bool ends)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lengths[i]; k++)
            belay_str_append_char(&text, (char)('a' + lengths[i] % 26));
        if (i + 1 < count || ends)
            belay_str_append_char(&text, '\n');
    }
    belay_source *source = NULL;
    assert_true(belay_store_write_all(store, "object", belay_str_text(&text), text.length, NULL));
    assert_true(store->open(store, "object", &source, NULL));
    return source;
}

static void test_both_ways(void **state)
{
    (void)state;
    static const size_t lengths[] = {
        1, 65535, 65536, 65537, 0, 7, 131072, MAX_BYTES, MAX_BYTES + 1, 500000, 3};
    static const size_t kept[] = {1, 65535, 65536, 65537, 0, 7, 131072, MAX_BYTES, 3};
    for (int ends = 0; ends < 2; ends++) {
        BELAY_AUTO(belay_source_close)
        belay_source *source = object_of(lengths, BELAY_COUNT(lengths), ends != 0);
        seen forwards = {0};
        seen backwards = {0};
        assert_true(belay_lines_forwards(source, MAX_BYTES, note, &forwards, NULL));
        assert_true(belay_lines_backwards(source, MAX_BYTES, note, &backwards, NULL));
        assert_int_equal(forwards.count, BELAY_COUNT(kept));
        assert_int_equal(backwards.count, BELAY_COUNT(kept));
        for (size_t i = 0; i < BELAY_COUNT(kept); i++) {
            assert_int_equal(forwards.lengths[i], kept[i]);
            assert_int_equal(backwards.lengths[BELAY_COUNT(kept) - 1 - i], kept[i]);
        }
    }
}

static void test_stop(void **state)
{
    (void)state;
    static const size_t lengths[] = {4, 5, 6};
    BELAY_AUTO(belay_source_close) belay_source *source = object_of(lengths, BELAY_COUNT(lengths), true);
    seen forwards = {.enough = 1};
    seen backwards = {.enough = 2};
    assert_true(belay_lines_forwards(source, MAX_BYTES, note, &forwards, NULL));
    assert_true(belay_lines_backwards(source, MAX_BYTES, note, &backwards, NULL));
    assert_int_equal(forwards.count, 1);
    assert_int_equal(forwards.lengths[0], 4);
    assert_int_equal(backwards.count, 2);
    assert_int_equal(backwards.lengths[1], 5);
}

static void test_empty(void **state)
{
    (void)state;
    seen s = {0};
    BELAY_AUTO(belay_source_close) belay_source *source = object_of(NULL, 0, false);
    assert_true(belay_lines_forwards(source, MAX_BYTES, note, &s, NULL));
    assert_true(belay_lines_backwards(source, MAX_BYTES, note, &s, NULL));
    assert_int_equal(s.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
