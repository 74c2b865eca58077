/* Materialized views: filled in the snapshot's order, then analyzed. Internal to src/restore; see
 * restore/work.h. */
#ifndef BELAY_RESTORE_WORK_VIEWS_H
#define BELAY_RESTORE_WORK_VIEWS_H

#include "restore/marks.h"
#include "restore/script.h"

/* A view that finds another one empty is filled after it. One whose query fails (a foreign server that is not
 * there, a right that its owner lost) stays empty: *ret_warning says which, NULL when all are filled; the
 * caller frees. */
bool belay_work_views(
    belay_ddl *script, const belay_toc *toc, const belay_marks *marks, char **ret_warning, belay_error *err);

#endif
