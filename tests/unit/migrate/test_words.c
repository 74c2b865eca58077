/* What the executor wants to know about a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/words.h"

static void knows_transaction_control(void **state)
{
    (void)state;
    static const char *const control[] = {"BEGIN", "begin isolation level serializable", "/* x */ Commit",
        "END", "-- a\nABORT", "START TRANSACTION", "ROLLBACK", "rollback work", "ROLLBACK AND CHAIN",
        "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'"};
    static const char *const others[] = {"SAVEPOINT a", "RELEASE a", "ROLLBACK TO a",
        "ROLLBACK TRANSACTION TO SAVEPOINT a", "PREPARE q AS SELECT 1", "SELECT 'BEGIN'",
        "DO $$ BEGIN END $$", "", "\"begin\""};
    for (size_t i = 0; i < BELAY_COUNT(control); i++)
        assert_true(belay_sql_controls_transaction(control[i]));
    for (size_t i = 0; i < BELAY_COUNT(others); i++)
        assert_false(belay_sql_controls_transaction(others[i]));
}

static void knows_savepoints(void **state)
{
    (void)state;
    static const char *const savepoints[] = {"SAVEPOINT a", "release savepoint a", "ROLLBACK TO a",
        "/* x */ rollback work to savepoint a", "ROLLBACK TRANSACTION TO a"};
    static const char *const others[] = {
        "ROLLBACK", "ROLLBACK WORK", "SELECT 'savepoint'", "\"savepoint\"", ""};
    for (size_t i = 0; i < BELAY_COUNT(savepoints); i++)
        assert_true(belay_sql_controls_savepoint(savepoints[i]));
    for (size_t i = 0; i < BELAY_COUNT(others); i++)
        assert_false(belay_sql_controls_savepoint(others[i]));
}

static void knows_what_sets_up_the_session(void **state)
{
    (void)state;
    static const char *const session[] = {"SET search_path = x", "set session role a", "SET ROLE a",
        "RESET ALL", "SET SESSION AUTHORIZATION a"};
    static const char *const others[] = {"SET LOCAL search_path = x", "SET CONSTRAINTS ALL DEFERRED",
        "SET TRANSACTION READ ONLY", "SELECT 'set'", "\"set\" x", ""};
    for (size_t i = 0; i < BELAY_COUNT(session); i++)
        assert_true(belay_sql_sets_session(session[i]));
    for (size_t i = 0; i < BELAY_COUNT(others); i++)
        assert_false(belay_sql_sets_session(others[i]));
    static const char *const roles[] = {"SET ROLE a", "set /* x */ local role a", "SET SESSION ROLE a",
        "SET SESSION AUTHORIZATION a", "SET SESSION SESSION AUTHORIZATION a",
        "SET LOCAL SESSION AUTHORIZATION a"};
    for (size_t i = 0; i < BELAY_COUNT(roles); i++)
        assert_true(belay_sql_sets_role(roles[i]));
    assert_false(belay_sql_sets_role("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"));
    assert_false(belay_sql_sets_role("RESET ROLE"));
}

static void expect_build(const char *sql, const char *index, const char *table)
{
    BELAY_AUTO(belay_index_build_done) belay_index_build build = {0};
    belay_sql_index_build(sql, &build);
    assert_true(build.concurrent);
    assert_string_equal(build.index == NULL ? "-" : build.index, index);
    assert_string_equal(build.table == NULL ? "-" : build.table, table);
}

static void finds_the_index_that_is_built(void **state)
{
    (void)state;
    expect_build("CREATE INDEX CONCURRENTLY i ON t (a)", "i", "t");
    expect_build(
        "create unique index concurrently if not exists \"I x\" on only s.\"T\"\"y\" using btree (a)",
        "\"I x\"", "s.\"T\"\"y\"");
    expect_build("CREATE INDEX CONCURRENTLY ON t (a)", "-", "t");
    expect_build("CREATE /* c */ INDEX CONCURRENTLY -- d\n i ON s . t(a)", "i", "s.t");
    BELAY_AUTO(belay_index_build_done) belay_index_build build = {0};
    belay_sql_index_build("CREATE INDEX i ON t (a)", &build);
    assert_false(build.concurrent);
}

static void knows_what_can_share_a_transaction(void **state)
{
    (void)state;
    static const char *const atomic[] = {"INSERT INTO t VALUES (1)",
        "/* x */ with a AS (SELECT 1) DELETE FROM t", "copy t from stdin", "TRUNCATE t",
        "ALTER TABLE t ADD COLUMN \"concurrently\" int"};
    static const char *const others[] = {"ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "alter table t detach partition p finalize", "ALTER TYPE m ADD VALUE 'x'", "CALL p()", "VACUUM",
        "SELECT f()", "\"insert\"", ""};
    for (size_t i = 0; i < BELAY_COUNT(atomic); i++)
        assert_true(belay_sql_is_atomic(atomic[i]));
    for (size_t i = 0; i < BELAY_COUNT(others); i++)
        assert_false(belay_sql_is_atomic(others[i]));
}

static void knows_what_runs_code(void **state)
{
    (void)state;
    static const char *const code[] = {
        "CALL p()", "do $$ $$", "SELECT f()", "(SELECT f())", "EXPLAIN ANALYZE SELECT f()"};
    static const char *const others[] = {"CREATE TABLE t ()", "DROP TABLE t", "VACUUM", "doing", ""};
    for (size_t i = 0; i < BELAY_COUNT(code); i++)
        assert_true(belay_sql_runs_code(code[i]));
    for (size_t i = 0; i < BELAY_COUNT(others); i++)
        assert_false(belay_sql_runs_code(others[i]));
}

static void finds_what_is_reindexed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"REINDEX INDEX CONCURRENTLY i", "i"},
        {"reindex (verbose, tablespace \"a)b\") table concurrently s . \"T\"", "s.\"T\""},
        {"REINDEX (CONCURRENTLY) INDEX s.i", "s.i"}, {"REINDEX (CONCURRENTLY ON, VERBOSE) TABLE t", "t"},
        {"REINDEX (CONCURRENTLY OFF) INDEX i", NULL}, {"REINDEX INDEX i", NULL},
        {"REINDEX SCHEMA CONCURRENTLY s", NULL}, {"DROP INDEX CONCURRENTLY i", NULL}, {"REINDEX (", NULL}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        BELAY_AUTO(belay_free) char *found = belay_sql_reindexed(cases[i][0]);
        assert_string_equal(found == NULL ? "-" : found, cases[i][1] == NULL ? "-" : cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_transaction_control),
        cmocka_unit_test(knows_savepoints),
        cmocka_unit_test(knows_what_sets_up_the_session),
        cmocka_unit_test(finds_the_index_that_is_built),
        cmocka_unit_test(knows_what_can_share_a_transaction),
        cmocka_unit_test(knows_what_runs_code),
        cmocka_unit_test(finds_what_is_reindexed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
