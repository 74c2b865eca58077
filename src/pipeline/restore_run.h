/* `belay restore`: a manual restore, of a snapshot or to a revision. The new database is built, migrated
 * where needed, compared, stamped and verified beside the old one; the gate closes only for the swap. A
 * target that does not exist (any more) is created. */
#ifndef BELAY_PIPELINE_RESTORE_RUN_H
#define BELAY_PIPELINE_RESTORE_RUN_H

#include "pipeline/run.h"

/* One of id and revision. Returns the exit status; a restore that worked is 0. */
int belay_restore_run(const belay_run_options *how, const char *id, const char *revision, json_t **ret_json);
/* All stages, and the way back when one fails; the outcome is in the run. It was begun, and knows snapshot
 * and plan. */
void belay_restore_work(belay_run *run);
/* Fills run->snapshot by an id or its beginning: a snapshot of the target itself, or of how.from. */
bool belay_restore_find(belay_run *run, const char *id, belay_error *err);

#endif
