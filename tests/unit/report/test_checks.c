/* A table of checks: what is said while it runs, and what a run that it refuses ends with. */
#include "report/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/str.h"

static char said[1024];

static void line(belay_reporter *self, belay_level level, const char *text)
{
    (void)self;
    if (level >= BELAY_INFO)
        snprintf(said, sizeof said, "%s", text);
}

static belay_reporter reporter = {.line = line};

static void find(belay_check_report *to, const char *name, belay_verdict verdict, const char *hint)
{
    size_t before = to->count;
    said[0] = '\0';
    if (verdict != BELAY_OK)
        belay_check_report_add(to, name, verdict, "something is so", hint);
    belay_check_report_settle(to, name, before, &reporter);
}

static void test_warnings_are_said_with_their_hints(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    find(&report, "window", BELAY_OK, NULL);
    assert_string_equal(said, "");
    find(&report, "archiver", BELAY_WARNING, "mend it");
    assert_string_equal(said, "archiver: something is so\n  hint      mend it");
    find(&report, "standbys", BELAY_WARNING, NULL);
    assert_string_equal(said, "standbys: something is so");
    assert_true(belay_check_report_require(&report, BELAY_E_PREFLIGHT, &err));
}

static void test_each_refusal_is_told_once_with_its_hint(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    find(&report, "policy", BELAY_REFUSE, "add --yes");
    assert_string_equal(said, "");
    assert_false(belay_check_report_require(&report, BELAY_E_PREFLIGHT, &err));
    assert_string_equal(err.message, "policy: something is so");
    assert_string_equal(err.hint, "add --yes");

    find(&report, "blocked", BELAY_REFUSE, NULL);
    find(&report, "window", BELAY_REFUSE, "wait");
    assert_false(belay_check_report_require(&report, BELAY_E_PREFLIGHT, &err));
    assert_string_equal(
        err.message, "policy: something is so; blocked: something is so; window: something is so");
    assert_string_equal(err.hint, "policy: add --yes\nwindow: wait");
}

/* A check that a Ctrl-C ended found nothing that refuses: the run ends as one that was stopped. */
static void test_a_stop_is_no_refusal(void **state)
{
    (void)state;
    belay_error err = {0}, stopped = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_fail(&stopped, BELAY_E_CANCELLED, "canceling statement due to user request");
    belay_check_report_add_error(&report, "snapshot_extensions", BELAY_REFUSE, &stopped);
    assert_false(belay_check_report_require(&report, BELAY_E_PREFLIGHT, &err));
    assert_int_equal(err.code, BELAY_E_CANCELLED);
    assert_string_equal(err.message, "snapshot_extensions: canceling statement due to user request");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warnings_are_said_with_their_hints),
        cmocka_unit_test(test_each_refusal_is_told_once_with_its_hint),
        cmocka_unit_test(test_a_stop_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
