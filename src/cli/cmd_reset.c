#include "cli/confirm.h"
#include "cli/lock.h"
#include "gate/gate.h"
#include "pg/dbcomment.h"
#include "pg/dbstate.h"
#include "util/clock.h"

static struct {
    bool yes;
} o;

static const belay_option options[] = {
    {"yes", 'y', NULL, "do not ask", BELAY_OPT_FLAG, &o.yes}, BELAY_OPT_END};

static bool allow(const belay_target *target, belay_error *err)
{
    if (target->environment == BELAY_DEVELOPMENT)
        return true;
    belay_fail(err, BELAY_E_POLICY,
        "%s is a %s target: `reset` deletes all data and is for development only, whatever options are given",
        target->name, belay_environment_name(target->environment));
    return belay_error_hint(err, "to go back there use `belay restore`");
}

static bool confirm(const belay_target *target, belay_error *err)
{
    if (o.yes)
        return true;
    const char *host = belay_conninfo_get(&target->connection, "host");
    BELAY_AUTO(belay_free)
    char *what = belay_format("`reset` deletes everything in database \"%s\" of target %s%s%s",
        belay_target_dbname(target), target->name, host == NULL ? "" : " on ", host == NULL ? "" : host);
    return belay_cli_confirm_by_name(what, belay_target_dbname(target), err);
}

/* The empty database is made beside the old one, so that a failure leaves the old one as it was. */
static bool make_empty(belay_pg *pg, json_t *state, const char *fresh, belay_error *err)
{
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(json_string_value(json_object_get(state, "comment")), &users, NULL);
    json_object_set_new(state, "comment", users == NULL ? json_null() : json_string(users));
    return belay_dbstate_create(pg, state, fresh, err) && belay_dbstate_apply(pg, state, fresh, err);
}

static bool replace(belay_pg *pg, const char *dbname, const char *fresh, belay_error *err)
{
    BELAY_AUTO(belay_free) char *old_name = belay_quote_ident(dbname);
    BELAY_AUTO(belay_free) char *fresh_name = belay_quote_ident(fresh);
    if (!belay_pg_execf(pg, err, "DROP DATABASE %s WITH (FORCE)", old_name)) {
        belay_pg_execf(pg, NULL, "DROP DATABASE %s WITH (FORCE)", fresh_name);
        return belay_error_prefix(err, "cannot empty database \"%s\", which is as it was", dbname);
    }
    if (belay_pg_execf(pg, err, "ALTER DATABASE %s RENAME TO %s", fresh_name, old_name))
        return true;
    belay_error_prefix(err, "the old database is gone, the empty one is still called \"%s\"", fresh);
    return belay_error_hint(err, "rename it: ALTER DATABASE %s RENAME TO %s", fresh_name, old_name);
}

static bool reset(belay_cli *cli, belay_error *err)
{
    char run_id[BELAY_RUN_ID_SIZE], fresh[BELAY_DBNAME_SIZE];
    belay_new_run_id(run_id);
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    if (!belay_cli_target(cli, err) || !allow(&cli->target, err) || !confirm(&cli->target, err) ||
        !belay_cli_lock(cli, run_id, 0, &keeper, err))
        return false;
    const char *dbname = belay_target_dbname(&cli->target);
    belay_pg *pg = belay_keeper_pg(keeper);
    json_t *state = NULL;
    if (!belay_dbstate_read(pg, dbname, &state, err)) {
        if (err->code == BELAY_E_NO_DATABASE)
            belay_error_hint(err, "`belay dev` creates it");
        return false;
    }
    belay_gate_name(dbname, "new", run_id, fresh);
    bool ok = make_empty(pg, state, fresh, err);
    json_decref(state);
    if (ok)
        return replace(pg, dbname, fresh, err);
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(fresh);
    belay_pg_execf(pg, NULL, "DROP DATABASE IF EXISTS %s", quoted);
    return false;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    bool ok = reset(cli, &err);
    if (ok)
        belay_cli_print(cli, "database \"%s\" is empty; `belay dev` applies the migrations",
            belay_target_dbname(&cli->target));
    return belay_cli_finish(cli, ok, NULL, &err);
}

const belay_command belay_cmd_reset = {
    .name = "reset",
    .group = "Set-up",
    .usage = "reset [TARGET] [options]",
    .summary = "delete everything in a development database",
    .details =
        "Sessions are ended, the database is dropped and made again with its owner, rights, settings and "
        "locale.\n"
        "Refused (exit 3) for staging and production, always. Asks for the database's name, or takes --yes.",
    .options = options,
    .target_word = true,
    .run = run,
};
