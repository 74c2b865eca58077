/* Threads that share out the numbers 0 to count - 1, in order, each to whoever is free.
 *
 *     const belay_crew_task task = {.work = verify_one, .begin = new_codec, .end = free_codec, .context =
 * &all}; belay_crew_run(&task, count, belay_crew_size(jobs), err)
 *
 * `work`, `begin` and `end` run in the crew's threads; `tick` runs in the caller's, a few times per second
 * and once at the end. Everybody has ended when belay_crew_run returns. For work whose results need an order
 * or a bounded store of their own, see util/queue.h.
 */
#ifndef BELAY_UTIL_CREW_H
#define BELAY_UTIL_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

typedef struct belay_crew_task {
    /* False stops the crew: no higher number is begun, lower ones are ended. */
    bool (*work)(void *context, void *own, size_t number, belay_error *err);
    void *(*begin)(void *context);         /* makes `own`, once per thread; NULL: there is none */
    void (*end)(void *context, void *own); /* may be NULL */
    void (*tick)(void *context);           /* may be NULL */
    void *context;
} belay_crew_task;

/* For a thread that reads what another process writes: not to interrupt, byte by byte, the process on the
 * same core whose output it waits for. Woken, a batch thread lets that one go on until its pipe is full
 * (sched(7), SCHED_BATCH). It needs no right, and without it all is slower and nothing else. The crew's
 * threads are so already. */
void belay_be_patient(void);

/* `jobs` when it is above 0, else the cores that this process may use. */
size_t belay_crew_size(int jobs);
/* On failure *err is that of the lowest number that failed, whatever order the threads ran in. A stop request
 * (util/stop.h) ends it with BELAY_E_CANCELLED. Where threads cannot be had, the caller's does the work. */
bool belay_crew_run(const belay_crew_task *task, size_t count, size_t threads, belay_error *err);

#endif
