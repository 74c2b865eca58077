/* `belay deploy`: lock, plan, stages, and the way back when one fails. */
#ifndef BELAY_PIPELINE_DEPLOY_H
#define BELAY_PIPELINE_DEPLOY_H

#include "pipeline/run.h"

/* Returns the exit status of CONTRACT.md; *ret_json (may be NULL) is the answer. The story goes to the
 * reporter. */
int belay_deploy(const belay_run_options *how, json_t **ret_json);

/* What every verb that changes the target does first: take the lock, refuse an unfinished run, know the gate.
 * A database that does not exist is left to the caller (gate_known stays false) when `may_be_missing`. */
bool belay_run_take(belay_run *run, bool may_be_missing, belay_error *err);
/* The begin record's plan: gate's OID, steps, and what recover must know. */
json_t *belay_run_begin_details(const belay_run *run);
/* Ends a run that failed before its journal began, or that has its outcome: story, JSON, exit status. */
int belay_run_finish(belay_run *run, json_t **ret_json);

#endif
