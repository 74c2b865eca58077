#include "pipeline/restore_tables.h"

#include "archive/archive.h"
#include "pipeline/deploy.h"
#include "pipeline/restore_run.h"
#include "restore/beside.h"
#include "util/json.h"

/* What the run's stage needs. */
typedef struct wanted {
    belay_run run;
    const belay_restore_tables_wish *wish;
    belay_beside_result made;
} wanted;

static bool restore(wanted *w, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    belay_run *run = &w->run;
    const belay_beside_options options = {.dialer = run->how.dialer,
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
    return belay_archive_open(belay_run_snapshot_store(run), run->snapshot.name, &archive, err) &&
           belay_beside_restore(&options, archive, &w->made, err);
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
    for (size_t i = 0; i < w->made.left_out.count; i++)
        belay_say(reporter, BELAY_DEBUG, "left out: %s", w->made.left_out.items[i]);
    if (w->made.left_out.count > 0)
        belay_say(reporter, BELAY_INFO,
            "%zu trigger%s, foreign keys to other tables, rights and the like were left out (-v names them)",
            w->made.left_out.count, w->made.left_out.count == 1 ? "" : "s");
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
    return json;
}

int belay_restore_tables(
    const belay_run_options *how, const belay_restore_tables_wish *wish, json_t **ret_json)
{
    wanted w = {.wish = wish};
    belay_run *run = &w.run;
    belay_run_init(run, how);
    bool ok = belay_run_take(run, false, &run->error) && belay_restore_find(run, wish->id, &run->error) &&
              timed(&w, &run->error);
    run->outcome = ok                                                      ? BELAY_OUTCOME_SUCCEEDED
                   : belay_code_exit(run->error.code) == BELAY_EXIT_FAILED ? BELAY_OUTCOME_UNTOUCHED
                                                                           : BELAY_OUTCOME_REFUSED;
    if (ok)
        tell(&w);
    else
        belay_say_error(how->reporter, &run->error);
    int status = belay_run_finish(run, ret_json);
    *ret_json = add_tables(&w, *ret_json);
    belay_beside_result_done(&w.made);
    belay_run_done(run);
    return status;
}
