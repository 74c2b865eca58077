/* What may run next: nodes with phases, weights and dependencies.
 *
 *   waiting --all dependencies and all earlier phases done--> ready --next--> running --done--> done
 *
 * A node's phase is lifted to that of what it depends on. Among ready nodes the lowest phase comes first,
 * then the heaviest, then the one added first. Workers, however many, ask the coordinator; a schedule itself
 * belongs to one thread.
 */
#ifndef BELAY_RESTORE_SCHEDULE_H
#define BELAY_RESTORE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/mem.h"

typedef struct belay_schedule belay_schedule;
belay_schedule *belay_schedule_new(void);
void belay_schedule_free(belay_schedule *schedule);
BELAY_DEFINE_AUTO(belay_schedule, belay_schedule_free)

/* Returns the node's number, counted from 0. */
size_t belay_schedule_add(belay_schedule *schedule, int phase, uint64_t weight);
/* `node` waits for `on`. */
void belay_schedule_depend(belay_schedule *schedule, size_t node, size_t on);
/* Ends the adding: lifts phases, finds what is ready. BELAY_E_ARCHIVE for a cycle. */
bool belay_schedule_start(belay_schedule *schedule, belay_error *err);
/* False when nothing is ready now: all is done, or others still run. */
bool belay_schedule_next(belay_schedule *schedule, size_t *ret_node);
void belay_schedule_done(belay_schedule *schedule, size_t node);
/* A node that was given out and not begun: it is ready again. */
void belay_schedule_put_back(belay_schedule *schedule, size_t node);
/* Nodes that are ready or running; 0: all is done. */
size_t belay_schedule_open(const belay_schedule *schedule);

#endif
