/* Files become a graph, a graph becomes plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "revision/revision.h"
#include "util/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/belay_graph.XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state)
{
    (void)state;
    return !belay_remove_tree(folder, NULL);
}

static void put_bytes(const char *name, const char *text, size_t length)
{
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, name);
    assert_true(belay_write_file_durably(path, text, length, 0644, NULL));
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

/* A migration of one line in each section, with more header lines. */
static void put_revision(const char *id, const char *revises, const char *more)
{
    BELAY_AUTO(belay_free) char *name = belay_format("%s.sql", id);
    BELAY_AUTO(belay_free)
    char *text = belay_format("-- Do %s\n--\n-- Revision ID: %s\n-- Revises: %s\n%s\n-- belay: upgrade\n"
                              "SELECT 1;\n\n-- belay: downgrade\nSELECT 2;\n",
        id, id, revises, more);
    put(name, text);
}

static void load(belay_graph **ret)
{
    belay_error err = {0};
    if (!belay_graph_load(folder, ret, &err))
        fail_msg("%s:%ld: %s", err.file, err.line, err.message);
}

static void expect_error(long line, const char *message, const char *hint)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    assert_false(belay_graph_load(folder, &graph, &err));
    assert_int_equal(err.code, BELAY_E_MIGRATION_FILE);
    if (strstr(err.message, message) == NULL)
        fail_msg("message: %s", err.message);
    if (strstr(err.hint, hint) == NULL)
        fail_msg("hint: %s", err.hint);
    assert_int_equal(err.line, line);
    assert_true(err.file[0] == '/');
}

static void reads_header_and_sections(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF-- Add caf\xC3\xA9\r\n--\r\n-- revision id: abc123\r\n-- Revises:\r\n"
        "-- Branch Labels: one, two\r\n-- Transaction: No\r\n\r\n-- Revises: this is a comment\r\n"
        "-- belay: upgrade\r\nSELECT '\r\n-- belay: downgrade\r\n';\r\n-- belay: verify\r\nSELECT true;";
    put("a.sql", text);
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    const belay_revision *revision = belay_graph_find(graph, "abc123");
    assert_non_null(revision);
    assert_string_equal(revision->message, "Add caf\xC3\xA9");
    assert_true(revision->is_base && revision->is_head);
    assert_false(revision->transaction);
    assert_int_equal(revision->branch_label_count, 2);
    assert_false(revision->downgrade.present);
    assert_int_equal(revision->upgrade.line, 10);
    assert_memory_equal(text + revision->upgrade.offset, "SELECT '\r\n-- belay: downgrade\r\n';\r\n",
        revision->upgrade.length);
    assert_int_equal(revision->verify.length, strlen("SELECT true;"));
    assert_memory_equal(text + revision->verify.offset, "SELECT true;", 12);
}

static void markers_inside_of_sql_do_not_count(void **state)
{
    (void)state;
    static const char *const bodies[] = {"SELECT $q$\n-- belay: verify\n$q$;",
        "/* a /* b */\n-- belay: verify\n*/", "SELECT \"\n-- belay: verify\n\";",
        "SELECT E'\\'\n-- belay: verify\n';",
        "COPY t (a) FROM stdin WITH (FORMAT text);\n-- belay: verify\n'\n\\.\n",
        "SELECT a$b, 'x' -- '\n;SELECT $$'\n-- belay: verify\n$$;",
        "SELECT E'a'\n  '\\'\n-- belay: verify\n';", " -- belay: verify"};
    for (size_t i = 0; i < BELAY_COUNT(bodies); i++) {
        BELAY_AUTO(belay_free)
        char *text = belay_format(
            "-- Revision ID: a1\n\n-- belay: upgrade\n%s\n-- belay: downgrade\nSELECT 1;\n", bodies[i]);
        put("a.sql", text);
        BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
        load(&graph);
        const belay_revision *revision = belay_graph_find(graph, "a1");
        assert_false(revision->verify.present);
        assert_true(revision->downgrade.present);
        assert_int_equal(revision->downgrade.length, 10);
    }
}

/* The file is read in blocks of 64 KB: markers and quotes may lie across their borders. */
static void finds_markers_across_blocks(void **state)
{
    (void)state;
    enum { BLOCK = 64 * 1024 };
    static const char head[] = "-- Revision ID: a1\n\n-- belay: upgrade\nSELECT '";
    static const char tail[] = "\n-- belay: verify\n';\n-- belay: downgrade\nSELECT 1;\n";
    for (size_t shift = 0; shift < sizeof tail; shift++) {
        size_t length = BLOCK - shift + sizeof tail - 1;
        BELAY_AUTO(belay_free) char *text = belay_alloc(length + 1);
        memset(text, 'x', length);
        memcpy(text, head, sizeof head - 1);
        memcpy(text + BLOCK - shift, tail, sizeof tail - 1);
        put_bytes("a.sql", text, length);
        BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
        load(&graph);
        const belay_revision *revision = belay_graph_find(graph, "a1");
        assert_false(revision->verify.present);
        assert_int_equal(revision->downgrade.offset, length - strlen("SELECT 1;\n"));
        assert_int_equal(
            revision->upgrade.offset + revision->upgrade.length + strlen("-- belay: downgrade\n"),
            revision->downgrade.offset);
        assert_int_equal(revision->downgrade.line, 8);
    }
}

static void refuses_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long line;
        const char *message, *hint;
    } cases[] = {{"", 0, "empty", "delete"},
        {"-- hello\n\nSELECT 1;\n", 1, "no \"Revision ID:\"", "begin it with"},
        {"-- m\n-- Revision: a1\n", 2, "\"Revision:\" is not a header key", "\"Revision ID:\""},
        {"-- m\n-- Revision ID: a1\n-- Down-Revision: b\n", 3, "not a header key", "\"Revises:\""},
        {"-- m\n-- Revision ID: a1\n-- Revision ID: a2\n", 3, "stands twice", "keep one"},
        {"-- m\n-- Revision ID: a-1\n", 2, "Character(s) '-' not allowed", "letters"},
        {"-- m\n-- Revision ID: 123456789012345678901234567890123\n", 2, "33 characters", "32"},
        {"-- m\n-- Revision ID: head\n", 2, "cannot be the name", "another"},
        {"-- m\n-- Revision ID: a1\n-- Transaction: maybe\n", 3, "neither yes nor no", "CONCURRENTLY"},
        {"-- m\n-- Revision ID: a1\n\n", 4, "no \"-- belay: upgrade\"", "add a line"},
        {"-- m\n-- Revision ID: a1\n\nSELECT 1;\n-- belay: upgrade\n", 4, "before the first", "above it"},
        {"-- m\n-- Revision ID: a1\n-- belay: upgrade\n-- belay: upgrade\n", 4, "twice", "join"},
        {"-- m\n-- Revision ID: a1\n-- belay: upgrad\n", 3, "no section \"upgrad\"", "upgrade"},
        {"-- m\n-- Revision ID: a1\n-- belay: upgrade\nSELECT 'x;\n", 4,
            "a quoted string that begins here is not ended", "close"},
        {"-- m\n-- Revision ID: a1\n-- belay: upgrade\nSELECT $a$;\n", 4,
            "a dollar-quoted string that begins here is not ended", "$a$"},
        {"-- m\n-- Revision ID: a1\n-- belay: upgrade\nCOPY t FROM stdin;\n1\n-- belay: downgrade\n", 5,
            "has no \\. line", "end the data"},
        {"-- caf\xE9\n-- Revision ID: a1\n-- belay: upgrade\n", 1, "not valid UTF-8", "iconv"},
        {"-- m\n-- Revision ID: a1\n-- Revises: b2\n-- belay: upgrade\n", 3, "b2 referenced from a1",
            "version control"},
        {"-- m\n-- Revision ID: a1\n-- Revises: a1\n-- belay: upgrade\n", 3, "Self-loop", "remove"}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        put("a.sql", cases[i].text);
        expect_error(cases[i].line, cases[i].message, cases[i].hint);
    }
    put_bytes("a.sql", "-- m\n\0binary", 12);
    expect_error(2, "NUL byte", "UTF-8");
}

/* Larger than what is read at once: one statement of many pieces, and what stands behind it. */
static void skims_long_files(void **state)
{
    (void)state;
    enum { LINES = 50000 };
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_str_append(&text, "-- m\n-- Revision ID: a1\n-- belay: upgrade\nSELECT '\n");
    for (int i = 0; i < LINES; i++)
        belay_str_append(&text, "-- belay: no\xC3\xA4 ;\n");
    belay_str_append(&text, "';\n-- belay: downgrade\n");
    size_t behind = text.length;
    belay_str_append(&text, "SELECT 1;\n");
    put_bytes("a.sql", belay_str_text(&text), text.length);
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    belay_error err = {0};
    if (!belay_graph_load(folder, &graph, &err))
        fail_msg("%s", err.message);
    const belay_section *down = &belay_graph_history(graph)[0]->downgrade;
    assert_int_equal(down->offset, behind);
    assert_int_equal(down->length, strlen("SELECT 1;\n"));
    assert_int_equal(down->line, LINES + 7);
    text.data[behind] = '\xFF';
    put_bytes("a.sql", belay_str_text(&text), text.length);
    expect_error(LINES + 7, "not valid UTF-8", "iconv");
    put_bytes("a.sql", belay_str_text(&text), behind - strlen("-- belay: downgrade\n") - 3);
    expect_error(4, "a quoted string that begins here is not ended", "close");
    put("a.sql", "-- m\n-- Revision ID: a1\n-- belay: upgrade\n-- \xC3");
    expect_error(4, "not valid UTF-8", "iconv");
}

static void refuses_bad_graphs(void **state)
{
    (void)state;
    put_revision("a1", "", "");
    put("b.sql", "-- Revision ID: a1\n-- belay: upgrade\n");
    expect_error(1, "a1 is present more than once: in a1.sql and in b.sql", "another");
    put("b.sql", "-- Revision ID: b1\n-- Revises: c1\n-- belay: upgrade\n");
    put("c.sql", "-- Revision ID: c1\n-- Revises: b1\n-- belay: upgrade\n");
    expect_error(2, "Cycle is detected in revisions (b1, c1)", "correct the \"Revises:\"");
    put("b.sql", "-- Revision ID: b1\n-- Create Date:\n-- Depends On: c1\n-- belay: upgrade\n");
    put("c.sql", "-- Revision ID: c1\n-- Create Date:\n-- Depends On: b1\n-- belay: upgrade\n");
    expect_error(3, "Dependency cycle is detected in revisions (b1, c1)", "Depends On:");
    put("b.sql", "-- Revision ID: b1\n-- Branch Labels: x\n-- belay: upgrade\n");
    put("c.sql", "-- Revision ID: c1\n-- Branch Labels: x\n-- belay: upgrade\n");
    expect_error(2, "Branch name 'x' in revision c1 already used by revision b1", "one branch");
}

/* varchar(32) counts characters. */
static void counts_characters_of_identifiers(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str id = BELAY_STR_INIT;
    for (int i = 0; i < 32; i++)
        belay_str_append(&id, "\xC3\xBC");
    put_revision("a1", belay_str_text(&id), "");
    BELAY_AUTO(belay_free)
    char *text = belay_format("-- m\n-- Revision ID: %s\n-- belay: upgrade\n", belay_str_text(&id));
    put("b.sql", text);
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    assert_non_null(belay_graph_find(graph, belay_str_text(&id)));
}

static void plans_up_and_down(void **state)
{
    (void)state;
    put_revision("aaaa1", "", "");
    put_revision("bbbb1", "aaaa1", "-- Branch Labels: left\n");
    put_revision("cccc1", "aaaa1", "");
    put_revision("dddd1", "bbbb1, cccc1", "");
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_plan_done) belay_plan up = {0};
    assert_true(belay_graph_plan_upgrade(graph, &rows, "head", &up, NULL));
    assert_int_equal(up.step_count, 4);
    assert_string_equal(up.steps[0].revision->id, "aaaa1");
    assert_string_equal(up.steps[3].revision->id, "dddd1");
    assert_int_equal(up.steps[3].remove_count, 2);
    assert_int_equal(up.to_count, 1);
    belay_list_add(&rows, "dddd1");
    BELAY_AUTO(belay_plan_done) belay_plan down = {0};
    assert_true(belay_graph_plan_downgrade(graph, &rows, "left@bbbb", &down, NULL));
    assert_int_equal(down.step_count, 1);
    assert_int_equal(down.to_count, 2);
    belay_error err = {0};
    assert_false(belay_graph_plan_upgrade(graph, &rows, "nope", &down, &err));
    assert_string_equal(err.message, "Can't locate revision identified by 'nope'");
}

static void names_what_the_database_has_and_the_files_have_not(void **state)
{
    (void)state;
    put_revision("aaaa1", "", "-- Create Date: 2025-01-01\n");
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    belay_list_add(&rows, "ffff9");
    belay_error err = {0};
    assert_false(belay_graph_check_known(graph, &rows, &err));
    assert_int_equal(err.code, BELAY_E_DATABASE_AHEAD);
    assert_non_null(strstr(err.message, "'ffff9'"));
    assert_non_null(strstr(err.message, "aaaa1 (2025-01-01, Do aaaa1)"));
    assert_non_null(strstr(err.hint, "older than the database"));
    assert_non_null(strstr(err.hint, "stamp head"));
}

/* So many that two threads read them: the order is the names', and the first error is the one that is told.
 */
static void reads_many_files(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    char id[16], parent[16] = "";
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "r%03d", i);
        put_revision(id, parent, "");
        memcpy(parent, id, sizeof id);
    }
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    assert_int_equal(belay_graph_count(graph), COUNT);
    const belay_revision *const *history = belay_graph_history(graph);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "r%03d", COUNT - 1 - i);
        assert_string_equal(history[i]->id, id);
    }
    put("r500.sql", "-- m\n-- Revision ID: r500\n-- Transaction: perhaps\n");
    expect_error(3, "neither yes nor no", "CONCURRENTLY");
    put("r100.sql", "");
    expect_error(0, "empty", "delete");
}

static void hashes_sections_without_regard_to_line_endings(void **state)
{
    (void)state;
    put("a.sql", "-- Revision ID: a1\n-- belay: upgrade\nSELECT 1;\nSELECT 2;\n");
    put("b.sql", "-- Revision ID: b1\r\n-- Revises: a1\r\n-- belay: upgrade\r\nSELECT 1;\r\nSELECT 2;\r\n");
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    load(&graph);
    char a[BELAY_SHA256_HEX_SIZE], b[BELAY_SHA256_HEX_SIZE];
    const belay_revision *first = belay_graph_find(graph, "a1");
    const belay_revision *second = belay_graph_find(graph, "b1");
    assert_true(belay_section_hash(first, &first->upgrade, a, NULL));
    assert_true(belay_section_hash(second, &second->upgrade, b, NULL));
    assert_string_equal(a, b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(reads_header_and_sections),
        TEST(markers_inside_of_sql_do_not_count), TEST(finds_markers_across_blocks), TEST(refuses_bad_files),
        TEST(skims_long_files), TEST(refuses_bad_graphs), TEST(counts_characters_of_identifiers),
        TEST(plans_up_and_down), TEST(names_what_the_database_has_and_the_files_have_not),
        TEST(hashes_sections_without_regard_to_line_endings), TEST(reads_many_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
