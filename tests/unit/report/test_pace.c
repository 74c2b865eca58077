/* When progress is shown, and its figures: no clock is read here. */
#include "report/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/mem.h"

enum { MB = 1000000 };

static belay_progress at(int64_t elapsed_ms, uint64_t done_bytes)
{
    return (belay_progress){
        .what = "snapshot", .done_bytes = done_bytes, .total_bytes = 1000 * MB, .elapsed_ms = elapsed_ms};
}

static void test_due_at_intervals_and_at_the_end(void **state)
{
    (void)state;
    belay_pace pace = {0};
    belay_progress p = at(0, 0);
    assert_false(belay_pace_due(&pace, &p, 5000, 200)); /* what is over at once is not shown */
    assert_false(belay_pace_due(&pace, &p, 5199, 200));
    assert_true(belay_pace_due(&pace, &p, 5200, 200));
    assert_false(belay_pace_due(&pace, &p, 5201, 200));
    p.finished = true;
    assert_true(belay_pace_due(&pace, &p, 5202, 200));
    p.finished = false;
    p.what = "verify"; /* other work waits anew */
    assert_false(belay_pace_due(&pace, &p, 9000, 200));
    assert_true(belay_pace_due(&pace, &p, 9200, 200));
}

static void test_share_rate_and_time_left(void **state)
{
    (void)state;
    belay_pace pace = {.what = "snapshot", .begun = true};
    belay_figures figures;
    belay_progress p = at(1000, 100 * MB);
    belay_pace_read(&pace, &p, &figures);
    assert_float_equal(figures.rate_bytes_per_s, 100.0 * MB, 1);
    assert_float_equal(figures.share, 0.1, 1e-9);
    assert_float_equal(figures.seconds_left, 9, 1e-6);
}

static void test_rate_follows_what_happened_lately(void **state)
{
    (void)state;
    belay_pace pace = {.what = "snapshot", .begun = true};
    belay_figures figures;
    uint64_t bytes = 0;
    for (int64_t ms = 1000; ms <= 10000; ms += 500) { /* fast, then slow */
        bytes += ms <= 2000 ? 100 * MB : 1 * MB;
        belay_progress p = at(ms, bytes);
        belay_pace_read(&pace, &p, &figures);
    }
    double average = (double)bytes / 10;
    assert_true(figures.rate_bytes_per_s < average);
    assert_true(figures.rate_bytes_per_s > 2.0 * MB);
}

static void test_unknown_figures(void **state)
{
    (void)state;
    belay_pace pace = {.what = "snapshot", .begun = true};
    belay_figures figures;
    belay_progress p = at(0, 0);
    belay_pace_read(&pace, &p, &figures);
    assert_float_equal(figures.share, 0, 1e-9);
    assert_true(figures.seconds_left < 0);
    p = at(1000, 5 * MB);
    p.total_bytes = 0;
    belay_pace_read(&pace, &p, &figures);
    assert_true(figures.share < 0 && figures.seconds_left < 0);
    p = at(2000, 1100 * MB); /* more than was estimated */
    belay_pace_read(&pace, &p, &figures);
    assert_float_equal(figures.share, 1, 1e-9);
    assert_true(figures.seconds_left < 0);
    p.finished = true;
    belay_pace_read(&pace, &p, &figures);
    assert_float_equal(figures.seconds_left, 0, 1e-9);
    assert_float_equal(figures.rate_bytes_per_s, 550.0 * MB, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_at_intervals_and_at_the_end),
        cmocka_unit_test(test_share_rate_and_time_left),
        cmocka_unit_test(test_rate_follows_what_happened_lately),
        cmocka_unit_test(test_unknown_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
