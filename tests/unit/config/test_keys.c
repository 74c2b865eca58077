/* The table of keys against what people read: docs/configuration.md and conf/belay.ini. Each key's value
 * survives being written and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/keys.h"
#include "util/file.h"

enum { MAX_BYTES = 1024 * 1024 };

static char *read_text(const char *path)
{
    char *text = NULL;
    size_t length = 0;
    belay_error err = {0};
    if (!belay_read_file(path, MAX_BYTES, &text, &length, &err))
        fail_msg("%s", err.message);
    return text;
}

/* "yes; elsewhere no" where environments differ. */
static char *default_text(const belay_key *key)
{
    const char *const *d = key->defaults;
    if (d[0] == NULL)
        return belay_strdup("");
    if (belay_equal(d[0], d[1]) && belay_equal(d[1], d[2]))
        return belay_format("`%s`", d[0]);
    if (belay_equal(d[1], d[2]))
        return belay_format("`%s` in development, else `%s`", d[0], d[1]);
    return belay_format("`%s` in production, else `%s`", d[2], d[0]);
}

static char *row_of(const belay_key *key)
{
    BELAY_AUTO(belay_free) char *standard = default_text(key);
    BELAY_AUTO(belay_list_done) belay_list choices = {0};
    belay_list_split(&choices, key->choices == NULL ? "" : key->choices, " ");
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&choices, ", ");
    return belay_format(
        "| `%s` | %s | %s%s%s |\n", key->name, standard, key->help, choices.count == 0 ? "" : ": ", joined);
}

static void test_each_key_is_documented(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *page = read_text("docs/configuration.md");
    size_t count = 0;
    const belay_key *keys = belay_keys(&count);
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        BELAY_AUTO(belay_free) char *row = row_of(&keys[i]);
        if (strstr(page, row) == NULL) {
            print_message(
                "docs/configuration.md lacks this row of [%s]:\n%s", belay_key_kind_name(keys[i].kind), row);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void test_the_sample_shows_each_key_of_a_target(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *sample = read_text("conf/belay.ini");
    size_t count = 0;
    const belay_key *keys = belay_keys(&count);
    for (size_t i = 0; i < count; i++) {
        BELAY_AUTO(belay_free) char *line = belay_format("%s =", keys[i].name);
        bool shown = strstr(sample, line) != NULL || keys[i].type == BELAY_TYPE_CONNECTION;
        if (keys[i].kind == BELAY_KEY_TARGET && !shown)
            fail_msg("conf/belay.ini lacks \"%s\"", line);
    }
}

static void test_defaults_survive_a_round_trip(void **state)
{
    (void)state;
    size_t count = 0;
    const belay_key *keys = belay_keys(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t e = 0; e < 3; e++) {
            if (keys[i].kind != BELAY_KEY_TARGET || keys[i].defaults[e] == NULL)
                continue;
            belay_target target = {.project_root = belay_strdup("/root")};
            belay_error err = {0};
            if (!belay_key_set(&keys[i], keys[i].defaults[e], &target, &err))
                fail_msg("%s: %s", keys[i].name, err.message);
            BELAY_AUTO(belay_free) char *text = belay_key_text(&keys[i], &target);
            char *expected =
                belay_equal(keys[i].defaults[e], "60s") ? "1min" : (char *)(uintptr_t)keys[i].defaults[e];
            assert_string_equal(text, expected);
            belay_target_done(&target);
        }
    }
}

static void test_secrets_are_marked(void **state)
{
    (void)state;
    static const char *const secret[] = {"password", "url", "sslpassword"};
    for (size_t i = 0; i < BELAY_COUNT(secret); i++)
        assert_true(belay_key_find(BELAY_KEY_TARGET, secret[i])->secret);
    assert_false(belay_key_find(BELAY_KEY_TARGET, "host")->secret);
    assert_null(belay_key_find(BELAY_KEY_TARGET, "client_encoding"));
    assert_null(belay_key_find(BELAY_KEY_STORE, "host"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_is_documented),
        cmocka_unit_test(test_the_sample_shows_each_key_of_a_target),
        cmocka_unit_test(test_defaults_survive_a_round_trip),
        cmocka_unit_test(test_secrets_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
