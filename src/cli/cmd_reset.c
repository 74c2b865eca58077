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

/* What resets that were killed left: an empty database half made, or the old one after the swap. */
static bool drop_leftovers(belay_pg *pg, const char *dbname, belay_error *err)
{
    static const char *const kinds[] = {"empty", "old"};
    return belay_gate_drop_kinds(pg, dbname, kinds, BELAY_COUNT(kinds), err);
}

static bool make_empty(belay_pg *pg, const char *dbname, const char *empty, belay_error *err)
{
    json_t *state = NULL;
    if (!belay_dbstate_read(pg, dbname, &state, err))
        return false;
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(json_string_value(json_object_get(state, "comment")), &users, NULL);
    json_object_set_new(state, "comment", users == NULL ? json_null() : json_string(users));
    bool ok = belay_dbstate_create(pg, state, empty, err) && belay_dbstate_apply(pg, state, empty, err);
    json_decref(state);
    return ok;
}

/* The name always has a database behind it, wherever this is killed: the empty one is made beside, takes the
 * name in one transaction, and only then is the old one dropped. */
static bool replace(belay_gate *gate, belay_error *err)
{
    char empty[BELAY_DBNAME_SIZE], old[BELAY_DBNAME_SIZE];
    belay_gate_name(gate->public_name, "empty", gate->run_id, empty);
    belay_gate_name(gate->public_name, "old", gate->run_id, old);
    if (!make_empty(belay_keeper_pg(gate->keeper), gate->public_name, empty, err) ||
        !belay_gate_replace(gate, empty, old, err)) {
        belay_gate_drop(gate, empty, NULL);
        return belay_error_prefix(err, "cannot empty database \"%s\", which is as it was", gate->public_name);
    }
    return belay_gate_drop(gate, old, err) ||
           belay_error_prefix(err, "database \"%s\" is empty, but the old one, \"%s\", is still there",
               gate->public_name, old);
}

static bool reset(belay_cli *cli, belay_error *err)
{
    char run_id[BELAY_RUN_ID_SIZE];
    belay_gate gate;
    belay_new_run_id(run_id);
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    if (!belay_cli_target(cli, err) || !allow(&cli->target, err) || !confirm(&cli->target, err) ||
        !belay_cli_lock(cli, run_id, 0, &keeper, err))
        return false;
    const char *dbname = belay_target_dbname(&cli->target);
    if (belay_gate_init(&gate, keeper, dbname, run_id, NULL, NULL, err))
        return drop_leftovers(belay_keeper_pg(keeper), dbname, err) && replace(&gate, err);
    if (err->code == BELAY_E_NO_DATABASE)
        belay_error_hint(err, "`belay dev` creates it");
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
        "Sessions are ended, and an empty database with the same owner, rights, settings and locale takes "
        "the name.\n"
        "Refused (exit 3) for staging and production, always. Asks for the database's name, or takes --yes.",
    .options = options,
    .target_word = true,
    .run = run,
};
