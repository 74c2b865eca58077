#include "cli/lock.h"

#include "gate/gate.h"
#include "pipeline/journal_copy.h"
#include "pipeline/runs.h"

/* What is wrong with the maintenance database alone is said as such; a server that is down, or a wrong
 * password, is the same for every database and keeps its own words. */
static bool explain(const belay_target *target, belay_error *err)
{
    if (err == NULL || (err->code != BELAY_E_NO_DATABASE && err->code != BELAY_E_PERMISSION))
        return false;
    return belay_error_hint(err,
        "the lock that keeps two runs apart is held from the maintenance database \"%s\"; without it nothing "
        "is changed. Create it, GRANT CONNECT on it to this role, or set maintenance_db of target %s to "
        "another database on that server",
        target->maintenance_db, target->name);
}

/* A verb that stores nothing must not make the store for this question. */
static bool refuse_unfinished(belay_cli *cli, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    if (!belay_cli_store_if_any(cli, &store, err) ||
        (store != NULL && (!belay_journal_copies_catch_up(store, cli->target.name, err) ||
                              !belay_runs_refuse_unfinished(store, cli->target.name, err))))
        return belay_error_prefix(err, "%s", "nothing was changed");
    return true;
}

bool belay_cli_lock(belay_cli *cli, const char *run_id, int64_t wait_ms, belay_keeper **ret, belay_error *err)
{
    if (cli->dialer == NULL && !belay_cli_target(cli, err))
        return false;
    belay_keeper_options options = {.maintenance_db = cli->target.maintenance_db,
        .dbname = belay_target_dbname(&cli->target),
        .run_id = run_id,
        .wait_ms = wait_ms};
    if (!belay_keeper_open(cli->dialer, &options, ret, err))
        return explain(&cli->target, err);
    cli->holds_lock = refuse_unfinished(cli, err);
    if (!cli->holds_lock)
        belay_keeper_close(belay_take(*ret));
    return cli->holds_lock;
}

void belay_cli_explain_missing(const belay_cli *cli, belay_error *err)
{
    if (err->code != BELAY_E_NO_DATABASE || cli->dialer == NULL)
        return;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    const char *dbname = belay_target_dbname(&cli->target);
    belay_pg_options options = {.dbname = cli->target.maintenance_db, .profile = BELAY_PG_PINNED};
    belay_error why = {0};
    uint32_t oid = 0;
    if (!belay_pg_open(cli->dialer, &options, &pg, NULL) || !belay_gate_oid_of(pg, dbname, &oid, NULL) ||
        oid != 0)
        return;
    if ((cli->holds_lock || belay_keeper_require_free(pg, dbname, &why)) &&
        !belay_gate_fail_missing(pg, dbname, &why) && why.code == BELAY_E_UNFINISHED_RUN)
        belay_error_hint(&why, "type: belay recover --target %s", cli->target.name);
    if (why.code == BELAY_E_LOCKED || why.code == BELAY_E_UNFINISHED_RUN)
        *err = why;
}
