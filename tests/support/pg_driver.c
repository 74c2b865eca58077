/* Tests of src/pg on a real server, which PGHOST and PGUSER name; tests/integration/test_pg.sh starts it and
 * runs this; an argument is the pattern of those to run. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pg/pg.h"
#include "util/clock.h"
#include "util/stop.h"

static belay_conninfo server;
static belay_direct_dialer dialer;

static belay_pg *open_as(const char *dbname, belay_pg_profile profile, belay_error *err)
{
    belay_pg *pg = NULL;
    const belay_pg_options options = {.dbname = dbname, .application_name = "driver", .profile = profile};
    return belay_pg_open(&dialer.base, &options, &pg, err) ? pg : NULL;
}

static int open_test(void **state)
{
    belay_conninfo_set(&server, "host", getenv("PGHOST"));
    belay_conninfo_set(&server, "user", "postgres");
    belay_direct_dialer_init(&dialer, &server);
    belay_error err = {0};
    *state = open_as("postgres", BELAY_PG_PINNED, &err);
    if (*state == NULL)
        print_error("%s\n", err.message);
    return *state == NULL ? -1 : 0;
}

static int close_test(void **state)
{
    belay_pg_close(*state);
    return 0;
}

static void assert_value(belay_pg *pg, const char *sql, const char *expected)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *value = NULL;
    if (!belay_pg_value(pg, sql, NULL, 0, &value, &err))
        fail_msg("%s: %s", sql, err.message);
    assert_string_equal(value == NULL ? "(null)" : value, expected);
}

static void profiles_pin_what_they_say(void **state)
{
    belay_pg *pg = *state;
    assert_value(pg, "SHOW search_path", "\"\"");
    assert_value(pg, "SELECT '2024-02-03'::date", "2024-02-03");
    assert_value(pg, "SELECT 0.1::float8 + 0.2::float8", "0.30000000000000004");
    assert_value(pg, "SELECT '\\x00ff'::bytea", "\\x00ff");
    assert_value(pg, "SHOW client_connection_check_interval", "2s");
    assert_value(pg, "SHOW application_name", "driver");
    belay_error err = {0};
    assert_true(belay_pg_exec(
        pg, "CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", &err));
    assert_true(belay_pg_exec(pg, "ALTER DATABASE latin SET search_path = pg_catalog; ", &err));
    BELAY_AUTO(belay_pg_close) belay_pg *data = open_as("latin", BELAY_PG_DATA, &err);
    assert_value(data, "SHOW client_encoding", "LATIN1");
    BELAY_AUTO(belay_pg_close) belay_pg *user = open_as("latin", BELAY_PG_USER, &err);
    assert_value(user, "SHOW client_encoding", "UTF8");
    assert_value(user, "SHOW search_path", "pg_catalog");
    assert_string_equal(belay_pg_dbname(user), "latin");
    assert_true(belay_pg_server_version(user) >= 140000);
}

/* Of a unix socket the server says 0: there is nothing to notice. */
static void the_server_asks_after_its_client(void **state)
{
    if (getenv("PGHOST")[0] == '/')
        skip();
    assert_value(*state, "SHOW tcp_keepalives_idle", "30");
    assert_value(*state, "SHOW tcp_keepalives_interval", "10");
    assert_value(*state, "SHOW tcp_keepalives_count", "3");
    assert_value(*state, "SHOW tcp_user_timeout", "60000");
}

static void rows_are_typed(void **state)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    assert_true(belay_pg_queryp(*state, "SELECT $1::bigint AS n, $2::text, true, 'f'::bool, $3", &rows, &err,
        "-9000000000", NULL, "it's"));
    assert_int_equal(belay_rows_count(rows), 1);
    assert_int_equal(belay_rows_columns(rows), 5);
    assert_true(belay_rows_int(rows, 0, 0) == -9000000000LL);
    assert_true(belay_rows_is_null(rows, 0, 1));
    assert_string_equal(belay_rows_text(rows, 0, 1), "");
    assert_true(belay_rows_bool(rows, 0, 2));
    assert_false(belay_rows_bool(rows, 0, 3));
    assert_string_equal(belay_rows_text(rows, 0, 4), "it's");
    assert_string_equal(belay_rows_column_name(rows, 0), "n");
    BELAY_AUTO(belay_free) char *none = NULL;
    assert_true(belay_pg_value(*state, "SELECT 1 WHERE false", NULL, 0, &none, &err));
    assert_null(none);
}

static void errors_carry_what_the_server_said(void **state)
{
    belay_pg *pg = *state;
    belay_error err = {0};
    assert_true(belay_pg_exec(pg,
        "CREATE SCHEMA e; CREATE TABLE e.p (id int PRIMARY KEY); CREATE TABLE e.c (p int REFERENCES e.p)",
        &err));
    assert_false(belay_pg_exec(pg, "INSERT INTO e.c VALUES (7)", &err));
    assert_int_equal(err.code, BELAY_E_FOREIGN_KEY);
    assert_string_equal(err.sqlstate, "23503");
    assert_non_null(strstr(err.detail, "(7)"));
    static const char wrong[] = "SELECT 'caf\xC3\xA9',\n  nope FROM e.c";
    assert_false(belay_pg_run_user_sql(pg, wrong, NULL, NULL, &err));
    assert_string_equal(wrong + belay_pg_error_offset(pg, wrong), "nope FROM e.c");
    assert_true(belay_starts_with(err.detail, "  nope FROM e.c\n  ^"));
    BELAY_AUTO(belay_free) char *tag = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    assert_true(belay_pg_run_user_sql(pg, "INSERT INTO e.p VALUES (1), (2) RETURNING id", &tag, &rows, &err));
    assert_string_equal(tag, "INSERT 0 2");
    assert_int_equal(belay_rows_count(rows), 2);
    assert_int_equal(belay_pg_error_offset(pg, wrong), 0);
    /* The first error of several statements is the one reported, and the connection goes on. */
    assert_false(belay_pg_exec(pg, "SELECT 1; SELECT 1/0; SELECT nope", &err));
    assert_string_equal(err.sqlstate, "22012");
    assert_value(pg, "SELECT 5", "5");
}

static void says_why_it_cannot_connect(void **state)
{
    (void)state;
    belay_error err = {0};
    assert_null(open_as("no_such_database", BELAY_PG_PINNED, &err));
    assert_int_equal(err.code, BELAY_E_NO_DATABASE);
    belay_conninfo_set(&server, "user", "nobody_here");
    assert_null(open_as("postgres", BELAY_PG_PINNED, &err));
    assert_int_equal(err.code, BELAY_E_AUTHENTICATION);
    belay_conninfo_set(&server, "user", "postgres");
    belay_conninfo_set(&server, "host", "/nonexistent");
    assert_null(open_as("postgres", BELAY_PG_PINNED, &err));
    assert_int_equal(err.code, BELAY_E_CONNECTION_REFUSED);
    belay_conninfo_set(&server, "host", "127.0.0.1");
    belay_conninfo_set(&server, "port", "1");
    assert_null(open_as("postgres", BELAY_PG_PINNED, &err));
    assert_int_equal(err.code, BELAY_E_CONNECTION_REFUSED);
    belay_conninfo_set(&server, "port", NULL);
    belay_conninfo_set(&server, "host", getenv("PGHOST"));
}

static void alive_is_about_the_connection(void **state)
{
    belay_pg *pg = *state;
    belay_error err = {0};
    assert_true(belay_pg_is_alive(pg));
    assert_false(belay_pg_in_transaction(pg));
    assert_true(belay_pg_exec(pg, "BEGIN", &err));
    assert_true(belay_pg_in_transaction(pg));
    assert_false(belay_pg_exec(pg, "SELECT 1/0", &err));
    assert_true(belay_pg_is_alive(pg)); /* a failed transaction is no dead connection */
    assert_true(belay_pg_in_transaction(pg));
    assert_true(belay_pg_exec(pg, "ROLLBACK", &err));
    BELAY_AUTO(belay_pg_close) belay_pg *other = open_as("postgres", BELAY_PG_PINNED, &err);
    assert_non_null(other);
    assert_true(
        belay_pg_execf(pg, &err, "SELECT pg_terminate_backend(%d, 10000)", belay_pg_backend_pid(other)));
    assert_false(belay_pg_is_alive(other));
    assert_false(belay_pg_exec(other, "SELECT 1", &err));
    assert_int_equal(err.code, BELAY_E_CONNECTION_LOST);
    const char *data;
    size_t size;
    assert_false(belay_pg_copy_out_begin(other, "COPY (SELECT 1) TO STDOUT", &err));
    assert_int_equal(belay_pg_copy_read(other, &data, &size, &err), BELAY_COPY_ERROR);
}

static void copies_out_and_in(void **state)
{
    belay_pg *pg = *state;
    belay_error err = {0};
    assert_true(belay_pg_exec(pg, "CREATE SCHEMA k; CREATE TABLE k.t (n int PRIMARY KEY, t text)", &err));
    assert_true(belay_pg_copy_in_begin(pg, "COPY k.t FROM STDIN", &err));
    BELAY_AUTO(belay_str_done) belay_str rows = BELAY_STR_INIT;
    for (int i = 0; i < 100000; i++)
        belay_str_appendf(&rows, "%d\tsome text that takes room %d\n", i, i);
    assert_true(rows.length > 2 * 1024 * 1024);
    assert_true(belay_pg_copy_write(pg, rows.data, rows.length, &err));
    uint64_t count = 0;
    assert_true(belay_pg_copy_end(pg, &count, &err));
    assert_int_equal(count, 100000);
    assert_true(belay_pg_copy_out_begin(
        pg, "BEGIN; SELECT 1; COPY (SELECT n FROM k.t ORDER BY n LIMIT 3) TO STDOUT; COMMIT", &err));
    BELAY_AUTO(belay_str_done) belay_str back = BELAY_STR_INIT;
    const char *data;
    size_t size;
    belay_copy_status status;
    while ((status = belay_pg_copy_read(pg, &data, &size, &err)) == BELAY_COPY_ROW)
        belay_str_append_n(&back, data, size);
    assert_int_equal(status, BELAY_COPY_END);
    assert_string_equal(belay_str_text(&back), "0\n1\n2\n");
    assert_value(pg, "SELECT count(*) FROM k.t", "100000");
}

static void copy_failures_leave_a_usable_connection(void **state)
{
    belay_pg *pg = *state;
    belay_error err = {0};
    const char *data;
    size_t size;
    uint64_t count = 0;
    assert_true(belay_pg_exec(pg, "CREATE SCHEMA f; CREATE TABLE f.t (n int PRIMARY KEY)", &err));
    assert_false(belay_pg_copy_in_begin(pg, "COPY f.nope FROM STDIN", &err));
    assert_string_equal(err.sqlstate, "42P01");
    assert_true(belay_pg_copy_in_begin(pg, "COPY f.t FROM STDIN", &err));
    assert_true(belay_pg_copy_write(pg, "1\nx\n", 4, &err));
    assert_false(belay_pg_copy_end(pg, &count, &err));
    assert_string_equal(err.sqlstate, "22P02");
    assert_true(belay_starts_with(err.detail, "COPY t, line 2"));
    assert_true(belay_pg_copy_in_begin(pg, "COPY f.t FROM STDIN", &err));
    belay_pg_copy_abort(pg, "changed my mind");
    assert_value(pg, "SELECT count(*) FROM f.t", "0");
    assert_true(belay_pg_copy_out_begin(
        pg, "COPY (SELECT 1 / (3 - i) FROM generate_series(1, 5) i) TO STDOUT", &err));
    belay_copy_status status;
    while ((status = belay_pg_copy_read(pg, &data, &size, &err)) == BELAY_COPY_ROW)
        assert_true(size > 0);
    assert_int_equal(status, BELAY_COPY_ERROR);
    assert_string_equal(err.sqlstate, "22012");
    /* Not a copy, or one the other way round. */
    assert_false(belay_pg_copy_out_begin(pg, "SELECT 1", &err));
    assert_false(belay_pg_copy_out_begin(pg, "COPY f.t FROM STDIN", &err));
    assert_false(belay_pg_copy_in_begin(pg, "COPY f.t TO STDOUT", &err));
    assert_value(pg, "SELECT 1", "1");
}

static void statements_that_copy_do_not_hang(void **state)
{
    belay_pg *pg = *state;
    belay_error err = {0};
    assert_true(
        belay_pg_run_user_sql(pg, "COPY (SELECT generate_series(1, 1000)) TO STDOUT", NULL, NULL, &err));
    assert_true(belay_pg_exec(pg, "SELECT 1; COPY (SELECT 1) TO STDOUT; SELECT 2", &err));
    assert_false(belay_pg_exec(pg, "COPY (SELECT 1/0) TO STDOUT", &err));
    assert_true(belay_pg_exec(pg, "CREATE TEMPORARY TABLE ct (n int)", &err));
    assert_false(belay_pg_exec(pg, "COPY ct FROM STDIN", &err));
    assert_string_equal(err.sqlstate, "57014");
    assert_non_null(strstr(err.message, "no data comes with this statement"));
    assert_value(pg, "SELECT 1", "1");
}

static void note(void *context, const char *severity, const char *message)
{
    belay_str_appendf(context, "%s: %s\n", severity, message);
}

static void notices_arrive(void **state)
{
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str heard = BELAY_STR_INIT;
    belay_pg_on_notice(*state, note, &heard);
    assert_true(belay_pg_exec(*state, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$", &err));
    belay_pg_on_notice(*state, NULL, NULL);
    assert_true(belay_pg_exec(*state, "DO $$ BEGIN RAISE NOTICE 'three'; END $$", &err));
    assert_string_equal(belay_str_text(&heard), "NOTICE: one\nWARNING: two\n");
}

/* In a child, since a stop cannot be taken back: 0 when the query was cancelled in time and the connection
 * lives. */
static int stopped_query(void)
{
    belay_error err = {0};
    if (!belay_stop_install(&err))
        return 1;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = open_as("postgres", BELAY_PG_PINNED, &err);
    if (pg == NULL)
        return 2;
    alarm(30);
    int64_t start = belay_now_ms();
    pid_t killer = fork();
    if (killer == 0) {
        usleep(200 * 1000);
        kill(getppid(), SIGINT);
        _exit(0);
    }
    if (belay_pg_exec(pg, "SELECT pg_sleep(25)", &err) || err.code != BELAY_E_CANCELLED)
        return 3;
    waitpid(killer, NULL, 0);
    if (belay_now_ms() - start > 15000)
        return 4;
    belay_stop_mask(true); /* clean-up goes on */
    return belay_pg_exec(pg, "SELECT 1", &err) ? 0 : 5;
}

static void a_stop_cancels_the_query(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(stopped_query());
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_test, close_test)
    const struct CMUnitTest tests[] = {
        TEST(profiles_pin_what_they_say),
        TEST(the_server_asks_after_its_client),
        TEST(rows_are_typed),
        TEST(errors_carry_what_the_server_said),
        TEST(says_why_it_cannot_connect),
        TEST(alive_is_about_the_connection),
        TEST(copies_out_and_in),
        TEST(copy_failures_leave_a_usable_connection),
        TEST(statements_that_copy_do_not_hang),
        TEST(notices_arrive),
        TEST(a_stop_cancels_the_query),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    belay_conninfo_done(&server);
    return failed;
}
