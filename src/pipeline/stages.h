/* The stages of a deploy, in one table, and what belongs to single ones. Each works on a belay_run. */
#ifndef BELAY_PIPELINE_STAGES_H
#define BELAY_PIPELINE_STAGES_H

#include "pipeline/run.h"

/* Before the journal begins: nothing is changed. */
extern const belay_stage belay_preflight_stages[];
extern const size_t belay_preflight_stage_count;
extern const belay_stage belay_deploy_stages[];
extern const size_t belay_deploy_stage_count;

/* Reads the version rows and makes the plan to how.to; fills from, to, plan. */
bool belay_run_plan(belay_run *run, belay_error *err);
/* Verifies database `dbname` as migrated: version rows are `to`, nothing left invalid, the verify sections
 * of the revisions reached, verify_sql. */
bool belay_run_verify(belay_run *run, const char *dbname, belay_error *err);
bool belay_run_close_gate(belay_run *run, belay_error *err);
/* stop_command, recorded so that recover starts the application again. */
bool belay_run_stop_app(belay_run *run, belay_error *err);
/* start_command, when stop_command ran. */
bool belay_run_start_app(belay_run *run, belay_error *err);
/* Drops the twin, when there is one. */
bool belay_run_drop_twin(belay_run *run, belay_error *err);

#endif
