#include "cli/commands.h"
#include "migrate/version.h"
#include "pg/pg.h"

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    bool ok = belay_cli_connect(cli, BELAY_PG_USER, &pg, &err);
    belay_version_table table = {cli->target.version_table_schema, cli->target.version_table};
    ok = ok && belay_version_read(pg, &table, &heads, &err);
    for (size_t i = 0; i < heads.count; i++)
        belay_cli_print(cli, "%s", heads.items[i]);
    return belay_cli_finish(cli, ok, NULL, &err);
}

const belay_command belay_cmd_current = {
    .name = "current",
    .group = "Revisions",
    .usage = "current [options]",
    .summary = "show the revision that the database is at",
    .run = run,
};
