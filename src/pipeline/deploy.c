#include "pipeline/deploy.h"

#include "pipeline/back.h"
#include "pipeline/commands.h"
#include "pipeline/journal_copy.h"
#include "pipeline/runs.h"
#include "pipeline/stages.h"

bool belay_run_take(belay_run *run, bool may_be_missing, belay_error *err)
{
    if (!belay_run_lock(run, 0, err) ||
        !belay_journal_copies_catch_up(run->how.store, run->how.target->name, err) ||
        !belay_runs_refuse_unfinished(run->how.store, run->how.target->name, err))
        return false;
    run->gate_known =
        belay_gate_init(&run->gate, run->keeper, run->dbname, run->id, NULL, run->how.reporter, err);
    return run->gate_known || (may_be_missing && err->code == BELAY_E_NO_DATABASE);
}

json_t *belay_run_begin_details(const belay_run *run)
{
    BELAY_AUTO(belay_free) char *server = belay_run_server(run);
    json_t *steps = json_array();
    for (size_t i = 0; i < run->plan.step_count; i++)
        json_array_append_new(steps, json_pack("{s:s, s:s}", "revision", run->plan.steps[i].revision->id,
                                         "direction", run->plan.steps[i].upgrade ? "upgrade" : "downgrade"));
    return json_pack("{s:I, s:s, s:o, s:b, s:O?, s:O?, s:s, s:s?, s:o}", "oid",
        (json_int_t)(run->gate_known ? run->gate.oid : 0), "private",
        run->gate_known ? run->gate.private_name : "", "steps", steps, "gate",
        run->how.target->gate == BELAY_GATE_RENAME, "invalid_before", run->invalid_before, "loss_before",
        run->loss_before, "wanted", run->how.to == NULL ? "head" : run->how.to, "system_identifier", server,
        "followers", belay_followers_json(&run->followers));
}

int belay_run_finish(belay_run *run, json_t **ret_json)
{
    int status = belay_run_end(run);
    if (run->journal != NULL)
        belay_say(run->how.reporter, BELAY_INFO, "run %s: %s; journal: %s", run->id,
            belay_outcome_name(run->outcome), belay_journal_path(run->journal));
    if (ret_json != NULL)
        *ret_json = belay_run_json(run);
    return status;
}

/* Before the journal begins nothing was changed: what refused says how the run ends. */
static int end_before_begin(belay_run *run, json_t **ret_json)
{
    int status = belay_code_exit(run->error.code);
    run->outcome = status == BELAY_EXIT_FAILED ? BELAY_OUTCOME_UNTOUCHED : BELAY_OUTCOME_REFUSED;
    belay_say_error(run->how.reporter, &run->error);
    return belay_run_finish(run, ret_json);
}

static int succeed(belay_run *run, json_t **ret_json)
{
    run->outcome = BELAY_OUTCOME_SUCCEEDED;
    return belay_run_finish(run, ret_json);
}

/* A stage before the gate refused: still nothing was changed, and the code tells why. */
static void end_refused(belay_run *run)
{
    int status = belay_code_exit(run->error.code);
    if (run->outcome == BELAY_OUTCOME_UNTOUCHED &&
        (status == BELAY_EXIT_REFUSED || status == BELAY_EXIT_USAGE))
        run->outcome = BELAY_OUTCOME_REFUSED;
}

/* Nothing pending is no failure, whatever else there is to say of files and schema. */
static void warn_of_drift(belay_run *run)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    belay_error err = {0};
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, &err) ||
        !run->engine->check(run->engine, pg, &run->from, &warnings, &err))
        belay_list_add_owned(&warnings, belay_format("%s (%s)", err.message, err.hint));
    for (size_t i = 0; i < warnings.count; i++)
        belay_say(run->how.reporter, BELAY_WARN, "%s", warnings.items[i]);
}

static int end_with_nothing_to_do(belay_run *run, json_t **ret_json)
{
    BELAY_AUTO(belay_free) char *at = belay_list_join(&run->from, ", ");
    warn_of_drift(run);
    belay_say(run->how.reporter, BELAY_INFO, "%s is at %s: nothing to do", run->how.target->name,
        at[0] == '\0' ? "base" : at);
    return succeed(run, ret_json);
}

/* The latest code, and with it the files that the plan is made of. */
static bool pull(belay_run *run, belay_error *err)
{
    const belay_run_options *how = &run->how;
    if (how->target->pull_command.command == NULL)
        return true;
    return belay_run_command(run, &how->target->pull_command, "pull_command", false, err) &&
           (how->same_config == NULL || how->same_config(how->same_config_context, err));
}

int belay_deploy(const belay_run_options *how, json_t **ret_json)
{
    BELAY_AUTO(belay_run_done) belay_run run;
    belay_run_init(&run, how);
    if (!belay_run_take(&run, false, &run.error) || !pull(&run, &run.error) ||
        !belay_run_plan(&run, &run.error))
        return end_before_begin(&run, ret_json);
    if (run.plan.step_count == 0)
        return end_with_nothing_to_do(&run, ret_json);
    if (!belay_run_stages(&run, belay_preflight_stages, belay_preflight_stage_count, &run.error) ||
        !belay_run_begin(&run, belay_run_begin_details(&run), &run.error))
        return end_before_begin(&run, ret_json);
    belay_run_keep_output(&run);
    if (belay_run_stages(&run, belay_deploy_stages, belay_deploy_stage_count, &run.error))
        return succeed(&run, ret_json);
    belay_run_back(&run);
    if (!run.migrating)
        end_refused(&run);
    return belay_run_finish(&run, ret_json);
}
