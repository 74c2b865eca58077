/* What the application's log files (`logs` of the target) said from its start until its health was known:
 * kept beside the run's journal as <store>/<target>/runs/<run-id>/logs/<number>-<host>-<name>, the last
 * 1 MiB of each; encrypted like snapshots where these are (with ".age" behind the name), since the
 * application may write there what the database holds. A log that cannot be read is told, and fails nothing.
 */
#ifndef BELAY_PIPELINE_APP_LOGS_H
#define BELAY_PIPELINE_APP_LOGS_H

#include "pipeline/run.h"

/* Notes where they end now; nothing when that is noted already, or health is not asked for. */
void belay_run_mark_logs(belay_run *run);
/* Keeps what was written since. Not interrupted by signals; at most some seconds for each. */
void belay_run_keep_logs(belay_run *run);

#endif
