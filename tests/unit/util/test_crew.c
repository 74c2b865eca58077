/* Numbers shared out among threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/crew.h"
#include "util/mem.h"

enum { COUNT = 2000 };

typedef struct tally {
    atomic_int begun, ended, ticks, worked[COUNT];
    size_t fails_from, fails_step;
} tally;

static void *begin(void *context)
{
    atomic_fetch_add(&((tally *)context)->begun, 1);
    return belay_alloc(sizeof(int));
}

static void end(void *context, void *own)
{
    atomic_fetch_add(&((tally *)context)->ended, 1);
    free(own);
}

static void tick(void *context)
{
    atomic_fetch_add(&((tally *)context)->ticks, 1);
}

static bool work(void *context, void *own, size_t number, belay_error *err)
{
    tally *t = context;
    (*(int *)own)++;
    atomic_fetch_add(&t->worked[number], 1);
    if (t->fails_step > 0 && number >= t->fails_from && (number - t->fails_from) % t->fails_step == 0)
        return belay_fail(err, BELAY_E_IO, "number %zu", number);
    return true;
}

static bool run(tally *t, size_t count, size_t threads, belay_error *err)
{
    const belay_crew_task task = {.work = work, .begin = begin, .end = end, .tick = tick, .context = t};
    return belay_crew_run(&task, count, threads, err);
}

static void every_number_is_worked_once(void **state)
{
    (void)state;
    static const size_t threads[] = {0, 1, 2, 7};
    for (size_t i = 0; i < BELAY_COUNT(threads); i++) {
        tally t = {0};
        belay_error err = {0};
        assert_true(run(&t, COUNT, threads[i], &err));
        for (size_t n = 0; n < COUNT; n++)
            assert_int_equal(atomic_load(&t.worked[n]), 1);
        assert_int_equal(atomic_load(&t.begun), threads[i] == 0 ? 1 : (int)threads[i]);
        assert_int_equal(atomic_load(&t.begun), atomic_load(&t.ended));
        assert_true(atomic_load(&t.ticks) >= 1);
    }
}

static void the_lowest_failure_is_told(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++) {
        tally t = {.fails_from = 700, .fails_step = 3};
        belay_error err = {0};
        assert_false(run(&t, COUNT, threads, &err));
        assert_string_equal(err.message, "number 700");
        assert_int_equal(atomic_load(&t.worked[699]), 1);
        assert_int_equal(atomic_load(&t.worked[COUNT - 1]), 0);
        assert_int_equal(atomic_load(&t.begun), atomic_load(&t.ended));
    }
}

static void nothing_to_do_is_done(void **state)
{
    (void)state;
    tally t = {0};
    assert_true(run(&t, 0, 4, NULL));
    assert_int_equal(atomic_load(&t.begun), atomic_load(&t.ended));
}

static void size_follows_the_wish(void **state)
{
    (void)state;
    assert_int_equal(belay_crew_size(3), 3);
    assert_true(belay_crew_size(0) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_worked_once),
        cmocka_unit_test(the_lowest_failure_is_told),
        cmocka_unit_test(nothing_to_do_is_done),
        cmocka_unit_test(size_follows_the_wish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
