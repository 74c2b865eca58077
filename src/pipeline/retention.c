#include "pipeline/retention.h"

#include "util/mem.h"

belay_retention belay_retention_of(const belay_target *target)
{
    return (belay_retention){.last = target->keep_last,
        .daily = target->keep_daily,
        .weekly = target->keep_weekly,
        .monthly = target->keep_monthly,
        .for_ms = target->keep_for_ms};
}

enum { PERIOD_SIZE = 32 };
typedef void period_function(const struct tm *utc, char ret[static PERIOD_SIZE]);

static void day_of(const struct tm *utc, char ret[static PERIOD_SIZE])
{
    strftime(ret, PERIOD_SIZE, "%Y-%m-%d", utc);
}

static void week_of(const struct tm *utc, char ret[static PERIOD_SIZE])
{
    strftime(ret, PERIOD_SIZE, "%G-W%V", utc);
}

static void month_of(const struct tm *utc, char ret[static PERIOD_SIZE])
{
    strftime(ret, PERIOD_SIZE, "%Y-%m", utc);
}

/* The newest of each of the `wanted` newest periods. */
static void keep_by_period(const char *rule, period_function *period_of, int wanted, const time_t *times,
    size_t count, belay_list *ret_rules)
{
    char before[PERIOD_SIZE] = "";
    for (size_t i = 0; i < count && wanted > 0; i++) {
        struct tm utc = {0};
        char period[PERIOD_SIZE] = "";
        gmtime_r(&times[i], &utc);
        period_of(&utc, period);
        if (belay_equal(period, before))
            continue;
        belay_list_add_owned(&ret_rules[i], belay_format("%s %s", rule, period));
        memcpy(before, period, sizeof before);
        wanted--;
    }
}

void belay_retention_apply(
    const belay_retention *retention, const time_t *times, size_t count, belay_list *ret_rules)
{
    for (size_t i = 0; i < count && i < (size_t)retention->last; i++)
        belay_list_add(&ret_rules[i], "keep_last");
    keep_by_period("keep_daily", day_of, retention->daily, times, count, ret_rules);
    keep_by_period("keep_weekly", week_of, retention->weekly, times, count, ret_rules);
    keep_by_period("keep_monthly", month_of, retention->monthly, times, count, ret_rules);
    for (size_t i = 0; i < count && retention->for_ms > 0; i++) {
        if ((int64_t)(times[0] - times[i]) * 1000 <= retention->for_ms)
            belay_list_add(&ret_rules[i], "keep_for");
    }
}
