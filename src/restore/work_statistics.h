/* Rows frozen, and statistics for the planner, on a worker's connection: those of the snapshot where there
 * are any and the server takes them over, else made anew. Internal to src/restore; see restore/work.h.
 */
#ifndef BELAY_RESTORE_WORK_STATISTICS_H
#define BELAY_RESTORE_WORK_STATISTICS_H

#include "restore/work.h"

/* Tasks of kind VACUUM or ANALYZE; `pg` is outside of a transaction. A table whose statistics cannot be made,
 * since an expression fails on one of its rows, is as good as it was: the task's text says so. */
bool belay_work_statistics(belay_work *work, belay_pg *pg, const belay_job *job, belay_error *err);

#endif
