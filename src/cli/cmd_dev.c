#include "cli/apply.h"
#include "cli/lock.h"
#include "gate/gate.h"
#include "pg/pg.h"
#include "util/clock.h"
#include "util/stop.h"

static struct {
    const char *wait;
} o;

static const belay_option options[] = {
    {"wait", 'w', "TIME", "how long to wait for the server and the lock (default: 60s)", BELAY_OPT_TEXT,
        &o.wait},
    BELAY_OPT_END};

enum { PAUSE_MS = 250 };

static bool allow(const belay_target *target, belay_error *err)
{
    if (target->environment != BELAY_DEVELOPMENT) {
        belay_fail(err, BELAY_E_POLICY, "%s is a %s target, and `dev` is for development only", target->name,
            belay_environment_name(target->environment));
        return belay_error_hint(err, "never run auto-migrations there: use `belay deploy %s`", target->name);
    }
    if (target->auto_apply)
        return true;
    belay_fail(err, BELAY_E_POLICY, "target %s has auto_apply = no", target->name);
    return belay_error_hint(err, "apply with `belay upgrade head`, or set auto_apply = yes");
}

/* What a server that is still starting says. */
static bool may_pass(belay_code code)
{
    return code == BELAY_E_CONNECTION_REFUSED || code == BELAY_E_CONNECTION ||
           code == BELAY_E_CONNECTION_LOST;
}

static bool wait_and_lock(
    belay_cli *cli, const char *run_id, int64_t end_ms, belay_keeper **ret, belay_error *err)
{
    bool said = false;
    for (;;) {
        int64_t left = end_ms - belay_now_ms();
        if (belay_cli_lock(cli, run_id, left > 0 ? left : 0, ret, err))
            return true;
        if (err->code == BELAY_E_LOCKED || !may_pass(err->code) || belay_stop_requested())
            return false;
        if (end_ms - belay_now_ms() <= 0)
            return belay_error_prefix(err, "the server did not answer in time");
        if (!said)
            belay_say(cli->reporter, BELAY_INFO, "waiting for the server: %s", err->message);
        said = true;
        belay_sleep_ms(PAUSE_MS);
    }
}

static bool create_missing(belay_cli *cli, belay_keeper *keeper, bool *ret_created, belay_error *err)
{
    const char *dbname = belay_target_dbname(&cli->target);
    uint32_t oid = 0;
    if (!belay_gate_oid_of(belay_keeper_pg(keeper), dbname, &oid, err))
        return false;
    *ret_created = oid == 0;
    if (oid != 0)
        return true;
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(dbname);
    if (!belay_pg_execf(belay_keeper_pg(keeper), err, "CREATE DATABASE %s", quoted)) {
        const char *user = belay_conninfo_get(&cli->target.connection, "user");
        BELAY_AUTO(belay_free) char *role = belay_quote_ident(user == NULL ? "" : user);
        if (err->code == BELAY_E_PERMISSION)
            belay_error_hint(err, "as a superuser: ALTER ROLE %s CREATEDB, or CREATE DATABASE %s OWNER %s",
                role, quoted, role);
        return belay_error_prefix(err, "cannot create database \"%s\"", dbname);
    }
    belay_say(cli->reporter, BELAY_INFO, "created database \"%s\"", dbname);
    return true;
}

/* With the lock held: what is pending, and then all of it. */
static bool apply(belay_cli *cli, belay_keeper *keeper, const char *run_id, json_t *json,
    belay_apply_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_engine_free) belay_engine *engine = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    BELAY_AUTO(belay_plan_done) belay_plan plan = {0};
    if (!belay_engine_open(&cli->target, &engine, err) || !belay_cli_connect(cli, BELAY_PG_USER, &pg, err) ||
        !engine->heads(engine, pg, &heads, err) || !engine->check(engine, pg, &heads, &warnings, err) ||
        !engine->plan(engine, &heads, "heads", false, &plan, err))
        return false;
    for (size_t i = 0; i < warnings.count; i++)
        belay_say(cli->reporter, BELAY_WARN, "%s", warnings.items[i]);
    belay_pg_close(belay_take(pg));
    bool ok = belay_cli_run_plan(cli, engine, keeper, run_id, &plan, ret, err);
    if (ok)
        belay_cli_print(
            cli, "%s: %s", cli->target.name, plan.step_count == 0 ? "at head, nothing to do" : "at head");
    json_object_set_new(json, "done", belay_json_of_list(&ret->done));
    return ok;
}

static bool bring_up(belay_cli *cli, json_t *json, belay_apply_result *ret, belay_error *err)
{
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    long long wait_ms = 60000;
    bool created = false;
    if (o.wait != NULL && (!belay_parse_duration_ms(o.wait, &wait_ms) || wait_ms < 0))
        return belay_fail(err, BELAY_E_USAGE, "--wait takes a time such as 30s or 2min, not \"%s\"", o.wait);
    if (!belay_cli_target(cli, err) || !allow(&cli->target, err) ||
        !wait_and_lock(cli, run_id, belay_now_ms() + wait_ms, &keeper, err) ||
        !create_missing(cli, keeper, &created, err))
        return false;
    json_object_set_new(json, "created", json_boolean(created));
    return apply(cli, keeper, run_id, json, ret, err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    json_t *json = json_object();
    belay_apply_result result = {0};
    bool ok = bring_up(cli, json, &result, &err);
    json_object_set_new(json, "ok", json_boolean(ok));
    int status = belay_cli_finish_plan(cli, ok, json, &result, &err);
    belay_apply_result_done(&result);
    return status;
}

const belay_command belay_cmd_dev = {
    .name = "dev",
    .group = "Set-up",
    .usage = "dev [TARGET] [options]",
    .summary = "wait for the server, create the database, apply every migration; development only",
    .details = "For the entrypoint of a development container: several may start at once, one applies and "
               "the others\n"
               "wait for it. Refused (exit 3) for staging and production, and with auto_apply = no.",
    .options = options,
    .target_word = true,
    .run = run,
};
