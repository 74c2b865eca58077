/* What comes next: ready tasks whose locks nobody at work stands in the way of, small ones together.
 *
 * Belongs to the coordinator. A task that is to run alone, once it is the best of those that are ready, lets
 * nothing else begin until those at work have ended.
 */
#ifndef BELAY_RESTORE_DISPATCH_H
#define BELAY_RESTORE_DISPATCH_H

#include "restore/work.h"

typedef struct belay_dispatch {
    belay_tasks *tasks;
    belay_job *jobs; /* slots; count 0: free */
    size_t slots;
    size_t batch;
    size_t done; /* tasks */
} belay_dispatch;

/* `slots`: jobs at work at the same time; `batch`: most small tasks of a job. */
void belay_dispatch_init(belay_dispatch *dispatch, belay_tasks *tasks, size_t slots, size_t batch);
void belay_dispatch_done_all(belay_dispatch *dispatch);
/* NULL: nothing can begin now. */
belay_job *belay_dispatch_next(belay_dispatch *dispatch);
void belay_dispatch_done(belay_dispatch *dispatch, belay_job *job);
void belay_dispatch_put_back(belay_dispatch *dispatch, belay_job *job);
/* It failed, and will not be done. */
void belay_dispatch_drop(belay_dispatch *dispatch, belay_job *job);
/* A task at work, the one of the largest table; NULL: none. */
const belay_task *belay_dispatch_item(const belay_dispatch *dispatch);

#endif
