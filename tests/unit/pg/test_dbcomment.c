/* belay's mark in a database's comment: the user's text comes back byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/dbcomment.h"
#include "util/mem.h"
#include "util/str.h"

static void users_comment_comes_back(void **state)
{
    (void)state;
    static const char *const comments[] = {NULL, "x", "two\nlines", "ends in a newline\n", "belay: {not json",
        "belay: {\"run\": 1} is what I wrote\nand more", "it's \"quoted\"", "\n",
        "Gr\xC3\xBC\xC3\x9F"
        "e"};
    json_t *mark = json_pack("{s:s, s:s}", "run", "20251104T123400Z-3f2a9c", "name", "b\xC3\xA4nk\nx");
    for (size_t i = 0; i < BELAY_COUNT(comments); i++) {
        BELAY_AUTO(belay_free) char *marked = belay_dbcomment_add(comments[i], mark);
        BELAY_AUTO(belay_free) char *users = NULL;
        json_t *read = NULL;
        belay_dbcomment_split(marked, &users, &read);
        assert_true(json_equal(read, mark));
        json_decref(read);
        if (comments[i] == NULL)
            assert_null(users);
        else
            assert_string_equal(users, comments[i]);
    }
    json_decref(mark);
}

static void comments_without_mark_are_the_users(void **state)
{
    (void)state;
    static const char *const comments[] = {"x", "belay: {", "belay: {broken", "belay: [1]", "a\nbelay: {]"};
    for (size_t i = 0; i < BELAY_COUNT(comments); i++) {
        BELAY_AUTO(belay_free) char *users = NULL;
        json_t *mark = NULL;
        belay_dbcomment_split(comments[i], &users, &mark);
        assert_null(mark);
        assert_string_equal(users, comments[i]);
    }
    BELAY_AUTO(belay_free) char *none = NULL;
    belay_dbcomment_split(NULL, &none, NULL);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_comment_comes_back),
        cmocka_unit_test(comments_without_mark_are_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
