/* A coordinator's threads: every job is answered once, faults come back with their job, ends wait for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/team.h"

enum { SIZE = 4, JOBS = 500 };

typedef struct counts {
    atomic_int begun, ended, worked;
    atomic_int refusals; /* workers that are still to be refused */
} counts;

static void *begin(void *context, belay_error *err)
{
    counts *c = context;
    if (atomic_fetch_sub(&c->refusals, 1) > 0) {
        belay_fail(err, BELAY_E_IO, "no connection");
        return NULL;
    }
    atomic_fetch_add(&c->begun, 1);
    return c;
}

static bool work(void *context, void *own, void *job, belay_error *err)
{
    counts *c = context;
    assert_ptr_equal(own, context);
    atomic_fetch_add(&c->worked, 1);
    return *(int *)job != 13 || belay_fail(err, BELAY_E_IO, "job 13");
}

static void end(void *context, void *own)
{
    (void)own;
    atomic_fetch_add(&((counts *)context)->ended, 1);
}

static int run_all(belay_team *team, int *jobs, int *answers)
{
    int next = 0;
    int failed = 0;
    for (int taken = 0; taken < JOBS;) {
        belay_team_answer answer;
        while (next < JOBS && belay_team_busy(team) < belay_team_size(team))
            assert_true(belay_team_give(team, &jobs[next++]));
        if (!belay_team_take(team, 1000, &answer))
            continue;
        taken++;
        answers[*(int *)answer.job]++;
        failed += !answer.ok;
    }
    return failed;
}

static void every_job_is_answered_once(void **state)
{
    (void)state;
    counts c = {0};
    int jobs[JOBS], answers[JOBS] = {0};
    const belay_team_task task = {.begin = begin, .work = work, .end = end, .context = &c};
    for (int i = 0; i < JOBS; i++)
        jobs[i] = i;
    belay_team *team = belay_team_new(&task, SIZE, NULL);
    assert_non_null(team);
    assert_int_equal(run_all(team, jobs, answers), 1);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(answers[i], 1);
    belay_team_answer none;
    assert_false(belay_team_take(team, 1, &none));
    belay_team_free(team);
    assert_int_equal(atomic_load(&c.worked), JOBS);
    assert_int_equal(atomic_load(&c.begun), atomic_load(&c.ended));
}

static void who_cannot_begin_fails_the_job(void **state)
{
    (void)state;
    counts c = {.refusals = 1};
    int job = 1;
    const belay_team_task task = {.begin = begin, .work = work, .end = end, .context = &c};
    belay_team *team = belay_team_new(&task, 1, NULL);
    belay_team_answer answer = {0};
    assert_true(belay_team_give(team, &job));
    assert_false(belay_team_give(team, &job));
    while (!belay_team_take(team, 1000, &answer))
        ;
    assert_false(answer.ok);
    assert_true(answer.not_begun);
    assert_string_equal(answer.err.message, "no connection");
    assert_int_equal(belay_team_size(team), 0);
    assert_false(belay_team_give(team, &job));
    belay_team_free(team);
    assert_int_equal(atomic_load(&c.ended), 0);
}

static void who_cannot_begin_gets_no_other_job(void **state)
{
    (void)state;
    counts c = {.refusals = SIZE - 1};
    int jobs[JOBS];
    int next = 0, back[SIZE], back_count = 0, done = 0;
    const belay_team_task task = {.begin = begin, .work = work, .end = end, .context = &c};
    for (int i = 0; i < JOBS; i++)
        jobs[i] = 100 + i;
    belay_team *team = belay_team_new(&task, SIZE, NULL);
    while (done < JOBS) {
        belay_team_answer answer;
        while ((back_count > 0 || next < JOBS) && belay_team_busy(team) < belay_team_size(team))
            assert_true(belay_team_give(team, back_count > 0 ? &jobs[back[--back_count]] : &jobs[next++]));
        if (!belay_team_take(team, 1000, &answer))
            continue;
        assert_true(answer.ok != answer.not_begun);
        if (answer.not_begun)
            back[back_count++] = *(int *)answer.job - 100;
        done += answer.ok;
    }
    assert_int_equal(belay_team_size(team), 1);
    belay_team_free(team);
    assert_int_equal(atomic_load(&c.worked), JOBS);
}

static void an_end_waits_for_the_job_at_work(void **state)
{
    (void)state;
    counts c = {0};
    int job = 1;
    const belay_team_task task = {.begin = begin, .work = work, .end = end, .context = &c};
    belay_team *team = belay_team_new(&task, 2, NULL);
    belay_team_give(team, &job);
    belay_team_answer answer;
    while (!belay_team_take(team, 1000, &answer))
        ;
    belay_team_give(team, &job);
    belay_team_free(team);
    assert_int_equal(atomic_load(&c.begun), atomic_load(&c.ended));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_answered_once),
        cmocka_unit_test(who_cannot_begin_fails_the_job),
        cmocka_unit_test(who_cannot_begin_gets_no_other_job),
        cmocka_unit_test(an_end_waits_for_the_job_at_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
