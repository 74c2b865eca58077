/* The script lexer: each quoting rule by itself, its places in the file, and libpg_query as oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "revision/lexer.h"
#include "util/str.h"

static const char letters[] = "SDEMKC."; /* by belay_piece_kind */

/* All pieces as "<letter>:<text>|"; the error's text behind "!" when it fails. */
static void describe(const char *text, size_t length, const belay_lexer_options *options, belay_str *to)
{
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_text("f.sql", text, length, options, &lexer, &err)) {
        belay_str_appendf(to, "!%ld", err.line);
        return;
    }
    belay_piece piece = {0};
    while (belay_lexer_next(lexer, &piece, &err)) {
        assert_int_equal(strlen(piece.text), piece.length);
        assert_true(piece.offset + piece.length <= piece.end || piece.kind == BELAY_PIECE_MARKER);
        if (piece.kind == BELAY_PIECE_END)
            return;
        assert_memory_equal(piece.text, text + piece.offset, piece.length);
        belay_str_appendf(to, "%c:%s|", letters[piece.kind], piece.text);
    }
    assert_string_equal(err.file, "f.sql");
    belay_str_appendf(to, "!%ld", err.line);
}

/* Kinds and places only: what a lexer that skims has to see too. */
static void outline(const char *text, bool skim, belay_str *to)
{
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    const belay_lexer_options options = {.skim = skim, .check_utf8 = skim};
    belay_piece piece = {0};
    bool ok = belay_lexer_open_text("f.sql", text, strlen(text), &options, &lexer, &err);
    while (ok && (ok = belay_lexer_next(lexer, &piece, &err)) && piece.kind != BELAY_PIECE_END) {
        belay_str_appendf(to, "%c%ld-%llu", letters[piece.kind], piece.line, (unsigned long long)piece.end);
        if (piece.kind == BELAY_PIECE_MARKER)
            belay_str_appendf(to, "(%llu %s)", (unsigned long long)piece.begin, piece.text);
    }
    belay_str_appendf(to, "%s", ok ? "" : err.message);
}

static void expect(const char *text, const char *wanted)
{
    BELAY_AUTO(belay_str_done) belay_str got = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str whole = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str skimmed = BELAY_STR_INIT;
    describe(text, strlen(text), &(belay_lexer_options){0}, &got);
    assert_string_equal(belay_str_text(&got), wanted);
    outline(text, false, &whole);
    outline(text, true, &skimmed);
    assert_string_equal(belay_str_text(&skimmed), belay_str_text(&whole));
}

static void splits_at_semicolons(void **state)
{
    (void)state;
    expect("", "");
    expect(" ;; \n;", "");
    expect("SELECT 1; SELECT 2", "S:SELECT 1|S:SELECT 2|");
    expect("-- a\n/* b; /* c */ */ SELECT 1 -- ;\n;", "S:SELECT 1 -- ;|");
    expect("\xEF\xBB\xBFSELECT 1;\r\nSELECT 2;\r\n", "S:SELECT 1|S:SELECT 2|");
    expect("SELECT (1; 2); SELECT 3", "S:SELECT (1; 2)|S:SELECT 3|");
    expect("CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);x",
        "S:CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2)|S:x|");
    expect("-- one\rSELECT 1;", "S:SELECT 1|");
}

static void knows_strings(void **state)
{
    (void)state;
    expect("SELECT 'a;''b;'; x", "S:SELECT 'a;''b;'|S:x|");
    expect("SELECT '\\'; x", "S:SELECT '\\'|S:x|");
    expect("SELECT E'\\';'; x", "S:SELECT E'\\';'|S:x|");
    expect("SELECT e'a'\n '\\';'; x", "S:SELECT e'a'\n '\\';'|S:x|");
    expect("SELECT e'a' -- c\n  -- d\n '\\';'; x", "S:SELECT e'a' -- c\n  -- d\n '\\';'|S:x|");
    expect("SELECT e'a' '\\'; x", "S:SELECT e'a' '\\'|S:x|");
    expect("SELECT typename'\\'; x", "S:SELECT typename'\\'|S:x|");
    expect("SELECT U&'\\'; x", "S:SELECT U&'\\'|S:x|");
    expect("SELECT U&\"a;\", N';', B';', \"x;\"\"y\"; x", "S:SELECT U&\"a;\", N';', B';', \"x;\"\"y\"|S:x|");
    expect("SELECT $$;$$, $a$;$$;$b$;$a$; x", "S:SELECT $$;$$, $a$;$$;$b$;$a$|S:x|");
    expect("SELECT a$$b; SELECT $1; SELECT 1$x$;$x$", "S:SELECT a$$b|S:SELECT $1|S:SELECT 1$x$;$x$|");
    expect("SELECT 1 */* ; */ 2; SELECT 2 @-- ;\n 3; x::y",
        "S:SELECT 1 */* ; */ 2|S:SELECT 2 @-- ;\n 3|S:x::y|");
    BELAY_AUTO(belay_str_done) belay_str got = BELAY_STR_INIT;
    describe("SELECT '\\';'; x", 15, &(belay_lexer_options){.nonstandard_strings = true}, &got);
    assert_string_equal(belay_str_text(&got), "S:SELECT '\\';'|S:x|");
}

/* What the server would do with the strings behind it. */
static void follows_standard_conforming_strings(void **state)
{
    (void)state;
    static const char *const off[] = {"SET standard_conforming_strings = off",
        "set session Standard_Conforming_Strings to 'off'", "SET LOCAL standard_conforming_strings TO false",
        "SET standard_conforming_strings=0"};
    for (size_t i = 0; i < BELAY_COUNT(off); i++) {
        BELAY_AUTO(belay_free) char *text = belay_format("%s; SELECT '\\';'; x", off[i]);
        BELAY_AUTO(belay_free) char *wanted = belay_format("S:%s|S:SELECT '\\';'|S:x|", off[i]);
        expect(text, wanted);
    }
    expect("SET standard_conforming_strings = on; SELECT '\\'; x",
        "S:SET standard_conforming_strings = on|S:SELECT '\\'|S:x|");
    expect("SET standard_conforming_strings = off; RESET standard_conforming_strings; SELECT '\\'; x",
        "S:SET standard_conforming_strings = off|S:RESET standard_conforming_strings|S:SELECT '\\'|S:x|");
    expect("SET x = off; SELECT '\\'; x", "S:SET x = off|S:SELECT '\\'|S:x|");
    expect("SET standard_conforming_strings = off;\n-- belay: downgrade\nSELECT '\\'; x",
        "S:SET standard_conforming_strings = off|K:downgrade|S:SELECT '\\'|S:x|");
}

static void knows_atomic_bodies(void **state)
{
    (void)state;
    expect("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; x",
        "S:CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; "
        "END|S:x|");
    expect("create or replace procedure p() begin atomic select 1 as end; select t.case from t; end; x",
        "S:create or replace procedure p() begin atomic select 1 as end; select t.case from t; end|S:x|");
    expect("CREATE FUNCTION begin() RETURNS int LANGUAGE sql RETURN 1; x",
        "S:CREATE FUNCTION begin() RETURNS int LANGUAGE sql RETURN 1|S:x|");
    expect("BEGIN; SELECT 1; END; x", "S:BEGIN|S:SELECT 1|S:END|S:x|");
}

static void reads_copy_data(void **state)
{
    (void)state;
    expect("COPY t (a) FROM stdin;\n1;'\n\\N\n-- belay: upgrade\n\\.\nSELECT 1;",
        "S:COPY t (a) FROM stdin|D:1;'\n\\N\n-- belay: upgrade\n|E:\\.|S:SELECT 1|");
    expect("copy t from STDIN with (format csv); -- rows\r\na\r\n\\.\r\nx",
        "S:copy t from STDIN with (format csv)|D:a\r\n|E:\\.|S:x|");
    expect("COPY t FROM STDIN;\n\\.\n", "S:COPY t FROM STDIN|E:\\.|");
    expect("COPY t FROM STDIN;\n1\n\\.", "S:COPY t FROM STDIN|D:1\n|E:\\.|");
    expect("COPY t FROM 'f' WHERE a IS DISTINCT FROM stdin; x",
        "S:COPY t FROM 'f' WHERE a IS DISTINCT FROM stdin|S:x|");
    expect("COPY \"from\" (stdin) TO stdout; x", "S:COPY \"from\" (stdin) TO stdout|S:x|");
    expect("COPY t FROM STDIN;\n1\n", "S:COPY t FROM STDIN|!2");
    expect("COPY t FROM STDIN; SELECT 1;\n", "!1");
}

static void gives_meta_commands_and_markers(void **state)
{
    (void)state;
    expect(
        "\\restrict abc\nSELECT 1;\n\\unrestrict abc\n", "M:\\restrict abc|S:SELECT 1|M:\\unrestrict abc|");
    expect("SELECT 1 \\g out\nx", "S:SELECT 1|M:\\g out|S:x|");
    expect("-- belay: upgrade\nSELECT 1\n-- belay: downgrade \r\nSELECT '\n-- belay: x\n'; -- belay: y\n",
        "K:upgrade|S:SELECT 1|K:downgrade|S:SELECT '\n-- belay: x\n'|");
    expect("-- belay:\n", "K:|");
    expect("SELECT 1;\n-- Belay: downgrade\nx;\n -- belay: verify\n", "S:SELECT 1|K:downgrade|S:x|");
    BELAY_AUTO(belay_str_done) belay_str got = BELAY_STR_INIT;
    static const char text[] = "-- one\nSELECT 1 -- two\n; -- three\n";
    describe(text, sizeof text - 1, &(belay_lexer_options){.comments = true}, &got);
    assert_string_equal(belay_str_text(&got), "C:-- one|S:SELECT 1 -- two|C:-- three|");
}

static void names_the_line_of_a_mistake(void **state)
{
    (void)state;
    expect("SELECT 1;\nSELECT\n'abc\n", "S:SELECT 1|!3");
    expect("\n/* a /* b */\n", "!2");
    expect("\n\nSELECT $x$ $y$ \n", "!3");
    expect("SELECT \"a", "!1");
    BELAY_AUTO(belay_str_done) belay_str got = BELAY_STR_INIT;
    describe("SELECT 1;\0 x", 12, &(belay_lexer_options){0}, &got);
    assert_string_equal(belay_str_text(&got), "!1");
}

static void counts_lines_and_offsets_of_a_part(void **state)
{
    (void)state;
    static const char text[] = "SELECT 1;\n\nSELECT\n2;\nrest";
    belay_lexer_options options = {.offset = 10, .length = 11, .first_line = 2};
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    assert_true(belay_lexer_open_text("f", text, sizeof text - 1, &options, &lexer, &err));
    belay_piece piece;
    assert_true(belay_lexer_next(lexer, &piece, &err));
    assert_string_equal(piece.text, "SELECT\n2");
    assert_int_equal(piece.line, 3);
    assert_int_equal(piece.offset, 11);
    assert_int_equal(piece.end, 20);
    assert_true(belay_lexer_next(lexer, &piece, &err));
    assert_int_equal(piece.kind, BELAY_PIECE_END);
}

/* Pieces that span many reads: a long string, many statements, much COPY data. */
static void streams_long_input(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_str_append(&text, "SELECT '");
    for (int i = 0; i < 300000; i++)
        belay_str_append(&text, "x;");
    belay_str_append(&text, "';\nCOPY t FROM STDIN;\n");
    for (int i = 0; i < 100000; i++)
        belay_str_append(&text, "1;2\n");
    belay_str_append(&text, "\\.\n");
    for (int i = 0; i < 50000; i++)
        belay_str_append(&text, "SELECT $$;$$;\n");
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    assert_true(belay_lexer_open_text("f", text.data, text.length, NULL, &lexer, &err));
    size_t statements = 0, data = 0;
    belay_piece piece;
    while (belay_lexer_next(lexer, &piece, &err) && piece.kind != BELAY_PIECE_END) {
        assert_memory_equal(piece.text, text.data + piece.offset, piece.length);
        statements += piece.kind == BELAY_PIECE_STATEMENT;
        data += piece.kind == BELAY_PIECE_COPY_DATA ? piece.length : 0;
    }
    assert_int_equal(piece.kind, BELAY_PIECE_END);
    assert_int_equal(statements, 50002);
    assert_int_equal(data, 400000);
    assert_int_equal(piece.line, 1 + 1 + 1 + 100000 + 1 + 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_semicolons),
        cmocka_unit_test(knows_strings),
        cmocka_unit_test(follows_standard_conforming_strings),
        cmocka_unit_test(knows_atomic_bodies),
        cmocka_unit_test(reads_copy_data),
        cmocka_unit_test(gives_meta_commands_and_markers),
        cmocka_unit_test(names_the_line_of_a_mistake),
        cmocka_unit_test(counts_lines_and_offsets_of_a_part),
        cmocka_unit_test(streams_long_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
