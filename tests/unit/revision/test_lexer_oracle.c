/* The script lexer against libpg_query: scripts put together from statements that the server's parser accepts
 * must split at the same places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pg_query.h>
#include <stdio.h>
#include <string.h>

#include "revision/lexer.h"
#include "util/str.h"

static const char *const parts[] = {
    "SELECT 1",
    "SELECT 'a;''b', E'\\';\\\\', U&'\\0061;', N'x;', B'01', X'0f', \"i;\"\"j\" FROM t",
    "SELECT e'a;'\n  '\\';b'", /* no comment between: there libpg_query differs from the server */
    "SELECT $$;$$, $a$ $$;$b$ $a$, a$b, $1",
    "SELECT 1 /* ; /* ; */ ' */ + 2 -- ; '\n + 3",
    "SELECT 4 */* x; */ 5, a @- -1, b::text, 'x' || $x$;$x$",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); DELETE FROM v)",
    "CREATE FUNCTION f(a int DEFAULT 1) RETURNS int BEGIN ATOMIC SELECT a; SELECT CASE WHEN a > 1 THEN 2 "
    "ELSE 3 END; "
    "END",
    "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT 1 AS \"end\"; SELECT 2 AS "
    "case; END",
    "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS $_$ SELECT 1; $_$",
    "CREATE FUNCTION g() RETURNS int RETURN 1",
    "COPY t (a, \"b;\") TO '/tmp/x;y' WITH (FORMAT csv)",
    "BEGIN",
    "INSERT INTO t VALUES ('\\'), (E'\\n'), ('--'), ('/*')",
    "DO $do$ BEGIN PERFORM 'x;'; END; $do$",
    "SELECT \xC3\xA4, \"\xE2\x82\xAC;\" FROM \xC3\xB6$\xC3\xBC",
    "UPDATE t SET a = b - -1, c = c*-1, d = d<>-1",
    "SELECT U&\"d\\0061t;\", u&'x;' UESCAPE '!'",
};
static const char *const glue[] = {";", ";\n", " ;\r\n", ";-- c; '\n", ";/* ; */", "\n;\n;\t", "; -- \"\n\n"};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static void compare(const char *script)
{
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    assert_true(belay_lexer_open_text("s", script, strlen(script), NULL, &lexer, &err));
    PgQuerySplitResult split = pg_query_split_with_parser(script);
    if (split.error != NULL)
        fail_msg("libpg_query: %s in: %s", split.error->message, script);
    belay_piece piece = {0};
    for (int i = 0; i < split.n_stmts; i++) {
        assert_true(belay_lexer_next(lexer, &piece, &err));
        assert_int_equal(piece.kind, BELAY_PIECE_STATEMENT);
        /* libpg_query counts comments in front as part of the statement: the ends are what has to agree. */
        size_t end = (size_t)(split.stmts[i]->stmt_location + split.stmts[i]->stmt_len);
        size_t mine = piece.offset + piece.length;
        while (end > 0 && strchr(" \t\r\n", script[end - 1]) != NULL)
            end--;
        if (mine != end)
            fail_msg("statement %d ends at %zu, libpg_query says %zu: %s", i, mine, end, script);
    }
    assert_true(belay_lexer_next(lexer, &piece, &err));
    assert_int_equal(piece.kind, BELAY_PIECE_END);
    pg_query_free_split_result(split);
}

static void splits_as_the_servers_parser(void **state)
{
    (void)state;
    uint32_t seed = 20260101;
    for (int round = 0; round < 3000; round++) {
        BELAY_AUTO(belay_str_done) belay_str script = BELAY_STR_INIT;
        uint32_t count = 1 + next_random(&seed) % 8;
        for (uint32_t i = 0; i < count; i++) {
            belay_str_append(&script, parts[next_random(&seed) % BELAY_COUNT(parts)]);
            belay_str_append(&script, glue[next_random(&seed) % BELAY_COUNT(glue)]);
        }
        compare(belay_str_text(&script));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(splits_as_the_servers_parser)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_query_exit();
    return failed;
}
