#include "cli/checks.h"
#include "cli/verify.h"
#include "migrate/engine.h"
#include "pg/pg.h"
#include "verify/verify.h"

static bool look(belay_cli *cli, belay_check_report *ret, belay_error *err)
{
    BELAY_AUTO(belay_engine_free) belay_engine *engine = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list none = {0};
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    BELAY_AUTO(belay_plan_done) belay_plan standing = {0};
    if (!belay_cli_target(cli, err) || !belay_engine_open(&cli->target, &engine, err) ||
        !belay_cli_connect(cli, BELAY_PG_USER, &pg, err) || !engine->heads(engine, pg, &rows, err) ||
        !engine->plan(engine, &none, "heads", false, &standing, err))
        return false;
    for (size_t i = 0; i < standing.to_count; i++)
        belay_list_add(&wanted, standing.to[i]);
    const belay_verify how = {.pg = pg,
        .target = &cli->target,
        .engine = engine,
        .reached = &rows,
        .wanted = &wanted,
        .at_rest = true,
        .reporter = cli->reporter};
    return belay_verify_run(&how, ret, err);
}

int belay_cli_verify_target(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    bool looked = look(cli, &report, &err);
    bool ok = looked && belay_check_report_require(&report, BELAY_E_ANSWER_NO, &err);
    if (looked)
        belay_cli_print_checks(cli, &report);
    return belay_cli_finish(cli, ok, looked ? belay_check_report_json(&report) : NULL, &err);
}
