#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preflight/checks.h"
#include "restore/check.h"
#include "util/file.h"

static belay_verdict judged(int version)
{
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_preflight_judge_version(version, &report, "server_version");
    if (report.count > 0)
        assert_true(report.items[0].hint[0] != '\0');
    return report.verdict;
}

static void test_server_versions(void **state)
{
    (void)state;
    assert_int_equal(judged(140000), BELAY_OK);
    assert_int_equal(judged(150018), BELAY_OK);
    assert_int_equal(judged(180001), BELAY_OK);
    assert_int_equal(judged(190000), BELAY_WARNING);
}

/* The first cells "| `name` |" of the page's first table, with whether the second one says that a restore has
 * it too; and those of the second table, which is about the snapshot. */
static void read_page(belay_list *names, belay_list *restores, belay_list *snapshot)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    assert_true(belay_read_file("docs/preflight.md", 1 << 20, &text, &size, &err));
    belay_list_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        const char *end = belay_starts_with(line, "| `") ? strchr(line + 3, '`') : NULL;
        if (end == NULL)
            continue;
        BELAY_AUTO(belay_free) char *name = belay_strndup(line + 3, (size_t)(end - line - 3));
        belay_list_add(belay_starts_with(name, "snapshot_") ? snapshot : names, name);
        if (belay_starts_with(name, "snapshot_"))
            continue;
        if (belay_starts_with(end, "` | D R |"))
            belay_list_add(restores, name);
        else
            assert_true(belay_starts_with(end, "` | D |"));
    }
}

static void test_page_names_every_check(void **state)
{
    (void)state;
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    BELAY_AUTO(belay_list_done) belay_list restores = {0};
    BELAY_AUTO(belay_list_done) belay_list snapshot = {0};
    read_page(&names, &restores, &snapshot);
    for (size_t i = 0; i < names.count || belay_preflight_name(i) != NULL; i++) {
        assert_string_equal(i < names.count ? names.items[i] : "(the page ends)",
            belay_preflight_name(i) != NULL ? belay_preflight_name(i) : "(the table ends)");
        assert_int_equal(
            belay_list_has(&restores, names.items[i]), belay_preflight_is_for(i, BELAY_PREFLIGHT_RESTORE));
    }
    /* The last of the page is about the files, and made by the pipeline. */
    for (size_t i = 0; i + 1 < snapshot.count || belay_restore_check_name(i) != NULL; i++)
        assert_string_equal(i + 1 < snapshot.count ? snapshot.items[i] : "(the page ends)",
            belay_restore_check_name(i) != NULL ? belay_restore_check_name(i) : "(the table ends)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_versions),
        cmocka_unit_test(test_page_names_every_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
