/* Quoting, the caret under a failing statement, connection keywords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pg/dialer.h"
#include "pg/pg.h"
#include "pg/pg_error.h"

static void quotes_identifiers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"a", "\"a\""}, {"Select", "\"Select\""}, {"a\"b", "\"a\"\"b\""},
        {"\"", "\"\"\"\""}, {"", "\"\""}, {"a.b", "\"a.b\""},
        {"gr\xC3\xB6\xC3\x9F"
         "e",
            "\"gr\xC3\xB6\xC3\x9F"
            "e\""},
        {"x\"; DROP TABLE t; --", "\"x\"\"; DROP TABLE t; --\""}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(cases[i][0]);
        assert_string_equal(quoted, cases[i][1]);
    }
    BELAY_AUTO(belay_free) char *both = belay_quote_qualified("Odd schema", "t\"");
    assert_string_equal(both, "\"Odd schema\".\"t\"\"\"");
}

static void quotes_literals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", "''"}, {"it's", "'it''s'"}, {"a\\b", " E'a\\\\b'"},
        {"\\'", " E'\\\\'''"}, {"%s", "'%s'"}, {"a\nb", "'a\nb'"}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        BELAY_AUTO(belay_free) char *quoted = belay_quote_literal(cases[i][0]);
        assert_string_equal(quoted, cases[i][1]);
    }
}

static void puts_the_caret_under_the_character(void **state)
{
    (void)state;
    belay_error err;
    belay_fail(&err, BELAY_E_SQL, "x");
    belay_error_detail(&err, "the server's detail");
    belay_pg_mark_statement(&err, "SELECT 1,\n  '\xC3\xB6', nope FROM t\nWHERE a", 18);
    assert_string_equal(err.detail, "  '\xC3\xB6', nope FROM t\n       ^\nthe server's detail");
    assert_non_null(strstr(err.statement, "WHERE a"));
    belay_fail(&err, BELAY_E_SQL, "x");
    belay_pg_mark_statement(&err, "SELECT 1", 0);
    assert_string_equal(err.detail, "");
    belay_pg_mark_statement(&err, "SELECT", 7); /* just past the end */
    assert_string_equal(err.detail, "SELECT\n      ^");
    belay_pg_mark_statement(&err, "SELECT", 700);
    belay_pg_mark_statement(&err, "", 1);
    belay_pg_mark_statement(NULL, "SELECT", 1);
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        int more = *at < 0x80 ? 0 : *at >= 0xF0 ? 3 : *at >= 0xE0 ? 2 : *at >= 0xC0 ? 1 : -1;
        if (more < 0)
            return false;
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xC0) != 0x80)
                return false;
        }
    }
    return true;
}

static void long_lines_are_cut_between_characters(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
        for (int i = 0; i < shift; i++)
            belay_str_append_char(&sql, 'x');
        for (int i = 0; i < 600; i++)
            belay_str_append(&sql, "\xE2\x82\xAC");
        for (int position = 1; position < 600; position += 50) {
            belay_error err;
            belay_fail(&err, BELAY_E_SQL, "x");
            belay_pg_mark_statement(&err, belay_str_text(&sql), position);
            assert_true(is_utf8(err.detail));
            assert_true(is_utf8(err.statement));
            assert_non_null(strchr(err.detail, '^'));
        }
    }
}

static void reads_connection_texts(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    assert_true(
        belay_conninfo_parse(&info, "postgresql://me:p%40ss@db.example.com:5433/bank?sslmode=require", &err));
    assert_string_equal(belay_conninfo_get(&info, "user"), "me");
    assert_string_equal(belay_conninfo_get(&info, "password"), "p@ss");
    assert_string_equal(belay_conninfo_get(&info, "port"), "5433");
    assert_string_equal(belay_conninfo_get(&info, "sslmode"), "require");
    assert_null(belay_conninfo_get(&info, "service"));
    belay_conninfo_set(&info, "user", NULL);
    assert_null(belay_conninfo_get(&info, "user"));
    belay_conninfo_set(&info, "user", "you");
    belay_conninfo_set(&info, "user", belay_conninfo_get(&info, "user"));
    assert_string_equal(belay_conninfo_get(&info, "user"), "you");
    assert_true(belay_conninfo_is_keyword("target_session_attrs"));
    assert_false(belay_conninfo_is_keyword("nonsense"));
    BELAY_AUTO(belay_conninfo_done) belay_conninfo bad = {0};
    assert_false(belay_conninfo_parse(&bad, "postgresql://me:hush%zz@host/x", &err));
    assert_null(strstr(err.message, "hush"));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    /* What ends early: libpq takes the password's rest for host or port. */
    static const char *const early[] = {
        "postgresql://me:a@hush@host/x", "postgresql://me:a@b:hush@host/x", "postgresql://me:hush#/b@host/x"};
    for (size_t i = 0; i < BELAY_COUNT(early); i++) {
        BELAY_AUTO(belay_conninfo_done) belay_conninfo cut = {0};
        assert_false(belay_conninfo_parse(&cut, early[i], &err));
        assert_null(strstr(err.message, "hush"));
        assert_non_null(strstr(err.hint, "%40"));
    }
}

static void children_get_keywords_by_environment(void **state)
{
    (void)state;
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    belay_conninfo_set(&info, "host", "/run");
    belay_conninfo_set(&info, "password", "hush");
    belay_conninfo_set(&info, "dbname", "bank");
    belay_direct_dialer dialer;
    belay_direct_dialer_init(&dialer, &info);
    BELAY_AUTO(belay_list_done) belay_list environment = {0};
    assert_true(belay_dialer_environment(&dialer.base, "other", &environment, NULL));
    assert_true(belay_list_has(&environment, "PGHOST=/run"));
    assert_true(belay_list_has(&environment, "PGPASSWORD=hush"));
    assert_true(belay_list_has(&environment, "PGDATABASE=other"));
    assert_false(belay_list_has(&environment, "PGDATABASE=bank"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_identifiers),
        cmocka_unit_test(quotes_literals),
        cmocka_unit_test(puts_the_caret_under_the_character),
        cmocka_unit_test(long_lines_are_cut_between_characters),
        cmocka_unit_test(reads_connection_texts),
        cmocka_unit_test(children_get_keywords_by_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
