#include "cli/commands.h"
#include "migrate/engine.h"
#include "pg/pg.h"

typedef struct findings {
    size_t pending;
    bool drifted;
    belay_list warnings;
} findings;

static bool look(belay_cli *cli, findings *ret, belay_error *err)
{
    BELAY_AUTO(belay_engine_free) belay_engine *engine = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_plan_done) belay_plan plan = {0};
    if (!belay_cli_target(cli, err) || !belay_engine_open(&cli->target, &engine, err) ||
        !belay_cli_connect(cli, BELAY_PG_USER, &pg, err) || !engine->heads(engine, pg, &heads, err) ||
        !engine->check(engine, pg, &heads, &ret->warnings, err) ||
        !belay_ledger_drifted(pg, &heads, &ret->drifted, err) ||
        !engine->plan(engine, &heads, "heads", false, &plan, err))
        return false;
    ret->pending = plan.step_count;
    return true;
}

static bool judge(const findings *found, belay_error *err)
{
    if (found->pending == 0 && found->drifted) {
        belay_fail(err, BELAY_E_ANSWER_NO, "the database is at head, but its schema drifted");
        return belay_error_hint(err, "write what was changed by hand as a migration, or undo it");
    }
    if (found->pending == 0)
        return true;
    belay_fail(err, BELAY_E_ANSWER_NO, "Target database is not up to date: %zu revision%s pending",
        found->pending, found->pending == 1 ? " is" : "s are");
    return belay_error_hint(err, "%s", belay_code_hint(BELAY_E_NOT_UP_TO_DATE));
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    findings found = {0};
    bool ok = look(cli, &found, &err) && judge(&found, &err);
    for (size_t i = 0; i < found.warnings.count; i++)
        belay_say(cli->reporter, BELAY_WARN, "%s", found.warnings.items[i]);
    belay_list_done(&found.warnings);
    if (ok)
        belay_cli_print(cli, "at head, as recorded");
    json_t *json = json_pack(
        "{s:b, s:I, s:b}", "ok", ok, "pending", (json_int_t)found.pending, "drifted", found.drifted);
    return belay_cli_finish(cli, ok, json, &err);
}

const belay_command belay_cmd_check = {
    .name = "check",
    .group = "Revisions",
    .usage = "check [options]",
    .summary = "is the database at head, and its schema as recorded? (exit 7: no)",
    .run = run,
};
