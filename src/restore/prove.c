#include "restore/prove.h"

#include "gate/gate.h"
#include "restore/compare.h"
#include "restore/restore.sql.h"
#include "restore/scratch.h"
#include "util/clock.h"
#include "util/stop.h"

void belay_proof_done(belay_proof *proof)
{
    belay_list_done(&proof->warnings);
}

static bool restore_and_compare(
    const belay_restore_options *how, belay_archive *archive, belay_proof *ret, belay_error *err)
{
    BELAY_AUTO(belay_restore_result_done) belay_restore_result result = {0};
    if (!belay_restore_into(how, archive, &result, err))
        return false;
    ret->rows = result.rows;
    ret->raw_bytes = result.raw_bytes;
    ret->seconds_load = result.seconds_load;
    for (size_t i = 0; i < result.warnings.count; i++)
        belay_list_add(&ret->warnings, result.warnings.items[i]);
    int64_t started_ms = belay_now_ms();
    bool ok = belay_restore_compare(how, archive, err);
    ret->seconds_compare = (double)(belay_now_ms() - started_ms) / 1000.0;
    return ok;
}

/* Dropped even when a stop was requested, so that no scratch database stays behind. */
static bool drop_scratch(const belay_restore_options *how, belay_error *err)
{
    belay_stop_mask(true);
    bool ok = belay_gate_drop_own(how->maintenance, how->dbname, err);
    belay_stop_mask(false);
    return ok;
}

static bool prove_in(
    const belay_restore_options *how, belay_archive *archive, belay_proof *ret, belay_error *err)
{
    bool ok = restore_and_compare(how, archive, ret, err);
    belay_error dropping = {0};
    if (drop_scratch(how, ok ? err : &dropping))
        return ok;
    if (!ok)
        belay_say(how->reporter, BELAY_WARN, "the scratch database %s could not be dropped: %s", how->dbname,
            dropping.message);
    return false;
}

bool belay_prove(const belay_prove_options *options, belay_store *store, const belay_snapshot_info *info,
    belay_proof *ret, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *own = NULL;
    const belay_pg_options connect = {.dbname = options->target->maintenance_db,
        .application_name = options->run_id,
        .profile = BELAY_PG_PINNED};
    int64_t started_ms = belay_now_ms();
    if (!belay_archive_open(store, info->name, &archive, err) ||
        (options->maintenance == NULL && !belay_pg_open(options->dialer, &connect, &own, err)))
        return false;
    const char *dbname = belay_target_dbname(options->target);
    char scratch[BELAY_DBNAME_SIZE];
    belay_gate_name(dbname, "scratch", options->run_id, scratch);
    const belay_restore_options how = {.dialer = options->dialer,
        .maintenance = options->maintenance == NULL ? own : options->maintenance,
        .dbname = scratch,
        .run_id = options->run_id,
        .target = options->target,
        .recorder = options->recorder,
        .reporter = options->reporter};
    if (!belay_scratch_sweep(how.maintenance, dbname, options->reporter, err))
        return false;
    belay_say(options->reporter, BELAY_INFO, "proving snapshot %s in %s", info->id, scratch);
    if (!prove_in(&how, archive, ret, err))
        return belay_error_prefix(err, "snapshot %s is not proven", info->id);
    ret->seconds = (double)(belay_now_ms() - started_ms) / 1000.0;
    return belay_snapshot_mark_proven(store, info, ret->seconds, err);
}

static bool try_schema(const belay_restore_options *how, belay_archive *archive, belay_error *err)
{
    BELAY_AUTO(belay_restore_result_done) belay_restore_result result = {0};
    if (belay_restore_into(how, archive, &result, err))
        return drop_scratch(how, err);
    if (err->code != BELAY_E_SQL && err->code != BELAY_E_PERMISSION)
        return false;
    err->code = BELAY_E_PREFLIGHT;
    belay_error_prefix(err, "a restore as this role would fail, tried without rows");
    return belay_error_hint(err, "use a superuser for the target, or way_back = twin");
}

bool belay_prove_rights(
    const belay_prove_options *options, belay_store *store, const belay_snapshot_info *info, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_free) char *super = NULL;
    char scratch[BELAY_DBNAME_SIZE];
    belay_gate_name(belay_target_dbname(options->target), "scratch", options->run_id, scratch);
    if (!belay_pg_value(options->maintenance, sql_is_superuser, NULL, 0, &super, err))
        return false;
    if (belay_equal(super, "t"))
        return true;
    const belay_restore_options how = {.dialer = options->dialer,
        .maintenance = options->maintenance,
        .dbname = scratch,
        .run_id = options->run_id,
        .target = options->target,
        .apply_dbstate = true,
        .schema_only = true,
        .recorder = options->recorder,
        .reporter = options->reporter};
    return belay_archive_open(store, info->name, &archive, err) && try_schema(&how, archive, err);
}
