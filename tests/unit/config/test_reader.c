/* The reader of belay.ini: what it takes, and that what it refuses is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/reader.h"
#include "util/str.h"

static belay_ini *read_ok(const char *text)
{
    belay_ini *ini = NULL;
    belay_error err = {0};
    if (!belay_ini_parse(text, strlen(text), "x.ini", &ini, &err))
        fail_msg("line %ld: %s", err.line, err.message);
    return ini;
}

static const char *value(const belay_ini *ini, const char *kind, const char *name, const char *key)
{
    const belay_ini_entry *entry = belay_ini_entry_of(belay_ini_section_of(ini, kind, name), key);
    return entry == NULL ? NULL : entry->value;
}

static void refused_bytes(const char *text, size_t length, long line, const char *part)
{
    belay_ini *ini = NULL;
    belay_error err = {0};
    assert_false(belay_ini_parse(text, length, "x.ini", &ini, &err));
    assert_null(ini);
    assert_int_equal(err.code, BELAY_E_CONFIG);
    assert_string_equal(err.file, "x.ini");
    assert_int_equal(err.line, line);
    if (strstr(err.message, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err.message, part);
    assert_true(err.hint[0] != '\0');
}

static void refused(const char *text, long line, const char *part)
{
    refused_bytes(text, strlen(text), line, part);
}

static void test_values_are_taken_as_they_are(void **state)
{
    (void)state;
    BELAY_AUTO(belay_ini_free)
    belay_ini *ini =
        read_ok("\xEF\xBB\xBF; a comment\r\n[belay]\r\nmigrations = a b \r\n\n# another\n[target.a-b_1]\n"
                "stop_command=echo a ; echo b # c: = [x]\nurl = postgresql://h/d?a=b\nempty =\n");
    assert_string_equal(value(ini, "belay", NULL, "migrations"), "a b");
    assert_string_equal(value(ini, "target", "a-b_1", "stop_command"), "echo a ; echo b # c: = [x]");
    assert_string_equal(value(ini, "target", "a-b_1", "url"), "postgresql://h/d?a=b");
    assert_string_equal(value(ini, "target", "a-b_1", "empty"), "");
    assert_int_equal(belay_ini_entry_of(belay_ini_section_of(ini, "target", "a-b_1"), "url")->line, 8);
    assert_null(value(ini, "target", "a-b_1", "other"));
    assert_null(belay_ini_section_of(ini, "target", NULL));
}

static void test_continued_lines_join_with_newlines(void **state)
{
    (void)state;
    BELAY_AUTO(belay_ini_free)
    belay_ini *ini =
        read_ok("[target.a]\nstop_command = one\n  two = 2\n\t; not this\n  [three]\nlogs =\n  x\n");
    assert_string_equal(value(ini, "target", "a", "stop_command"), "one\ntwo = 2\n[three]");
    assert_string_equal(value(ini, "target", "a", "logs"), "x");
}

static void test_long_lines_are_whole_or_refused(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_str_append(&text, "[target.a]\nx = ");
    for (int i = 0; i < BELAY_INI_MAX_LINE - 4; i++)
        belay_str_append_char(&text, 'y');
    BELAY_AUTO(belay_ini_free) belay_ini *ini = read_ok(belay_str_text(&text));
    assert_int_equal(strlen(value(ini, "target", "a", "x")), BELAY_INI_MAX_LINE - 4);
    belay_str_append_char(&text, 'y');
    refused(belay_str_text(&text), 2, "bytes");
}

static void test_names_as_long_as_allowed_stay_whole(void **state)
{
    (void)state;
    static const char name[] = "abcdefghijabcdefghijabcdefghijabcdefghij"; /* 40 */
    BELAY_AUTO(belay_free) char *text = belay_format("[target.%s]\n%s = 1\n", name, name);
    BELAY_AUTO(belay_ini_free) belay_ini *ini = read_ok(text);
    assert_string_equal(value(ini, "target", name, name), "1");
    BELAY_AUTO(belay_free) char *section = belay_format("[target.%sx]\n", name);
    refused(section, 1, "is not a section's name");
    BELAY_AUTO(belay_free) char *key = belay_format("[a]\n%sx = 1\n", name);
    refused(key, 2, "is not a key");
}

static void test_what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    refused("x = 1\n", 1, "before any section");
    refused("[a]\nx = 1\nx = 2\n", 3, "first is in line 2");
    refused("[a.b]\n[c]\n\n[a.b]\n", 4, "first is in line 1");
    refused("[a]\nx\n", 2, "neither");
    refused("[a]\n x = 1\n", 2, "indented");
    refused("[a]\nx = 1\n\n  y\n", 4, "indented");
    refused("[a] ; why\n", 1, "ends in ]");
    refused("[a\n", 1, "ends in ]");
    refused("[]\n", 1, "not a section's name");
    refused("[a.]\n", 1, "not a section's name");
    refused("[a.b.c]\n", 1, "not a section's name");
    refused("[a b]\n", 1, "not a section's name");
    refused("[a]\n= 1\n", 2, "is not a key");
    refused("[a]\na-b = 1\n", 2, "is not a key");
    refused("[a]\nx: 1\n", 2, "neither");
    refused("[a]\nx: y = 1\n", 2, "is not a key");
}

static void test_binary_files_are_refused(void **state)
{
    (void)state;
    static const char nul[] = "[a]\nx = 1\0y\n";
    refused_bytes(nul, sizeof nul - 1, 2, "0x00");
    static const char elf[] = "\x7f"
                              "ELF\x02\x01";
    refused_bytes(elf, sizeof elf - 1, 1, "0x7f");
    static const char latin[] = "[a]\nx = caf\xE9\n";
    refused_bytes(latin, sizeof latin - 1, 2, "UTF-8");
    static const char cut[] = "[a]\nx = caf\xC3";
    refused_bytes(cut, sizeof cut - 1, 2, "UTF-8");
    static const char nul_section[] = "[a.b\0c]\n";
    refused_bytes(nul_section, sizeof nul_section - 1, 1, "0x00");
}

static void test_empty_files_have_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "; only this", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++) {
        BELAY_AUTO(belay_ini_free) belay_ini *ini = read_ok(texts[i]);
        assert_int_equal(ini->count, 0);
    }
}

static void test_huge_files_end_soon(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str sections = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str keys = BELAY_STR_INIT;
    belay_str_append(&keys, "[a]\n");
    for (int i = 0; i < 50000; i++) {
        belay_str_appendf(&sections, "[a.b%d]\n", i);
        belay_str_appendf(&keys, "k%d=1\n", i);
    }
    refused(belay_str_text(&sections), 1001, "sections");
    refused(belay_str_text(&keys), 502, "keys in one section");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_taken_as_they_are),
        cmocka_unit_test(test_continued_lines_join_with_newlines),
        cmocka_unit_test(test_long_lines_are_whole_or_refused),
        cmocka_unit_test(test_names_as_long_as_allowed_stay_whole),
        cmocka_unit_test(test_what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(test_binary_files_are_refused),
        cmocka_unit_test(test_empty_files_have_nothing),
        cmocka_unit_test(test_huge_files_end_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
