#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/lint.h"
#include "util/file.h"

static void test_page_names_every_check(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *text = NULL;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    size_t size = 0, found = 0;
    belay_error err = {0};
    assert_true(belay_read_file("docs/snapshots.md", 1 << 20, &text, &size, &err));
    belay_list_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (!belay_starts_with(line, "| `lint_"))
            continue;
        const char *name = belay_lint_name(found++);
        assert_non_null(name);
        assert_true(belay_starts_with(line + 3, name) && line[3 + strlen(name)] == '`');
    }
    assert_null(belay_lint_name(found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_page_names_every_check)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
