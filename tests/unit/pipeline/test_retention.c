/* Which snapshots the keep_* keys keep: times newest first, rules as they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/retention.h"
#include "util/mem.h"

enum { MOST = 8 };

static time_t at(const char *text)
{
    struct tm utc = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &utc));
    return timegm(&utc);
}

/* "rules of the first | of the second | ..." */
static void assert_rules(belay_retention retention, const char *const *when, const char *expected)
{
    time_t times[MOST] = {0};
    belay_list rules[MOST] = {{0}};
    BELAY_AUTO(belay_list_done) belay_list all = {0};
    size_t count = 0;
    for (; when[count] != NULL; count++)
        times[count] = at(when[count]);
    belay_retention_apply(&retention, times, count, rules);
    for (size_t i = 0; i < count; i++) {
        belay_list_add_owned(&all, belay_list_join(&rules[i], ","));
        belay_list_done(&rules[i]);
    }
    BELAY_AUTO(belay_free) char *got = belay_list_join(&all, "|");
    assert_string_equal(got, expected);
}

static void the_newest_stay(void **state)
{
    (void)state;
    const char *const when[] = {"2025-11-04 12:00", "2025-11-03 12:00", "2025-11-02 12:00", NULL};
    assert_rules((belay_retention){.last = 2}, when, "keep_last|keep_last|");
    assert_rules((belay_retention){.last = 9}, when, "keep_last|keep_last|keep_last");
    assert_rules((belay_retention){.last = 1}, (const char *const[]){NULL}, "");
}

static void the_last_of_each_day_stays(void **state)
{
    (void)state;
    const char *const when[] = {"2025-11-04 23:59", "2025-11-04 00:00", "2025-11-03 23:59",
        "2025-10-01 12:00", "2025-09-01 12:00", NULL};
    assert_rules((belay_retention){.daily = 3}, when,
        "keep_daily 2025-11-04||keep_daily 2025-11-03|keep_daily 2025-10-01|");
}

/* 2024-12-30 is a Monday, of the first week of 2025. */
static void weeks_are_those_of_the_calendar(void **state)
{
    (void)state;
    const char *const when[] = {
        "2025-01-05 12:00", "2025-01-01 12:00", "2024-12-30 00:00", "2024-12-29 23:59", NULL};
    assert_rules((belay_retention){.weekly = 2, .monthly = 1}, when,
        "keep_weekly 2025-W01,keep_monthly 2025-01|||keep_weekly 2024-W52");
}

static void the_time_counts_from_the_newest(void **state)
{
    (void)state;
    const char *const when[] = {"2025-01-03 12:00", "2025-01-01 12:00", "2025-01-01 11:59", NULL};
    assert_rules((belay_retention){.for_ms = 2 * 86400000LL}, when, "keep_for|keep_for|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_newest_stay),
        cmocka_unit_test(the_last_of_each_day_stays), cmocka_unit_test(weeks_are_those_of_the_calendar),
        cmocka_unit_test(the_time_counts_from_the_newest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
