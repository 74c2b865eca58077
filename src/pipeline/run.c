#include "pipeline/run.h"

#include "pipeline/writer.h"
#include "report/error_json.h"
#include "util/stop.h"

enum { OUTPUT_MAX_BYTES = 1024 * 1024 };

void belay_run_init(belay_run *run, const belay_run_options *how)
{
    *run = (belay_run){.how = *how, .output = BELAY_STR_INIT, .output_room = OUTPUT_MAX_BYTES};
    run->dbname = belay_target_dbname(how->target);
    belay_followers_copy(&run->followers, &how->followers);
    belay_new_run_id(run->id);
}

void belay_run_done(belay_run *run)
{
    belay_journal_close(run->journal);
    belay_keeper_close(run->keeper);
    belay_engine_free(run->engine);
    belay_list_done(&run->from);
    belay_list_done(&run->to);
    belay_plan_done(&run->plan);
    belay_followers_done(&run->followers);
    belay_list_done(&run->disabled);
    belay_snapshot_info_done(&run->snapshot);
    belay_apply_result_done(&run->applied);
    json_decref(run->state);
    json_decref(run->complete);
    json_decref(run->loss_before);
    json_decref(run->invalid_before);
    json_decref(run->evidence);
    belay_str_done(&run->output);
    free(run->log_marks);
    free(run->known_by);
}

belay_recorder *belay_run_recorder(belay_run *run)
{
    return run->journal == NULL ? NULL : belay_journal_recorder(run->journal);
}

const char *belay_run_dbname(const belay_run *run)
{
    return run->gate_known && run->gate.closed ? run->gate.private_name : run->dbname;
}

bool belay_run_connect(
    belay_run *run, const char *dbname, belay_pg_profile profile, belay_pg **ret, belay_error *err)
{
    belay_pg_options options = {.dbname = dbname, .application_name = run->id, .profile = profile};
    return belay_pg_open(run->how.dialer, &options, ret, err);
}

char *belay_run_server(const belay_run *run)
{
    char *text = NULL;
    belay_pg_value(belay_keeper_pg(run->keeper),
        "SELECT system_identifier FROM pg_catalog.pg_control_system()", NULL, 0, &text, NULL);
    return text;
}

bool belay_run_lock(belay_run *run, int64_t wait_ms, belay_error *err)
{
    belay_keeper_options options = {.maintenance_db = run->how.target->maintenance_db,
        .dbname = run->dbname,
        .run_id = run->id,
        .wait_ms = wait_ms};
    return belay_keeper_open(run->how.dialer, &options, &run->keeper, err);
}

static bool is_still_ours(void *context, belay_error *err)
{
    const belay_run *run = context;
    return run->journal == NULL || belay_journal_require_own(run->journal, err);
}

void belay_run_guard(belay_run *run)
{
    belay_keeper_on_regained(run->keeper, is_still_ours, run);
}

/* A run that cannot write that it begins has not begun: without its file nobody takes it for unfinished. */
static void forget_journal(belay_run *run)
{
    BELAY_AUTO(belay_free)
    char *name = belay_format("%s/runs/%s/journal.ndjson", run->how.target->name, run->id);
    if (!run->how.store->remove(run->how.store, name, NULL))
        return;
    belay_journal_is_over(run->journal);
    belay_journal_close(belay_take(run->journal));
    run->gate.recorder = NULL;
}

bool belay_run_begin(belay_run *run, json_t *details, belay_error *err)
{
    json_t *begin = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "run", run->id, "verb", run->how.verb,
        "target", run->how.target->name, "dbname", run->dbname, "from", belay_json_of_list(&run->from), "to",
        belay_json_of_list(&run->to));
    BELAY_AUTO(belay_json_free) json_t *writer = belay_writer_json();
    json_object_update(begin, writer);
    if (details != NULL)
        json_object_update(begin, details);
    json_decref(details);
    if (!belay_journal_open(run->how.store, run->how.target->name, run->id, &run->journal, err)) {
        json_decref(begin);
        return false;
    }
    run->gate.recorder = belay_run_recorder(run);
    if (belay_journal_write(run->journal, "begin", "run", begin, err)) {
        belay_run_guard(run);
        return true;
    }
    forget_journal(run);
    return false;
}

bool belay_run_apply(
    belay_run *run, const char *dbname, const belay_plan *plan, belay_apply_result *ret, belay_error *err)
{
    belay_apply how = {.dialer = run->how.dialer,
        .dbname = dbname,
        .run_id = run->id,
        .target = run->how.target,
        .recorder = belay_run_recorder(run),
        .reporter = run->how.reporter,
        .may_commit = belay_keeper_may_commit,
        .may_commit_context = run->keeper};
    return run->engine->apply(run->engine, &how, plan, ret, err);
}

/* A stage record in the journal; a journal that cannot be written fails the stage. */
static bool note_stage(belay_run *run, const char *name, const char *state, belay_error *err)
{
    if (run->journal == NULL)
        return true;
    return belay_journal_write(run->journal, "stage", name, json_pack("{s:s}", "state", state), err);
}

static bool run_stage(belay_run *run, const belay_stage *stage, belay_error *err)
{
    if (stage->wanted != NULL && !stage->wanted(run))
        return true;
    int64_t started = belay_now_ms();
    belay_say(run->how.reporter, BELAY_DEBUG, "stage %s", stage->name);
    bool ok = belay_stop_check(err) && note_stage(run, stage->name, "begin", err) && stage->run(run, err);
    if (ok)
        ok = note_stage(run, stage->name, "ok", err);
    else
        note_stage(run, stage->name, "failed", NULL);
    if (ok)
        belay_report_stage(run->how.reporter, run->how.verb, stage->name);
    if (run->stage_count < BELAY_STAGES_MAX)
        run->stages[run->stage_count++] =
            (belay_stage_time){stage->name, ok ? "ok" : "failed", (double)(belay_now_ms() - started) / 1000};
    return ok;
}

bool belay_run_stages(belay_run *run, const belay_stage *table, size_t count, belay_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!run_stage(run, &table[i], err))
            return false;
    }
    return true;
}

bool belay_run_undo(belay_run *run, const belay_stage *table, size_t count, belay_error *err)
{
    for (size_t i = count; i-- > 0;) {
        if (table[i].undo != NULL && !table[i].undo(run, err))
            return belay_error_prefix(err, "undoing stage %s", table[i].name);
    }
    return true;
}

bool belay_run_complete(belay_run *run, const belay_stage *table, size_t count, belay_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].completes && !run_stage(run, &table[i], err))
            return false;
    }
    return true;
}

static const char *text_or_none(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

json_t *belay_run_json(const belay_run *run)
{
    json_t *stages = json_array();
    for (size_t i = 0; i < run->stage_count; i++)
        json_array_append_new(stages, json_pack("{s:s, s:s, s:f}", "name", run->stages[i].name, "outcome",
                                          run->stages[i].outcome, "seconds", run->stages[i].seconds));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?, s:s?, s:s?, s:o, s:o}", "run", run->id, "target",
        run->how.target->name, "outcome", belay_outcome_name(run->outcome), "from",
        belay_json_of_list(&run->from), "to", belay_json_of_list(&run->to), "snapshot", run->snapshot.id,
        "twin", text_or_none(run->twin), "kept", text_or_none(run->kept), "stages", stages, "error",
        run->error.code == BELAY_E_NONE ? json_null() : belay_error_json(&run->error));
}

/* report.json beside the journal: what `runs` and `report` read. */
static bool write_report(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *json = belay_run_json(run);
    char now[BELAY_UTC_SIZE];
    belay_format_utc(belay_now_utc(), now);
    json_object_set_new(json, "verb", json_string(run->how.verb));
    json_object_set_new(json, "ended_at", json_string(now));
    if (run->outcome == BELAY_OUTCOME_UNTOUCHED && run->known_by != NULL)
        json_object_set_new(json, "known_by", json_string(run->known_by));
    BELAY_AUTO(belay_free) char *text = belay_json_print(json);
    BELAY_AUTO(belay_free)
    char *name = belay_format("%s/runs/%s/report.json", run->how.target->name, run->id);
    return belay_store_write_all(run->how.store, name, text, strlen(text), err);
}

/* The exit status: for a refusal and for what never began, the error's own. */
static int exit_status(const belay_run *run)
{
    bool by_error =
        run->outcome == BELAY_OUTCOME_REFUSED || (run->journal == NULL && run->error.code != BELAY_E_NONE &&
                                                     run->outcome != BELAY_OUTCOME_NEEDS_RECOVERY);
    return by_error ? belay_code_exit(run->error.code) : belay_outcome_exit(run->outcome);
}

/* The lock may have been lost when nothing was left to do under it: then the end is not this one's to tell.
 */
static void end_only_own(belay_run *run)
{
    belay_error err = {0};
    if (belay_keeper_check(run->keeper, NULL) || belay_journal_require_own(run->journal, &err) ||
        err.code != BELAY_E_LOCKED)
        return;
    run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
    run->error = err;
    belay_say_error(run->how.reporter, &run->error);
}

int belay_run_end(belay_run *run)
{
    belay_error err = {0};
    if (run->journal != NULL && run->outcome != BELAY_OUTCOME_NEEDS_RECOVERY)
        end_only_own(run);
    bool open = run->outcome == BELAY_OUTCOME_NEEDS_RECOVERY ||
                (run->outcome == BELAY_OUTCOME_STOPPED && run->undecided);
    if (run->journal == NULL || open)
        return exit_status(run);
    json_t *end = json_pack("{s:s, s:o}", "outcome", belay_outcome_name(run->outcome), "error",
        run->error.code == BELAY_E_NONE ? json_null() : belay_error_json(&run->error));
    belay_stop_mask(true); /* what a Ctrl-C led to is recorded all the same, under --rate too */
    if (!write_report(run, &err))
        belay_say(run->how.reporter, BELAY_WARN, "the run's report could not be written: %s", err.message);
    bool ended = belay_journal_write(run->journal, "end", "run", end, &err);
    belay_stop_mask(false);
    if (!ended && belay_journal_is_foreign(run->journal)) {
        run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
        run->error = err;
        belay_say_error(run->how.reporter, &run->error);
        return BELAY_EXIT_ATTENTION;
    }
    if (!ended) {
        const char *copy = belay_journal_copied_to(run->journal);
        belay_say(run->how.reporter, BELAY_WARN,
            "the journal's end could not be written (%s): the database is %s, but type `belay recover` once "
            "%s%s",
            err.message, belay_outcome_name(run->outcome),
            copy == NULL ? "there is room" : "the store is back; this machine has a copy of the journal: ",
            copy == NULL ? "" : copy);
        return BELAY_EXIT_ATTENTION;
    }
    belay_journal_is_over(run->journal);
    return exit_status(run);
}
