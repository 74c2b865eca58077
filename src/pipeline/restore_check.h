/* What a manual restore looks at before it changes anything: pre-flight's checks, and the snapshot against
 * the server. */
#ifndef BELAY_PIPELINE_RESTORE_CHECK_H
#define BELAY_PIPELINE_RESTORE_CHECK_H

#include "pipeline/run.h"

/* A stage, before the journal begins: BELAY_E_PREFLIGHT with all that refuses. Also decides what
 * database-level state the new database is given (run->state). */
bool belay_restore_preflight(belay_run *run, belay_error *err);

#endif
