#include "pipeline/restore_tables.h"

#include "archive/archive.h"
#include "pipeline/deploy.h"
#include "pipeline/origin.h"
#include "pipeline/restore_run.h"
#include "restore/beside.h"
#include "util/json.h"
#include "util/stop.h"

enum { END_MS = 30000, SHOWN_LEFT_OUT = 12 };

/* What the run's stage needs. */
typedef struct wanted {
    belay_run run;
    const belay_restore_tables_wish *wish;
    belay_beside_result made;
} wanted;

static belay_beside_options options_of(const wanted *w)
{
    const belay_run *run = &w->run;
    return (belay_beside_options){.dialer = run->how.dialer,
        .dbname = run->dbname,
        .run_id = run->id,
        .tables = w->wish->tables,
        .schemas = w->wish->schemas,
        .into_schema = w->wish->into_schema,
        .into_table = w->wish->into_table,
        .publish = w->wish->publish,
        .may_commit = belay_keeper_may_commit,
        .may_commit_context = run->keeper,
        .reporter = run->how.reporter};
}

/* The answer to COMMIT was lost: what the database has, once nobody can commit any more, tells. */
static bool settle(wanted *w, const belay_beside_options *options, belay_error *err)
{
    belay_run *run = &w->run;
    belay_error why = {0};
    bool there = false;
    belay_stop_mask(true);
    bool known = belay_keeper_hold(run->keeper, &why) &&
                 belay_gate_end_run(run->keeper, run->id, END_MS, &why) &&
                 belay_beside_was_committed(options, &w->made, &there, &why);
    belay_stop_mask(false);
    if (!known) {
        belay_fail(err, BELAY_E_NEEDS_RECOVERY,
            "the connection was lost at COMMIT, and whether the tables were made cannot be asked: %s",
            why.message);
        return belay_error_hint(
            err, "look whether %s is there; if it is not, run the command again", w->made.tables[0].into);
    }
    if (!there)
        return belay_error_prefix(err, "the connection was lost, and nothing was made");
    belay_say(run->how.reporter, BELAY_NOTICE, "the connection was lost at COMMIT, which was done");
    belay_error_clear(err);
    return true;
}

static bool restore(wanted *w, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    const belay_run *run = &w->run;
    const belay_beside_options options = options_of(w);
    if (!belay_archive_open(belay_run_snapshot_store(run), run->snapshot.name, &archive, err))
        return false;
    if (belay_beside_restore(&options, archive, &w->made, err))
        return true;
    return w->made.witness != NULL && err->code == BELAY_E_CONNECTION_LOST && settle(w, &options, err);
}

/* In production, and for somebody else's code, somebody must have said yes, although nothing is replaced. */
static bool agree(const belay_run *run, belay_error *err)
{
    const belay_run_options *how = &run->how;
    bool foreign = belay_origin_is_foreign(run);
    if ((how->target->environment != BELAY_PRODUCTION && !foreign) || how->yes)
        return true;
    BELAY_AUTO(belay_free)
    char *question = belay_format(
        "To add tables of snapshot %s to database %s of target %s (%s), type its name:", run->snapshot.id,
        run->dbname, how->target->name, belay_environment_name(how->target->environment));
    if (how->confirm != NULL && how->confirm(how->confirm_context, question, run->dbname))
        return true;
    belay_fail(err, BELAY_E_POLICY, "nobody agreed to add tables to %s", run->dbname);
    return belay_error_hint(err, "add --yes");
}

static bool timed(wanted *w, belay_error *err)
{
    int64_t started_ms = belay_now_ms();
    bool ok = restore(w, err);
    w->run.stages[w->run.stage_count++] =
        (belay_stage_time){"tables", ok ? "ok" : "failed", (double)(belay_now_ms() - started_ms) / 1000.0};
    return ok;
}

static void tell(const wanted *w)
{
    belay_reporter *reporter = w->run.how.reporter;
    for (size_t i = 0; i < w->made.count; i++)
        belay_say(reporter, BELAY_INFO, "%s of snapshot %s is now %s: %llu rows", w->made.tables[i].from,
            w->run.snapshot.id, w->made.tables[i].into, (unsigned long long)w->made.tables[i].rows);
    const belay_list *out = &w->made.left_out;
    for (size_t i = 0; i < out->count; i++)
        belay_say(
            reporter, out->count > SHOWN_LEFT_OUT ? BELAY_DEBUG : BELAY_INFO, "left out: %s", out->items[i]);
    if (out->count > SHOWN_LEFT_OUT)
        belay_say(reporter, BELAY_INFO,
            "%zu triggers, foreign keys to other tables, rights and the like were left out (-v names them)",
            out->count);
}

static json_t *add_tables(const wanted *w, json_t *json)
{
    json_t *tables = json_array();
    for (size_t i = 0; i < w->made.count; i++)
        json_array_append_new(
            tables, json_pack("{s:s, s:s, s:I}", "from", w->made.tables[i].from, "into",
                        w->made.tables[i].into, "rows", (json_int_t)w->made.tables[i].rows));
    json_object_set_new(json, "tables", tables);
    json_object_set_new(json, "left_out", belay_json_of_list(&w->made.left_out));
    json_object_set_new(json, "warnings", belay_json_of_list(&w->made.warnings));
    return json;
}

static belay_outcome outcome_of(const belay_run *run, bool ok)
{
    int status = belay_code_exit(run->error.code);
    return ok                               ? BELAY_OUTCOME_SUCCEEDED
           : status == BELAY_EXIT_FAILED    ? BELAY_OUTCOME_UNTOUCHED
           : status == BELAY_EXIT_ATTENTION ? BELAY_OUTCOME_NEEDS_RECOVERY
                                            : BELAY_OUTCOME_REFUSED;
}

int belay_restore_tables(
    const belay_run_options *how, const belay_restore_tables_wish *wish, json_t **ret_json)
{
    wanted w = {.wish = wish};
    belay_run *run = &w.run;
    belay_run_init(run, how);
    bool ok = belay_run_take(run, false, &run->error) && belay_restore_find(run, wish->id, &run->error) &&
              agree(run, &run->error) && timed(&w, &run->error);
    run->outcome = outcome_of(run, ok);
    if (ok)
        tell(&w);
    else
        belay_say_error(how->reporter, &run->error);
    if (!ok)
        belay_beside_result_done(&w.made);
    int status = belay_run_finish(run, ret_json);
    *ret_json = add_tables(&w, *ret_json);
    belay_beside_result_done(&w.made);
    belay_run_done(run);
    return status;
}
