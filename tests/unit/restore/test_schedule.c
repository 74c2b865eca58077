/* The restore scheduler: order, phases, dependencies, cycles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/schedule.h"

static size_t next_of(belay_schedule *schedule)
{
    size_t node = SIZE_MAX;
    assert_true(belay_schedule_next(schedule, &node));
    return node;
}

static void heaviest_ready_node_comes_first(void **state)
{
    (void)state;
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    belay_schedule_add(schedule, 0, 10);
    belay_schedule_add(schedule, 0, 30);
    belay_schedule_add(schedule, 0, 30);
    belay_schedule_add(schedule, 0, 20);
    assert_true(belay_schedule_start(schedule, NULL));
    const size_t expected[] = {1, 2, 3, 0};
    for (size_t i = 0; i < BELAY_COUNT(expected); i++)
        assert_int_equal(next_of(schedule), expected[i]);
    size_t node = 0;
    assert_false(belay_schedule_next(schedule, &node));
}

static void a_node_waits_for_what_it_depends_on(void **state)
{
    (void)state;
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    size_t view = belay_schedule_add(schedule, 0, 100);
    size_t table = belay_schedule_add(schedule, 0, 1);
    belay_schedule_depend(schedule, view, table);
    assert_true(belay_schedule_start(schedule, NULL));
    size_t node = 0;
    assert_int_equal(next_of(schedule), table);
    assert_false(belay_schedule_next(schedule, &node));
    belay_schedule_done(schedule, table);
    assert_int_equal(next_of(schedule), view);
    belay_schedule_done(schedule, view);
    assert_false(belay_schedule_next(schedule, &node));
}

static void a_later_phase_waits_for_all_of_the_earlier_one(void **state)
{
    (void)state;
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    size_t key = belay_schedule_add(schedule, 3, 100);
    size_t index = belay_schedule_add(schedule, 0, 1);
    assert_true(belay_schedule_start(schedule, NULL));
    size_t node = 0;
    assert_int_equal(next_of(schedule), index);
    assert_false(belay_schedule_next(schedule, &node)); /* the index is still being built */
    belay_schedule_done(schedule, index);
    assert_int_equal(next_of(schedule), key);
}

static void a_comment_is_lifted_to_the_phase_of_its_key(void **state)
{
    (void)state;
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    size_t comment = belay_schedule_add(schedule, 0, 0);
    size_t comment_on_it = belay_schedule_add(schedule, 0, 0);
    size_t key = belay_schedule_add(schedule, 3, 200);
    size_t other_key = belay_schedule_add(schedule, 3, 100);
    belay_schedule_depend(schedule, comment, key);
    belay_schedule_depend(schedule, comment_on_it, comment);
    assert_true(belay_schedule_start(schedule, NULL));
    assert_int_equal(next_of(schedule), key);
    belay_schedule_done(schedule, key);
    assert_int_equal(next_of(schedule), other_key); /* the heavier one of the same phase */
    assert_int_equal(next_of(schedule), comment);
    belay_schedule_done(schedule, comment);
    assert_int_equal(next_of(schedule), comment_on_it);
}

static void a_circle_is_an_error(void **state)
{
    (void)state;
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    size_t a = belay_schedule_add(schedule, 0, 0);
    size_t b = belay_schedule_add(schedule, 0, 0);
    belay_schedule_depend(schedule, a, b);
    belay_schedule_depend(schedule, b, a);
    belay_error err = {0};
    assert_false(belay_schedule_start(schedule, &err));
    assert_int_equal(err.code, BELAY_E_ARCHIVE);
}

static void many_nodes_come_out_in_order(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = belay_schedule_new();
    for (uint64_t i = 0; i < COUNT; i++)
        belay_schedule_add(schedule, 0, i * 7919 % COUNT);
    assert_true(belay_schedule_start(schedule, NULL));
    uint64_t last = COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t weight = (uint64_t)next_of(schedule) * 7919 % COUNT;
        assert_true(weight < last);
        last = weight;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heaviest_ready_node_comes_first),
        cmocka_unit_test(a_node_waits_for_what_it_depends_on),
        cmocka_unit_test(a_later_phase_waits_for_all_of_the_earlier_one),
        cmocka_unit_test(a_comment_is_lifted_to_the_phase_of_its_key),
        cmocka_unit_test(a_circle_is_an_error),
        cmocka_unit_test(many_nodes_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
