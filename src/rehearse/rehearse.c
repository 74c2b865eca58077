#include "rehearse/rehearse.h"

#include "gate/gate.h"
#include "migrate/engine.h"
#include "pg/schema_hash.h"
#include "rehearse/private_server.h"
#include "rehearse/record.h"
#include "rehearse/rehearse.sql.h"
#include "rehearse/way_down.h"
#include "restore/restore.h"
#include "restore/scratch.h"
#include "snapshot/snapshot.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/stop.h"

enum { SHOWN_SCHEMA_LINES = 10 };

void belay_rehearsal_done(belay_rehearsal *rehearsal)
{
    free(rehearsal->snapshot_id);
    free(rehearsal->irreversible);
    free(rehearsal->schema_difference);
    free(rehearsal->record);
    belay_list_done(&rehearsal->from);
    belay_list_done(&rehearsal->to);
    belay_list_done(&rehearsal->warnings);
}

/* What the stages share. */
typedef struct rehearsal {
    const belay_rehearse_options *options;
    belay_rehearsal *ret;
    belay_snapshot_info snapshot;
    belay_archive *archive;
    belay_private_server *server; /* NULL: the target's own */
    belay_dialer *dialer;         /* to where the copy is */
    belay_pg *maintenance;
    char scratch[BELAY_DBNAME_SIZE];
    bool created;
    belay_restore_result restored;
    belay_engine *engine;
    belay_plan plan;  /* the pending revisions */
    belay_plan down;  /* and back */
    belay_plan again; /* those of them that went down */
    belay_str before; /* the schema's description */
    json_t *steps;    /* of the plan, as its files were when it was made */
    int server_version;
} rehearsal;

static const char *goal(const rehearsal *r)
{
    return r->options->to == NULL ? "head" : r->options->to;
}

static bool take_snapshot(rehearsal *r, belay_error *err)
{
    const char *dbname = belay_target_dbname(r->options->target);
    const belay_snapshot_options how = {.dialer = r->options->dialer,
        .dbname = dbname,
        .public_name = dbname,
        .target = r->options->target,
        .run_id = r->options->run_id,
        .recorder = r->options->recorder,
        .reporter = r->options->reporter};
    return belay_snapshot_take(&how, r->options->store, &r->snapshot, err);
}

static bool stage_snapshot(rehearsal *r, belay_error *err)
{
    bool found = false;
    if (!r->options->fresh &&
        !belay_snapshot_newest(r->options->store, r->options->target->name, &r->snapshot, &found, err))
        return false;
    if (!found && !take_snapshot(r, err))
        return false;
    r->ret->snapshot_id = belay_strdup(r->snapshot.id);
    belay_say(r->options->reporter, BELAY_INFO, "rehearsing on snapshot %s of %s", r->snapshot.id,
        r->snapshot.created_at);
    return belay_archive_open(r->options->store, r->snapshot.name, &r->archive, err) &&
           (!found || belay_archive_verify(r->archive, r->options->target->jobs, r->options->reporter, err));
}

static bool open_maintenance(rehearsal *r, const char *dbname, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = dbname, .application_name = r->options->run_id, .profile = BELAY_PG_PINNED};
    return belay_pg_open(r->dialer, &how, &r->maintenance, err);
}

static bool may_create_databases(rehearsal *r, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *answer = NULL;
    if (!open_maintenance(r, r->options->target->maintenance_db, err) ||
        !belay_pg_value(r->maintenance, sql_may_create_databases, NULL, 0, &answer, err))
        return false;
    *ret = answer != NULL && belay_equal(answer, "t");
    return belay_scratch_sweep(
        r->maintenance, belay_target_dbname(r->options->target), r->options->reporter, err);
}

static bool start_server(rehearsal *r, belay_error *err)
{
    const char *user = belay_conninfo_get(&r->options->target->connection, "user");
    int major = belay_archive_manifest(r->archive)->server_version / 10000;
    belay_pg_close(belay_take(r->maintenance));
    if (!belay_private_server_start(
            major, user == NULL ? "postgres" : user, r->options->reporter, &r->server, err))
        return false;
    r->ret->private_server = true;
    r->dialer = belay_private_server_dialer(r->server);
    return open_maintenance(r, "postgres", err);
}

static bool stage_server(rehearsal *r, belay_error *err)
{
    bool here = false;
    r->dialer = r->options->dialer;
    if (!r->options->cluster && !may_create_databases(r, &here, err))
        return false;
    if (here)
        return true;
    if (!r->options->cluster)
        belay_say(r->options->reporter, BELAY_INFO,
            "the role may not create databases on the target's server: the copy goes to a private one");
    return start_server(r, err);
}

static belay_restore_options restore_options(const rehearsal *r)
{
    return (belay_restore_options){.dialer = r->dialer,
        .maintenance = r->maintenance,
        .dbname = r->scratch,
        .run_id = r->options->run_id,
        .target = r->options->target,
        .create_roles = r->options->create_roles || r->server != NULL, /* a private server has none */
        .recorder = r->options->recorder,
        .reporter = r->options->reporter};
}

static bool stage_restore(rehearsal *r, belay_error *err)
{
    const belay_restore_options how = restore_options(r);
    r->created = belay_restore_into(&how, r->archive, &r->restored, err);
    for (size_t i = 0; i < r->restored.warnings.count; i++)
        belay_list_add(&r->ret->warnings, r->restored.warnings.items[i]);
    return r->created;
}

static bool stage_compare(rehearsal *r, belay_error *err)
{
    const belay_restore_options how = restore_options(r);
    double seconds = 0;
    if (!belay_restore_verdict(&how, &r->restored, err))
        return false;
    for (size_t i = 0; i < r->ret->stage_count; i++) {
        if (belay_equal(r->ret->stages[i].name, "restore"))
            seconds += r->ret->stages[i].seconds;
    }
    return belay_snapshot_mark_proven(r->options->store, &r->snapshot, seconds, err);
}

static bool connect_scratch(const rehearsal *r, belay_pg **ret, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = r->scratch, .application_name = r->options->run_id, .profile = BELAY_PG_USER};
    return belay_pg_open(r->dialer, &how, ret, err);
}

static bool describe(const rehearsal *r, belay_str *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    return connect_scratch(r, &pg, err) && belay_schema_describe(pg, ret, err);
}

static bool stage_plan(rehearsal *r, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!belay_engine_open(r->options->target, &r->engine, err) || !connect_scratch(r, &pg, err) ||
        !r->engine->heads(r->engine, pg, &r->ret->from, err) ||
        !r->engine->plan(r->engine, &r->ret->from, goal(r), false, &r->plan, err))
        return false;
    for (size_t i = 0; i < r->plan.to_count; i++)
        belay_list_add(&r->ret->to, r->plan.to[i]);
    r->ret->steps = r->plan.step_count;
    belay_say(r->options->reporter, BELAY_INFO, "%zu pending revision%s", r->plan.step_count,
        r->plan.step_count == 1 ? "" : "s");
    const char *irreversible = NULL;
    belay_plan_way_down(&r->plan, &r->down, &irreversible);
    belay_plan_tail(&r->plan, r->down.step_count, &r->again);
    r->ret->irreversible = irreversible == NULL ? NULL : belay_strdup(irreversible);
    r->server_version = belay_pg_server_version(pg);
    return belay_rehearsal_steps(&r->plan, &r->steps, err) && describe(r, &r->before, err);
}

static bool apply(rehearsal *r, const belay_plan *plan, belay_error *err)
{
    belay_apply_result result = {0};
    const belay_apply how = {.dialer = r->dialer,
        .dbname = r->scratch,
        .run_id = r->options->run_id,
        .target = r->options->target,
        .reporter = r->options->reporter};
    bool ok = r->engine->apply(r->engine, &how, plan, &result, err);
    belay_apply_result_done(&result);
    return ok;
}

static bool stage_migrate(rehearsal *r, belay_error *err)
{
    return apply(r, &r->plan, err);
}

static bool stage_verify(rehearsal *r, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list reached = {0};
    belay_engine_reached(&r->plan, &reached);
    return connect_scratch(r, &pg, err) && r->engine->verify(r->engine, pg, &reached, err);
}

static void tell_difference(const rehearsal *r)
{
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_list_split(&lines, r->ret->schema_difference, "\n");
    for (size_t i = 0; i < lines.count; i++)
        belay_str_appendf(&text, "\n  %s", lines.items[i]);
    belay_say(r->options->reporter, BELAY_WARN,
        "the schema after the downgrade differs from the one before:%s", belay_str_text(&text));
}

static bool compare_schema(rehearsal *r, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str after = BELAY_STR_INIT;
    if (!describe(r, &after, err))
        return false;
    r->ret->schema_compared = true;
    r->ret->schema_difference =
        belay_schema_difference(belay_str_text(&r->before), belay_str_text(&after), SHOWN_SCHEMA_LINES);
    r->ret->schema_equal = r->ret->schema_difference == NULL;
    if (!r->ret->schema_equal)
        tell_difference(r);
    return true;
}

static bool stage_downgrade(rehearsal *r, belay_error *err)
{
    if (r->ret->irreversible != NULL)
        belay_say(r->options->reporter, BELAY_NOTICE,
            "revision %s has no downgrade section: it and what is below it are not taken back",
            r->ret->irreversible);
    if (!apply(r, &r->down, err))
        return false;
    r->ret->downgraded = r->down.step_count;
    return r->ret->irreversible != NULL || compare_schema(r, err);
}

static bool stage_again(rehearsal *r, belay_error *err)
{
    return apply(r, &r->again, err);
}

static bool stage_drop(rehearsal *r, belay_error *err)
{
    r->created = false;
    return belay_gate_drop_own(r->maintenance, r->scratch, err);
}

json_t *belay_rehearsal_stages(const belay_rehearsal *ret)
{
    json_t *array = json_array();
    for (size_t i = 0; i < ret->stage_count; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:f}", "name", ret->stages[i].name, "outcome",
                                         ret->stages[i].outcome, "seconds", ret->stages[i].seconds));
    return array;
}

static json_t *make_record(const rehearsal *r)
{
    const belay_rehearsal *ret = r->ret;
    char now[BELAY_UTC_SIZE];
    char schema[BELAY_SHA256_HEX_SIZE];
    double seconds = 0;
    belay_format_utc(belay_now_utc(), now);
    belay_sha256_of(belay_str_text(&r->before), r->before.length, schema);
    for (size_t i = 0; i < ret->stage_count; i++)
        seconds += ret->stages[i].seconds;
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:O, s:s, s:i, s:b, s:I, s:s?, s:o, s:f, s:o}",
        "format", 1, "target", r->options->target->name, "run", r->options->run_id, "rehearsed_at", now,
        "snapshot", ret->snapshot_id, "from",
        belay_json_of_texts((const char *const *)r->plan.from, r->plan.from_count), "to",
        belay_json_of_texts((const char *const *)r->plan.to, r->plan.to_count), "steps", r->steps,
        "schema_sha256", schema, "server_version", r->server_version, "private_server", ret->private_server,
        "downgraded", (json_int_t)ret->downgraded, "irreversible", ret->irreversible, "schema_equal",
        ret->schema_compared ? json_boolean(ret->schema_equal) : json_null(), "seconds", seconds, "stages",
        belay_rehearsal_stages(ret));
}

/* What a deploy with require_rehearsal looks for. Files that changed meanwhile were not what was run. */
static bool stage_record(rehearsal *r, belay_error *err)
{
    json_t *now = NULL;
    if (!belay_rehearsal_steps(&r->plan, &now, err))
        return false;
    bool same = json_equal(now, r->steps);
    json_decref(now);
    if (!same) {
        belay_fail(err, BELAY_E_MIGRATION_FILE, "a migration file changed while it was being rehearsed");
        return belay_error_hint(err, "rehearse again");
    }
    json_t *record = make_record(r);
    bool ok =
        belay_rehearsal_write(r->options->store, r->options->target->name, record, &r->ret->record, err);
    json_decref(record);
    return ok;
}

static bool has_pending(const rehearsal *r)
{
    return r->plan.step_count > 0;
}

static bool has_way_down(const rehearsal *r)
{
    return r->down.step_count > 0;
}

static const struct {
    const char *name;
    bool (*run)(rehearsal *r, belay_error *err);
    bool (*wanted)(const rehearsal *r); /* NULL: always */
} stages[] = {
    {"snapshot", stage_snapshot, NULL},
    {"server", stage_server, NULL},
    {"restore", stage_restore, NULL},
    {"compare", stage_compare, NULL},
    {"plan", stage_plan, NULL},
    {"migrate", stage_migrate, has_pending},
    {"verify", stage_verify, has_pending},
    {"downgrade", stage_downgrade, has_way_down},
    {"upgrade again", stage_again, has_way_down},
    {"drop", stage_drop, NULL},
    {"record", stage_record, has_pending},
};
_Static_assert(BELAY_COUNT(stages) <= BELAY_REHEARSE_STAGES_MAX, "room for every stage");

static bool run_stage(rehearsal *r, size_t number, belay_error *err)
{
    belay_rehearse_stage *stage = &r->ret->stages[r->ret->stage_count++];
    *stage = (belay_rehearse_stage){stages[number].name, "skipped", 0};
    if (stages[number].wanted != NULL && !stages[number].wanted(r))
        return true;
    int64_t started_ms = belay_now_ms();
    belay_say(r->options->reporter, BELAY_DEBUG, "rehearsal: %s", stage->name);
    bool ok = belay_stop_check(err) && stages[number].run(r, err);
    stage->seconds = (double)(belay_now_ms() - started_ms) / 1000.0;
    stage->outcome = ok ? "ok" : "failed";
    return ok || belay_error_prefix(err, "rehearsal, %s", stage->name);
}

/* What a failed stage left behind; the error that led here stays. */
static void clean_up(rehearsal *r)
{
    belay_error fault = {0};
    belay_stop_mask(true);
    if (r->created && !belay_gate_drop_own(r->maintenance, r->scratch, &fault))
        belay_say(r->options->reporter, BELAY_WARN, "the scratch database %s could not be dropped: %s",
            r->scratch, fault.message);
    belay_pg_close(r->maintenance);
    belay_private_server_stop(r->server);
    belay_stop_mask(false);
    belay_archive_close(r->archive);
    belay_engine_free(r->engine);
    belay_plan_done(&r->again);
    belay_plan_done(&r->down);
    belay_plan_done(&r->plan);
    belay_str_done(&r->before);
    json_decref(r->steps);
    belay_restore_result_done(&r->restored);
    belay_snapshot_info_done(&r->snapshot);
}

bool belay_rehearse(const belay_rehearse_options *options, belay_rehearsal *ret, belay_error *err)
{
    rehearsal r = {.options = options, .ret = ret, .before = BELAY_STR_INIT};
    belay_gate_name(belay_target_dbname(options->target), "scratch", options->run_id, r.scratch);
    bool ok = true;
    for (size_t i = 0; ok && i < BELAY_COUNT(stages); i++)
        ok = run_stage(&r, i, err);
    clean_up(&r);
    return ok;
}
