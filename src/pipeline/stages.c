#include "pipeline/stages.h"

#include "migrate/version.h"
#include "pipeline/app_logs.h"
#include "pipeline/commands.h"
#include "pipeline/evidence.h"
#include "pipeline/followers.h"
#include "pipeline/loss.h"
#include "preflight/preflight.h"
#include "restore/lint.h"
#include "util/stop.h"
#include "verify/health.h"
#include "verify/verify.h"

enum { GATE_TIMEOUT_MS = 60 * 1000 };

bool belay_run_plan(belay_run *run, belay_error *err)
{
    const char *to = run->how.to == NULL ? "head" : run->how.to;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (run->engine == NULL && !belay_engine_open(run->how.target, &run->engine, err))
        return false;
    belay_list_done(&run->from);
    belay_plan_done(&run->plan);
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, err) ||
        !run->engine->heads(run->engine, pg, &run->from, err) ||
        !run->engine->plan(run->engine, &run->from, to, false, &run->plan, err) ||
        !run->engine->check_plan(run->engine, &run->plan, err))
        return false;
    belay_list_done(&run->to);
    for (size_t i = 0; i < run->plan.to_count; i++)
        belay_list_add(&run->to, run->plan.to[i]);
    return true;
}

/* --yes, or the database's name typed at a terminal. */
static bool is_confirmed(belay_run *run)
{
    const belay_run_options *how = &run->how;
    if (how->yes || how->target->environment != BELAY_PRODUCTION)
        return true;
    BELAY_AUTO(belay_free)
    char *question = belay_format(
        "%s is a production target. To migrate database %s, type its name:", how->target->name, run->dbname);
    return how->confirm != NULL && how->confirm(how->confirm_context, question, run->dbname);
}

static bool stage_preflight(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, err))
        return false;
    const belay_preflight context = {.keeper = run->keeper,
        .pg = pg,
        .target = run->how.target,
        .run_id = run->id,
        .engine = run->engine,
        .plan = &run->plan,
        .store = run->how.store,
        .reporter = run->how.reporter,
        .confirmed = is_confirmed(run),
        .server_space_bytes = run->how.server_space_bytes,
        .followers = &run->followers};
    return belay_preflight_run(&context, &report, err) &&
           belay_check_report_require(&report, BELAY_E_PREFLIGHT, err) &&
           belay_verify_before(pg, &run->invalid_before, err);
}

static bool has_stop_or_start(const belay_run *run)
{
    return run->how.target->stop_command.command != NULL || run->how.target->start_command.command != NULL;
}

/* An application that has a start_command alone is stopped by the gate, at the latest: it is started, too. */
bool belay_run_stop_app(belay_run *run, belay_error *err)
{
    const belay_target *target = run->how.target;
    if (!has_stop_or_start(run))
        return true;
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "app.stop", NULL, err))
        return false;
    run->app_stopped = true;
    return belay_run_command(run, &target->stop_command, "stop_command", false, err);
}

/* A host on which it fails is no reason to leave the application down on the others. */
bool belay_run_start_app(belay_run *run, belay_error *err)
{
    if (!run->app_stopped)
        return true;
    if (!belay_run_command(run, &run->how.target->start_command, "start_command", true, err))
        return false;
    run->app_stopped = false;
    return belay_record(belay_run_recorder(run), BELAY_RECORD_DONE, "app.stop", NULL, err);
}

/* The database is well: an application that does not start again is told, and changes no outcome. */
static bool undo_stop(belay_run *run, belay_error *err)
{
    (void)err;
    belay_error why = {0};
    if (!belay_run_start_app(run, &why))
        belay_say(run->how.reporter, BELAY_WARN, "%s; start the application by hand", why.message);
    return true;
}

static bool uses_gate(const belay_run *run)
{
    return run->how.target->gate == BELAY_GATE_RENAME;
}

static bool has_no_gate(const belay_run *run)
{
    return !uses_gate(run);
}

bool belay_run_close_gate(belay_run *run, belay_error *err)
{
    return run->gate.closed || belay_gate_close(&run->gate, GATE_TIMEOUT_MS, err);
}

static bool open_gate(belay_run *run, belay_error *err)
{
    return !run->gate_known || !run->gate.closed || belay_gate_open(&run->gate, err);
}

static bool stage_count_rows(belay_run *run, belay_error *err)
{
    return belay_loss_read(run, &run->loss_before, err);
}

static bool wants_twin(const belay_run *run)
{
    return uses_gate(run) && (run->how.target->way_back & BELAY_WAY_BACK_TWIN) != 0;
}

static bool stage_twin(belay_run *run, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    belay_gate_name(run->dbname, "twin", run->id, name);
    belay_error why = {0};
    if (belay_gate_twin(&run->gate, belay_run_dbname(run), name, &why)) {
        memcpy(run->twin, name, sizeof run->twin);
        return true;
    }
    bool other_way =
        run->how.target->snapshot &&
        (why.code == BELAY_E_NO_SPACE || why.code == BELAY_E_PERMISSION || why.code == BELAY_E_SQL);
    if (!other_way) {
        *err = why;
        return belay_error_prefix(err, "twin");
    }
    belay_say(run->how.reporter, BELAY_WARN, "no twin (%s); the snapshot is the way back", why.message);
    return belay_gate_drop(&run->gate, name, err);
}

bool belay_run_drop_twin(belay_run *run, belay_error *err)
{
    if (run->twin[0] == '\0')
        return true;
    bool exists = false;
    if (!belay_gate_exists(&run->gate, &exists, err))
        return false;
    if (!exists) {
        belay_fail(err, BELAY_E_NEEDS_RECOVERY,
            "somebody dropped the database \"%s\" during the run: its twin \"%s\" may be the only copy and "
            "stays",
            run->dbname, run->twin);
        return belay_error_hint(err, "`belay recover` says how to bring it back");
    }
    if (!belay_gate_drop(&run->gate, run->twin, err))
        return false;
    run->twin[0] = '\0';
    return true;
}

/* The database first: while it is being dropped by somebody it still seems to be there, but the rename waits
 * and then knows. */
static bool undo_twin(belay_run *run, belay_error *err)
{
    return open_gate(run, err) && belay_run_drop_twin(run, err);
}

static bool has_twin(const belay_run *run)
{
    return run->twin[0] != '\0';
}

static bool wants_snapshot(const belay_run *run)
{
    return run->how.target->snapshot || !has_twin(run);
}

/* Neither a twin nor a merely verified snapshot suffices by policy. */
static bool wants_proof(const belay_run *run)
{
    unsigned way_back = run->how.target->way_back;
    return !has_twin(run) && (way_back & BELAY_WAY_BACK_PROVEN) != 0 &&
           (way_back & BELAY_WAY_BACK_VERIFIED) == 0;
}

static belay_prove_options prove_options(belay_run *run)
{
    return (belay_prove_options){.dialer = run->how.dialer,
        .maintenance = belay_keeper_pg(run->keeper),
        .keeper = run->keeper,
        .target = run->how.target,
        .run_id = run->id,
        .recorder = belay_run_recorder(run),
        .reporter = run->how.reporter};
}

/* What may stand in the way back is told. Where the snapshot is the only one and nothing else tries it, a
 * schema that cannot be restored refuses. */
static bool lint(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    bool other_way = has_twin(run) || wants_proof(run);
    const belay_lint_options how = {.prove = prove_options(run),
        .dbname = belay_run_dbname(run),
        .skip_restore =
            wants_proof(run) || (has_twin(run) && run->how.target->environment != BELAY_PRODUCTION)};
    belay_error why = {0};
    if (belay_lint(&how, run->how.store, &run->snapshot, &report, &why) &&
        belay_check_report_require(&report, BELAY_E_PREFLIGHT, &why))
        return true;
    if (!other_way || belay_stop_requested()) {
        if (err != NULL)
            *err = why;
        return false;
    }
    belay_say(run->how.reporter, BELAY_WARN, "the snapshot: %s", why.message);
    return true;
}

static bool stage_snapshot(belay_run *run, belay_error *err)
{
    belay_snapshot_options options = {.dialer = run->how.dialer,
        .dbname = belay_run_dbname(run),
        .public_name = run->dbname,
        .target = run->how.target,
        .run_id = run->id,
        .id = run->id,
        .recorder = belay_run_recorder(run),
        .reporter = run->how.reporter};
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "snapshot",
            json_pack("{s:s}", "id", run->id), err) ||
        !belay_snapshot_take(&options, run->how.store, &run->snapshot, err))
        return false;
    belay_say(run->how.reporter, BELAY_INFO, "snapshot verified: %s (%.1f MB, %llu rows)", run->snapshot.path,
        (double)run->snapshot.bytes / 1e6, (unsigned long long)run->snapshot.rows);
    return belay_record(belay_run_recorder(run), BELAY_RECORD_DONE, "snapshot",
               json_pack("{s:s}", "id", run->snapshot.id), err) &&
           lint(run, err);
}

static bool stage_prove(belay_run *run, belay_error *err)
{
    belay_prove_options options = prove_options(run);
    options.verified = true; /* when it was published */
    BELAY_AUTO(belay_proof_done) belay_proof proof = {0};
    if (!belay_prove(&options, run->how.store, &run->snapshot, &proof, err))
        return belay_error_prefix(err, "prove");
    belay_say(run->how.reporter, BELAY_INFO, "snapshot proven in %.1f s", proof.seconds);
    return true;
}

/* Promise 1: nothing is changed before a way back exists. */
static bool require_way_back(const belay_run *run, belay_error *err)
{
    if (has_twin(run) || run->snapshot.id != NULL)
        return true;
    belay_fail(err, BELAY_E_POLICY, "there is no way back: neither a twin nor a snapshot was made");
    return belay_error_hint(err,
        "set `snapshot = yes`, or `way_back = twin` with `gate = rename`, for target %s",
        run->how.target->name);
}

/* belay's own tables, so that what the run itself adds to the catalogues is there before they are read. */
static bool prepare_own_tables(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    const belay_target *target = run->how.target;
    const belay_version_table table = {target->version_table_schema, target->version_table};
    return !run->engine->owns_transactions ||
           (belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, err) &&
               belay_version_prepare(pg, &table, err));
}

static bool stage_migrate(belay_run *run, belay_error *err)
{
    if (!require_way_back(run, err) || !prepare_own_tables(run, err) || !belay_evidence_read(run, err))
        return false;
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "migrate",
            json_pack("{s:O}", "before", run->evidence), err))
        return false;
    run->migrating = true;
    return belay_run_apply(run, belay_run_dbname(run), &run->plan, &run->applied, err);
}

bool belay_run_verify(belay_run *run, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    BELAY_AUTO(belay_list_done) belay_list reached = {0};
    if (!belay_run_connect(run, dbname, BELAY_PG_USER, &pg, err))
        return false;
    belay_engine_reached(&run->plan, &reached);
    const belay_verify context = {.pg = pg,
        .target = run->how.target,
        .engine = run->engine,
        .reached = &reached,
        .wanted = &run->to,
        .before = run->invalid_before,
        .reporter = run->how.reporter};
    return belay_verify_run(&context, &report, err) &&
           belay_check_report_require(&report, BELAY_E_VERIFY, err);
}

static bool stage_verify(belay_run *run, belay_error *err)
{
    return belay_run_verify(run, belay_run_dbname(run), err);
}

/* A restore for an application that is unwell loses what was written behind the opened gate. Not to know that
 * is no reason to throw the migration away. */
static bool stage_count_before_open(belay_run *run, belay_error *err)
{
    belay_error why = {0};
    if (belay_loss_read(run, &run->loss_before, &why))
        return belay_record(belay_run_recorder(run), BELAY_RECORD_NOTE, "counters",
            json_pack("{s:O}", "before", run->loss_before), err);
    belay_say(run->how.reporter, BELAY_WARN, "rows are not counted: %s", why.message);
    return true;
}

static bool may_restore_open(const belay_run *run)
{
    const belay_target *target = run->how.target;
    return uses_gate(run) && belay_health_wanted(target) &&
           target->on_unhealthy == BELAY_ON_UNHEALTHY_RESTORE;
}

/* From here on the database is the users' again. */
static bool stage_open(belay_run *run, belay_error *err)
{
    bool ok = open_gate(run, err);
    run->delivered = !run->gate_known || !run->gate.closed;
    return ok;
}

static bool wants_health(const belay_run *run)
{
    return belay_health_wanted(run->how.target);
}

static bool stage_start(belay_run *run, belay_error *err)
{
    belay_run_mark_logs(run);
    return belay_run_start_app(run, err);
}

static bool stage_health(belay_run *run, belay_error *err)
{
    belay_run_mark_logs(run);
    bool healthy = belay_health_check(run->how.target, run->how.reporter, err);
    belay_run_keep_logs(run);
    if (healthy)
        return true;
    run->unhealthy = err == NULL || err->code == BELAY_E_HEALTH;
    if (run->unhealthy) /* for recover, which must not take the run for a success */
        belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "unhealthy", NULL, NULL);
    return false;
}

/* With an open gate they would come back at once: there they are ended after a swap only. */
static bool closed_with_standbys(const belay_run *run)
{
    return uses_gate(run) && belay_followers_wants_standbys(run);
}

const belay_stage belay_preflight_stages[] = {
    {.name = "preflight", .run = stage_preflight},
    {.name = "count", .run = stage_count_rows, .wanted = has_no_gate},
};
const size_t belay_preflight_stage_count = BELAY_COUNT(belay_preflight_stages);

/* What `migrate` commits is not undone but assessed (back.h). */
const belay_stage belay_deploy_stages[] = {
    {.name = "stop", .run = belay_run_stop_app, .wanted = has_stop_or_start, .undo = undo_stop},
    {.name = "subscriptions",
        .run = belay_followers_disable,
        .wanted = belay_followers_wants_subscriptions,
        .undo = belay_followers_resume},
    {.name = "gate", .run = belay_run_close_gate, .wanted = uses_gate, .undo = open_gate},
    {.name = "standbys", .run = belay_followers_end_sessions, .wanted = closed_with_standbys},
    {.name = "twin", .run = stage_twin, .wanted = wants_twin, .undo = undo_twin},
    {.name = "snapshot", .run = stage_snapshot, .wanted = wants_snapshot},
    {.name = "prove", .run = stage_prove, .wanted = wants_proof},
    {.name = "migrate", .run = stage_migrate},
    {.name = "verify", .run = stage_verify},
    {.name = "count", .run = stage_count_before_open, .wanted = may_restore_open},
    {.name = "open", .run = stage_open, .completes = true},
    {.name = "resume",
        .run = belay_followers_resume,
        .wanted = belay_followers_wants_resume,
        .completes = true},
    {.name = "start", .run = stage_start, .wanted = has_stop_or_start, .completes = true},
    {.name = "health", .run = stage_health, .wanted = wants_health},
    {.name = "tidy", .run = belay_run_drop_twin, .wanted = has_twin, .completes = true},
};
const size_t belay_deploy_stage_count = BELAY_COUNT(belay_deploy_stages);
