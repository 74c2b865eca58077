/* Ways out of a transaction, found in the text of migrations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/escape.h"

/* `sessions`, `workers`: what is found, joined; "" for nothing. */
static void expect(const char *sql, const char *sessions, const char *workers)
{
    BELAY_AUTO(belay_escapes_done) belay_escapes found = {0};
    belay_escapes_scan(sql, "r", &found);
    BELAY_AUTO(belay_free) char *by_session = belay_list_join(&found.by_session, "; ");
    BELAY_AUTO(belay_free) char *by_worker = belay_list_join(&found.by_worker, "; ");
    assert_string_equal(by_session, sessions);
    assert_string_equal(by_worker, workers);
}

static void finds_what_opens_sessions(void **state)
{
    (void)state;
    expect("SELECT dblink_exec('dbname=x', 'DELETE FROM t')", "r has dblink_exec", "");
    expect("SELECT 5-dblink('x','y')", "r has dblink", "");
    expect("DO $$ BEGIN EXECUTE 'copy t to program ''psql'''; END $$", "r has COPY ... PROGRAM", "");
    expect("COPY t (program) FROM stdin", "r has COPY ... PROGRAM", ""); /* rather too many */
    expect("CREATE EXTENSION IF NOT EXISTS \"postgres_fdw\"",
        "r has EXTENSION postgres_fdw; r has postgres_fdw", "");
    expect("CREATE FUNCTION f() RETURNS int LANGUAGE 'plpython3u' AS ''", "r has LANGUAGE plpython3u", "");
}

static void finds_what_starts_workers(void **state)
{
    (void)state;
    expect("CREATE EXTENSION pg_cron", "", "r has EXTENSION pg_cron");
    expect("CREATE FUNCTION f() RETURNS int AS 'lib', 'f' LANGUAGE C", "", "r has LANGUAGE c");
    expect("SELECT pg_background_launch('DELETE FROM t')", "", "r has pg_background_launch");
    expect("load 'lib'", "", "r has LOAD");
}

static void finds_nothing_in_ordinary_migrations(void **state)
{
    (void)state;
    expect("", "", "");
    expect("CREATE EXTENSION IF NOT EXISTS pgcrypto", "", "");
    expect("CREATE EXTENSION \"uuid-ossp\" WITH SCHEMA public", "", "");
    expect("CREATE TABLE programs (program text, load int)", "", "");
    expect("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$", "", "");
    expect("COPY t FROM stdin", "", "");
}

static void knows_libraries_and_extensions(void **state)
{
    (void)state;
    assert_true(belay_extension_is_harmless("pgcrypto"));
    assert_true(belay_extension_is_harmless("postgis-3"));
    assert_true(belay_extension_is_harmless("plpython3"));
    assert_false(belay_extension_is_harmless("dblink"));
    assert_false(belay_extension_is_harmless("pg_surgery"));
    assert_false(belay_extension_is_harmless("timescaledb-2.11.0"));
    assert_false(belay_extension_is_harmless(""));
    assert_true(belay_extension_is_session("dblink"));
    assert_false(belay_extension_is_session("pg_background"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_opens_sessions),
        cmocka_unit_test(finds_what_starts_workers),
        cmocka_unit_test(finds_nothing_in_ordinary_migrations),
        cmocka_unit_test(knows_libraries_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
