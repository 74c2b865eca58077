/* The way back down of a plan: reversed steps, reversed version rows, stopped by an irreversible revision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rehearse/way_down.h"

static const belay_revision first = {.id = "a", .downgrade = {.present = true}};
static const belay_revision second = {.id = "b", .downgrade = {.present = true}};
static const belay_revision one_way = {.id = "c"};
static const char *const row_a[] = {"a"};
static const char *const row_b[] = {"b"};
static const char *from_rows[] = {"0"};
static const char *to_rows[] = {"b"};

static void steps_and_rows_are_reversed(void **state)
{
    (void)state;
    belay_step steps[] = {
        {.revision = &first, .upgrade = true, .add = row_a, .add_count = 1}, {.revision = &second,
                                                                                 .upgrade = true,
                                                                                 .remove = row_a,
                                                                                 .remove_count = 1,
                                                                                 .add = row_b,
                                                                                 .add_count = 1}};
    const belay_plan up = {
        .steps = steps, .step_count = 2, .from = from_rows, .from_count = 1, .to = to_rows, .to_count = 1};
    BELAY_AUTO(belay_plan_done) belay_plan down = {0};
    const char *irreversible = "";
    belay_plan_way_down(&up, &down, &irreversible);
    assert_null(irreversible);
    assert_int_equal(down.step_count, 2);
    assert_ptr_equal(down.steps[0].revision, &second);
    assert_false(down.steps[0].upgrade);
    assert_string_equal(down.steps[0].remove[0], "b");
    assert_string_equal(down.steps[0].add[0], "a");
    assert_string_equal(down.from[0], "b");
    assert_string_equal(down.to[0], "0");
}

static void an_irreversible_revision_ends_the_way_down(void **state)
{
    (void)state;
    belay_step steps[] = {{.revision = &one_way, .upgrade = true}, {.revision = &second, .upgrade = true}};
    const belay_plan up = {.steps = steps, .step_count = 2};
    BELAY_AUTO(belay_plan_done) belay_plan down = {0};
    BELAY_AUTO(belay_plan_done) belay_plan again = {0};
    const char *irreversible = NULL;
    belay_plan_way_down(&up, &down, &irreversible);
    assert_string_equal(irreversible, "c");
    assert_int_equal(down.step_count, 1);
    belay_plan_tail(&up, down.step_count, &again);
    assert_int_equal(again.step_count, 1);
    assert_ptr_equal(again.steps[0].revision, &second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_and_rows_are_reversed),
        cmocka_unit_test(an_irreversible_revision_ends_the_way_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
