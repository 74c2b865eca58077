/* Time: formats, run ids, random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/clock.h"

static void formats_utc(void **state)
{
    (void)state;
    char text[BELAY_UTC_SIZE];
    belay_format_utc(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    belay_format_utc(1762259640, text);
    assert_string_equal(text, "2025-11-04T12:34:00Z");
}

static void run_ids_have_their_shape_and_differ(void **state)
{
    (void)state;
    char ids[50][BELAY_RUN_ID_SIZE];
    for (int i = 0; i < 50; i++) {
        belay_new_run_id(ids[i]);
        assert_int_equal(strlen(ids[i]), strlen("20251104T123400Z-3f2a9c"));
        assert_int_equal(ids[i][8], 'T');
        assert_int_equal(ids[i][15], 'Z');
        assert_int_equal(strspn(ids[i] + 17, "0123456789abcdef"), 6);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

static void random_stays_below_its_bound(void **state)
{
    (void)state;
    int seen[5] = {0};
    for (int i = 0; i < 2000; i++) {
        uint32_t value = belay_random_below(5);
        assert_in_range(value, 0, 4);
        seen[value]++;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i] > 200);
    assert_int_equal(belay_random_below(1), 0);
}

static void sleeping_takes_its_time(void **state)
{
    (void)state;
    int64_t start = belay_now_ms();
    belay_sleep_ms(30);
    assert_true(belay_now_ms() - start >= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_utc),
        cmocka_unit_test(run_ids_have_their_shape_and_differ),
        cmocka_unit_test(random_stays_below_its_bound),
        cmocka_unit_test(sleeping_takes_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
