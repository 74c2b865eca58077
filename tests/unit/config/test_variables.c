/* .env files and the expansion of ${VAR}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "config/variables.h"
#include "util/file.h"

static bool parse(belay_variables *v, const char *text, belay_error *err)
{
    return belay_variables_parse(v, text, strlen(text), ".env", err);
}

static void test_lines_and_quotes(void **state)
{
    (void)state;
    belay_variables v;
    assert_true(parse(&v,
        "# c\n\nA=1\r\nexport B=two words \nC=\"a \\\"b\\\" \\n \\$x \\d\"\nD='it\\n "
        "is'\nE=\nF=a#b\nA=last\nG=x=y\n",
        NULL));
    assert_string_equal(belay_variables_get(&v, "A"), "last");
    assert_string_equal(belay_variables_get(&v, "F"), "a#b");
    assert_string_equal(belay_variables_get(&v, "G"), "x=y");
    assert_string_equal(belay_variables_get(&v, "C"), "a \"b\" \n $x \\d");
    assert_string_equal(belay_variables_get(&v, "D"), "it\\n is");
    assert_string_equal(belay_variables_get(&v, "E"), "");
    assert_null(belay_variables_file_get(&v, "E"));
    belay_variables_done(&v);
}

static void test_bad_lines_are_named_without_their_value(void **state)
{
    (void)state;
    static const char *const texts[] = {"A=1\nB=\"hunter2\n", "A=1\nB='hunter2' x\n", "A=1\nhunter2\n",
        "A=1\n2B=hunter2\n", "A=1\nB C=hunter2\n", "A=1\n=hunter2\n"};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++) {
        belay_variables v;
        belay_error err = {0};
        assert_false(parse(&v, texts[i], &err));
        assert_int_equal(err.code, BELAY_E_CONFIG);
        assert_int_equal(err.line, 2);
        assert_null(strstr(err.message, "hunter2"));
        assert_null(strstr(err.hint, "hunter2"));
    }
}

static void test_the_file_wins_over_the_environment(void **state)
{
    (void)state;
    belay_variables v;
    assert_true(parse(&v, "BELAY_TEST_A=file\n", NULL));
    setenv("BELAY_TEST_A", "process", 1);
    setenv("BELAY_TEST_B", "process", 1);
    assert_string_equal(belay_variables_get(&v, "BELAY_TEST_A"), "file");
    assert_string_equal(belay_variables_get(&v, "BELAY_TEST_B"), "process");
    assert_null(belay_variables_file_get(&v, "BELAY_TEST_B"));
    belay_variables_done(&v);
}

static void expands(const belay_variables *v, const char *text, const char *expected)
{
    BELAY_AUTO(belay_free_secret) char *got = NULL;
    belay_error err = {0};
    if (!belay_variables_expand(v, text, &got, &err))
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(got, expected);
}

static void test_expansion_happens_once(void **state)
{
    (void)state;
    belay_variables v;
    assert_true(parse(&v, "A=${B}\nB=b\nE=\nD=$$\n", NULL));
    expands(&v, "", "");
    expands(&v, "plain", "plain");
    expands(&v, "${A}", "${B}");
    expands(&v, "x${B}y${B}", "xbyb");
    expands(&v, "${D}$$${E}", "$$$");
    expands(&v, "$$$${B}", "$${B}");
    static const char *const wrong[] = {
        "$", "$B", "${", "${B", "${}", "${B-x}", "${1}", "${BELAY_TEST_UNSET}", "a$ b"};
    for (size_t i = 0; i < BELAY_COUNT(wrong); i++) {
        char *got = NULL;
        belay_error err = {0};
        if (belay_variables_expand(&v, wrong[i], &got, &err))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(err.code, BELAY_E_CONFIG);
        assert_true(err.hint[0] != '\0');
    }
    belay_variables_done(&v);
}

static void test_a_readable_file_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/belay-env-XXXXXX";
    assert_non_null(mkdtemp(folder));
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, ".env");
    assert_true(belay_write_file_durably(path, "A=1\n", 4, 0600, NULL));
    belay_variables v = {0};
    belay_error err = {0};
    assert_true(belay_variables_load(&v, path, &err));
    belay_variables_done(&v);
    static const mode_t modes[] = {0640, 0604, 0644};
    for (size_t i = 0; i < BELAY_COUNT(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_false(belay_variables_load(&v, path, &err));
        assert_int_equal(err.code, BELAY_E_CONFIG);
        assert_non_null(strstr(err.hint, "chmod 600"));
    }
    BELAY_AUTO(belay_free) char *missing = belay_path_join(folder, "missing");
    assert_false(belay_variables_load(&v, missing, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    belay_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_quotes),
        cmocka_unit_test(test_bad_lines_are_named_without_their_value),
        cmocka_unit_test(test_the_file_wins_over_the_environment),
        cmocka_unit_test(test_expansion_happens_once),
        cmocka_unit_test(test_a_readable_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
