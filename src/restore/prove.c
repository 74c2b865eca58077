#include "restore/prove.h"

#include "gate/gate.h"
#include "restore/compare.h"
#include "restore/scratch.h"
#include "util/clock.h"

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
    ret->seconds_compare = result.seconds_compare;
    return belay_restore_verdict(how, &result, err);
}

static bool prove_in(
    const belay_restore_options *how, belay_archive *archive, belay_proof *ret, belay_error *err)
{
    bool ok = restore_and_compare(how, archive, ret, err);
    belay_error dropping = {0};
    if (belay_scratch_drop(how, ok ? err : &dropping))
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
        (!options->verified &&
            !belay_archive_verify(archive, options->target->jobs, options->reporter, err)) ||
        (options->maintenance == NULL && !belay_pg_open(options->dialer, &connect, &own, err)))
        return false;
    const char *dbname = belay_target_dbname(options->target);
    char scratch[BELAY_DBNAME_SIZE];
    belay_gate_name(dbname, "scratch", options->run_id, scratch);
    const belay_restore_options how = {.dialer = options->dialer,
        .maintenance = options->maintenance == NULL ? own : options->maintenance,
        .keeper = options->keeper,
        .dbname = scratch,
        .run_id = options->run_id,
        .target = options->target,
        .create_roles = options->create_roles,
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
