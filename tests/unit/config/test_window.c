/* Maintenance windows: their grammar, and when they are open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/window.h"

enum { SUN, MON, TUE, WED, THU, FRI, SAT };

static void test_grammar(void **state)
{
    (void)state;
    belay_windows w;
    assert_true(belay_windows_parse("Sun 02:00-05:00 Europe/Berlin,\nMon-Fri 23:00-01:30", &w, NULL));
    assert_int_equal(w.count, 2);
    assert_int_equal(w.items[0].days, 1);
    assert_int_equal(w.items[0].start, 120);
    assert_int_equal(w.items[0].end, 300);
    assert_string_equal(w.items[0].zone, "Europe/Berlin");
    assert_int_equal(w.items[1].days, 0x3E);
    assert_string_equal(w.items[1].zone, "UTC");
    assert_true(belay_windows_parse("22:00-24:00", &w, NULL));
    assert_int_equal(w.items[0].days, 0x7F);
    assert_true(belay_windows_parse("sat-mon 00:00-24:00 America/Argentina/Buenos_Aires", &w, NULL));
    assert_int_equal(w.items[0].days, 0x43);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", ",", "Sun", "Sun 2:00-05:00", "Sun 02:00", "Sun 02:00-25:00",
        "Sun 02:60-05:00", "Sun 02:00-02:00", "Sun 24:00-02:00", "Sonntag 02:00-05:00", "Sun- 02:00-05:00",
        "Sun-Foo 02:00-05:00", "Sun 02:00-05:00 Europe/Berlin extra", "Sun 02:00-05:00 1UTC",
        "02:00-05:00 'x'", "Sun 02:00-05:001", "Sun 02:00 - 05:00", "Sun 02:00-24:01"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        belay_windows w;
        belay_error err = {0};
        if (belay_windows_parse(texts[i], &w, &err))
            fail_msg("taken: \"%s\"", texts[i]);
        assert_int_equal(err.code, BELAY_E_CONFIG);
    }
}

static void test_open_hours(void **state)
{
    (void)state;
    belay_windows w;
    assert_true(belay_windows_parse("Sun 02:00-05:00, Fri 22:00-01:00", &w, NULL));
    assert_true(belay_window_contains(&w.items[0], SUN, 120));
    assert_true(belay_window_contains(&w.items[0], SUN, 299));
    assert_false(belay_window_contains(&w.items[0], SUN, 300));
    assert_false(belay_window_contains(&w.items[0], MON, 130));
    assert_true(belay_window_contains(&w.items[1], FRI, 22 * 60));
    assert_true(belay_window_contains(&w.items[1], SAT, 59));
    assert_false(belay_window_contains(&w.items[1], SAT, 60));
    assert_false(belay_window_contains(&w.items[1], FRI, 30));
    assert_false(belay_window_contains(&w.items[1], SAT, 23 * 60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar), cmocka_unit_test(test_refused), cmocka_unit_test(test_open_hours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
