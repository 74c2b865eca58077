#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/followers.h"
#include "cli/lock.h"
#include "cli/server_space.h"
#include "preflight/preflight.h"
#include "util/clock.h"

static struct {
    const char *to;
    belay_cli_followers followers;
    const char *server_space;
} o;

static const belay_option options[] = {
    {"to", 0, "REV", "revision to go to (default: head)", BELAY_OPT_TEXT, &o.to},
    BELAY_FOLLOWER_OPTIONS(o.followers), BELAY_SERVER_SPACE_OPTION(o.server_space), BELAY_OPT_END};

static bool plan(belay_engine *engine, belay_pg *pg, belay_plan *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    return engine->heads(engine, pg, &heads, err) &&
           engine->plan(engine, &heads, o.to == NULL ? "head" : o.to, false, ret, err);
}

/* Files that make no plan refuse like any other finding; the other checks go on without one. */
static const belay_plan *plan_or_refuse(
    belay_engine *engine, belay_pg *pg, belay_plan *pending, belay_check_report *report)
{
    belay_error err = {0};
    if (plan(engine, pg, pending, &err))
        return pending;
    belay_check_report_add_error(report, "plan", BELAY_REFUSE, &err);
    return NULL;
}

/* What a deploy would find, under the run's lock, as a deploy would hold it. */
static bool look(belay_cli *cli, belay_check_report *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_engine_free) belay_engine *engine = NULL;
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_plan_done) belay_plan pending = {0};
    belay_followers followers = {0};
    uint64_t server_space_bytes = 0;
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    if (!belay_cli_followers_read(&o.followers, &followers, err) ||
        !belay_cli_server_space(o.server_space, &server_space_bytes, err) || !belay_cli_target(cli, err) ||
        !belay_cli_store(cli, &store, err) || !belay_engine_open(&cli->target, &engine, err))
        return false;
    if (!belay_cli_lock(cli, run_id, 0, &keeper, err) || !belay_cli_connect(cli, BELAY_PG_USER, &pg, err))
        return false;
    const belay_preflight context = {.keeper = keeper,
        .pg = pg,
        .target = &cli->target,
        .run_id = run_id,
        .engine = engine,
        .plan = plan_or_refuse(engine, pg, &pending, ret),
        .store = store,
        .reporter = cli->reporter,
        .confirmed = true, /* deploy asks for the yes itself */
        .server_space_bytes = server_space_bytes,
        .followers = &followers};
    return belay_preflight_run(&context, ret, err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    bool ok = look(cli, &report, &err);
    if (ok)
        belay_cli_print_checks(cli, &report);
    ok = ok && belay_check_report_require(&report, BELAY_E_PREFLIGHT, &err);
    return belay_cli_finish(cli, ok, report.count == 0 ? NULL : belay_check_report_json(&report), &err);
}

const belay_command belay_cmd_preflight = {
    .name = "preflight",
    .group = "Runs",
    .usage = "preflight [TARGET] [options]",
    .summary = "would a deploy go through? look at everything, change nothing",
    .details =
        "Goes through the checks that begin every deploy: server, rights, files, window, replication,\n"
        "space. The rights are tried on a small scratch database, which is dropped again.\n"
        "Exit status: 0 ok, perhaps with warnings; 3 a deploy would be refused; 5 a run is unfinished; 6 a "
        "run\n"
        "is at work.",
    .options = options,
    .target_word = true,
    .answer = BELAY_ANSWER_CHECKS,
    .run = run,
};
