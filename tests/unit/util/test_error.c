/* Errors: texts that do not fit, causes, hints, and the table of codes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/error.h"
#include "util/str.h"

static void fills_code_message_and_default_hint(void **state)
{
    (void)state;
    belay_error err;
    assert_false(belay_fail(&err, BELAY_E_FOREIGN_KEY, "row %d", 7));
    assert_string_equal(err.message, "row 7");
    assert_non_null(strstr(err.hint, "NOT VALID"));
    assert_string_equal(err.detail, "");
    belay_error_hint(&err, "do %s", "this");
    assert_string_equal(err.hint, "do this");
    belay_error_hint(&err, "first; %s", err.hint); /* a text may be built from itself */
    assert_string_equal(err.hint, "first; do this");
    belay_error_detail(&err, "below");
    belay_error_detail(&err, "above, %s", err.detail);
    assert_string_equal(err.detail, "above, below");
    belay_fail(&err, BELAY_E_SQL, "again");
    assert_string_equal(err.hint, ""); /* nothing of the error before stays */
}

static void takes_no_error(void **state)
{
    (void)state;
    assert_false(belay_fail(NULL, BELAY_E_IO, "x"));
    assert_false(belay_fail_errno(NULL, EIO, "x"));
    assert_false(belay_error_prefix(NULL, "x"));
    assert_false(belay_error_hint(NULL, "x"));
    assert_false(belay_error_detail(NULL, "x"));
    assert_false(belay_error_place(NULL, "x", 1));
    assert_false(belay_error_statement(NULL, "x"));
    belay_error_clear(NULL);
}

/* Every length around the limit, with characters of one to four bytes: the cut is marked and never within
 * one. */
static void cuts_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\x98"};
    for (size_t c = 0; c < 4; c++) {
        size_t width = strlen(characters[c]);
        for (size_t shift = 0; shift < width; shift++) {
            BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
            for (size_t i = 0; i < shift; i++)
                belay_str_append_char(&text, 'x');
            while (text.length < 4000)
                belay_str_append(&text, characters[c]);
            belay_error err;
            belay_fail(&err, BELAY_E_SQL, "%s", belay_str_text(&text));
            size_t length = strlen(err.message);
            assert_true(length < sizeof err.message && length > sizeof err.message - 10);
            assert_true(belay_ends_with(err.message, "..."));
            assert_int_equal((length - 3 - shift) % width, 0);
            belay_error_prefix(&err, "%s", belay_str_text(&text));
            assert_true(belay_ends_with(err.message, "..."));
            belay_error_statement(&err, belay_str_text(&text));
            assert_int_equal((strlen(err.statement) - 3 - shift) % width, 0);
        }
    }
}

static void exact_fit_is_not_cut(void **state)
{
    (void)state;
    belay_error err;
    char text[sizeof err.message];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    belay_fail(&err, BELAY_E_SQL, "%s", text);
    assert_string_equal(err.message, text);
}

static void names_the_cause(void **state)
{
    (void)state;
    belay_error err;
    belay_fail_errno(&err, ENOENT, "cannot open %s", "f");
    assert_int_equal(err.code, BELAY_E_IO);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.message, "cannot open f: No such file or directory");
    belay_fail_errno(&err, ENOSPC, "x");
    assert_int_equal(err.code, BELAY_E_NO_SPACE);
    belay_fail_errno(&err, EDQUOT, "x");
    assert_int_equal(err.code, BELAY_E_NO_SPACE);
    char path[3000];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    belay_fail_errno(&err, EACCES, "cannot open %s", path);
    assert_true(belay_ends_with(err.message, "...: Permission denied"));
}

static void prefixes(void **state)
{
    (void)state;
    belay_error err;
    belay_fail(&err, BELAY_E_SQL, "inner");
    assert_false(belay_error_prefix(&err, "outer %d", 1));
    assert_string_equal(err.message, "outer 1: inner");
    assert_int_equal(err.code, BELAY_E_SQL);
}

static void table_is_complete(void **state)
{
    (void)state;
    for (int i = 0; i < BELAY_E_COUNT; i++) {
        assert_true(strlen(belay_code_name((belay_code)i)) > 0);
        assert_in_range(belay_code_exit((belay_code)i), 0, 7);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(belay_code_name((belay_code)i), belay_code_name((belay_code)j));
    }
    assert_int_equal(belay_code_exit(BELAY_E_LOCKED), 6);
    assert_int_equal(belay_code_exit(BELAY_E_POLICY), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_code_message_and_default_hint),
        cmocka_unit_test(takes_no_error),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(exact_fit_is_not_cut),
        cmocka_unit_test(names_the_cause),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(table_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
