/* Reading back what was restored, on a worker's connection. Internal to src/restore; see restore/work.h. The
 * sums are left in the tasks; restore/build_verdict.h judges them.
 */
#ifndef BELAY_RESTORE_WORK_COMPARE_H
#define BELAY_RESTORE_WORK_COMPARE_H

#include "restore/work.h"

/* `pg` is outside of a transaction. Tables that have no page are not read: there is no row in them. */
bool belay_work_compare(
    belay_work *work, belay_pg *pg, bool plain_names, const belay_job *job, belay_error *err);
bool belay_work_compare_objects(belay_work *work, belay_pg *pg, belay_task *task, belay_error *err);

#endif
