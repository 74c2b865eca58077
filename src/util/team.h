/* A coordinator and its workers: threads that each do one job at a time and answer.
 *
 *     belay_team *team = belay_team_new(&task, size, err)
 *     while (work is left) {
 *         belay_team_give(team, job)                 as long as somebody is idle
 *         belay_team_take(team, 100, &answer)        a job that is done, waited for
 *     }
 *     belay_team_free(team)                          waits for the threads
 *
 * One thread gives and takes; what a job points at belongs to the worker between. Unlike a crew (util/crew.h)
 * the coordinator decides what comes next when somebody is free, and unlike a queue nothing waits in line.
 */
#ifndef BELAY_UTIL_TEAM_H
#define BELAY_UTIL_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/mem.h"

typedef struct belay_team_task {
    /* All in the worker's thread. `own` is made before its first job; NULL with err: that job fails, and the
     * worker is given no other. */
    void *(*begin)(void *context, belay_error *err);
    bool (*work)(void *context, void *own, void *job, belay_error *err);
    void (*end)(void *context, void *own);
    void *context;
} belay_team_task;

typedef struct belay_team_answer {
    void *job;
    bool ok;
    belay_error err; /* when not ok */
    bool not_begun;  /* `begin` failed: the job was not looked at, and the team is one worker smaller */
} belay_team_answer;

typedef struct belay_team belay_team;
/* `task` must stay. BELAY_E_IO when not one thread could be had; fewer than `size` are no fault. */
belay_team *belay_team_new(const belay_team_task *task, size_t size, belay_error *err);
/* False when nobody is idle. */
bool belay_team_give(belay_team *team, void *job);
/* Waits up to timeout_ms; false when no job was done meanwhile. */
bool belay_team_take(belay_team *team, int64_t timeout_ms, belay_team_answer *ret);
size_t belay_team_busy(const belay_team *team); /* jobs given and not taken */
size_t belay_team_size(const belay_team *team); /* workers, but those that could not begin */
/* Waits for the jobs at work; their answers are lost. */
void belay_team_free(belay_team *team);
BELAY_DEFINE_AUTO(belay_team, belay_team_free)

#endif
