#include "pipeline/replace.h"

#include "archive/archive.h"
#include "pipeline/followers.h"
#include "pipeline/stages.h"
#include "restore/restore.h"

bool belay_build_from_snapshot(belay_run *run, const char *dbname, bool apply_dbstate,
    char ret_schema_hash[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_restore_result_done) belay_restore_result result = {0};
    belay_restore_options options = {.dialer = run->how.dialer,
        .maintenance = belay_keeper_pg(run->keeper),
        .keeper = run->keeper,
        .dbname = dbname,
        .run_id = run->id,
        .target = run->how.target,
        .go_on = true,
        .complete = run->complete,
        .apply_dbstate = apply_dbstate,
        .create_roles = run->how.create_roles,
        .state = run->state,
        .recorder = belay_run_recorder(run),
        .reporter = run->how.reporter};
    if (!belay_archive_open(belay_run_snapshot_store(run), run->snapshot.name, &archive, err) ||
        !belay_archive_verify(archive, run->how.target->jobs, run->how.reporter, err))
        return belay_error_prefix(err, "snapshot %s", run->snapshot.id);
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "restore",
            json_pack("{s:s}", "database", dbname), err) ||
        !belay_restore_into(&options, archive, &result, err) ||
        !belay_restore_verdict(&options, &result, err))
        return false;
    memcpy(ret_schema_hash, result.schema_hash, sizeof result.schema_hash);
    belay_say(run->how.reporter, BELAY_INFO, "restored and compared: %llu rows into %s",
        (unsigned long long)result.rows, dbname);
    return belay_record(
        belay_run_recorder(run), BELAY_RECORD_DONE, "restore", json_pack("{s:s}", "database", dbname), err);
}

bool belay_stamp_and_check(
    belay_run *run, const char *dbname, const belay_list *heads, const char *schema_hash, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list now = {0};
    const belay_stamp stamp = {.heads = (const char *const *)heads->items,
        .head_count = heads->count,
        .reason = "restore",
        .run_id = run->id,
        .may_commit = belay_keeper_may_commit,
        .may_commit_context = run->keeper,
        .schema_hash = *schema_hash == '\0' ? NULL : schema_hash,
        .sparing = true};
    /* A database that is read-only by default comes back, too. */
    if (!belay_run_connect(run, dbname, BELAY_PG_USER, &pg, err) ||
        !belay_pg_exec(pg, "SET default_transaction_read_only = off", err) ||
        !run->engine->stamp(run->engine, pg, &stamp, err) || !run->engine->heads(run->engine, pg, &now, err))
        return false;
    if (!belay_list_same(&now, heads)) {
        belay_fail(err, BELAY_E_VERIFY,
            "the restored database does not carry the revisions that it was stamped with");
        return belay_error_hint(
            err, "it was not swapped in; a trigger or rule on the version table may be why");
    }
    return true;
}

/* The twin, opened for the stamp; it must be at the revisions of before. */
static bool prepare_twin(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    if (!belay_gate_allow(&run->gate, run->twin, true, err))
        return false;
    {
        BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
        if (!belay_run_connect(run, run->twin, BELAY_PG_USER, &pg, err) ||
            !run->engine->heads(run->engine, pg, &heads, err))
            return false;
    }
    if (!belay_list_same(&heads, &run->from)) {
        BELAY_AUTO(belay_free) char *wanted = belay_list_join(&run->from, ", ");
        return belay_fail(err, BELAY_E_COMPARE, "the twin %s is not at revision %s", run->twin,
            run->from.count == 0 ? "base" : wanted);
    }
    return belay_stamp_and_check(run, run->twin, &run->from, "", err);
}

static bool fail_no_way_back(belay_error *err)
{
    belay_fail(err, BELAY_E_NEEDS_RECOVERY, "the run has neither a twin nor a snapshot to go back to");
    return belay_error_hint(err, "`belay recover --keep` keeps what was migrated and opens the gate; `belay "
                                 "snapshots` lists what `belay restore` could put back then");
}

/* Finds or builds a database that is as it was before; run->replacement is its name. */
static bool stage_restore(belay_run *run, belay_error *err)
{
    if (run->twin[0] != '\0') {
        if (prepare_twin(run, err)) {
            memcpy(run->replacement, run->twin, BELAY_DBNAME_SIZE);
            return true;
        }
        if (run->snapshot.id == NULL)
            return false;
        belay_say(run->how.reporter, BELAY_WARN, "the twin cannot be used (%s); restoring the snapshot",
            err->message);
        belay_error_clear(err);
    }
    if (run->snapshot.id == NULL)
        return fail_no_way_back(err);
    char schema_hash[BELAY_SHA256_HEX_SIZE];
    belay_gate_name(run->dbname, "new", run->id, run->replacement);
    return belay_build_from_snapshot(run, run->replacement, true, schema_hash, err) &&
           belay_stamp_and_check(run, run->replacement, &run->from, schema_hash, err);
}

static bool stage_swap(belay_run *run, belay_error *err)
{
    char kept[BELAY_DBNAME_SIZE];
    belay_gate_name(run->dbname, "failed", run->id, kept);
    if (!belay_run_close_gate(run, err) || !belay_gate_swap(&run->gate, run->replacement, kept, err))
        return false;
    memcpy(run->kept, kept, sizeof run->kept);
    if (belay_equal(run->replacement, run->twin))
        run->twin[0] = '\0';
    belay_say(run->how.reporter, BELAY_INFO,
        "restored: %s is as it was before; the failed database is kept as %s", run->dbname, run->kept);
    return true;
}

static const belay_stage replace_stages[] = {
    {.name = "restore", .run = stage_restore},
    {.name = "subscriptions",
        .run = belay_followers_disable_again,
        .wanted = belay_followers_wants_subscriptions},
    {.name = "swap", .run = stage_swap},
    {.name = "followers", .run = belay_followers_after_swap},
};

bool belay_replace(belay_run *run, belay_error *err)
{
    return belay_run_stages(run, replace_stages, BELAY_COUNT(replace_stages), err);
}
