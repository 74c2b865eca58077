#include "cli/revisions.h"

static struct {
    const char *message, *id;
    belay_list heads, labels, depends;
    bool splice;
} o;

static const belay_option options[] = {
    {"message", 'm', "TEXT", "what the revision does (default: empty message)", BELAY_OPT_TEXT, &o.message},
    {"head", 0, "REV", "revision to build on, or base (default: head)", BELAY_OPT_LIST, &o.heads},
    {"splice", 0, NULL, "allow a --head that is not a head: a new branch begins there", BELAY_OPT_FLAG,
        &o.splice},
    {"branch-label", 0, "LABEL", "label for the branch that begins here", BELAY_OPT_LIST, &o.labels},
    {"depends-on", 0, "REV", "revision of another branch that must be applied first", BELAY_OPT_LIST,
        &o.depends},
    {"rev-id", 0, "ID", "identifier to use (default: 12 random hex digits)", BELAY_OPT_TEXT, &o.id},
    BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_free) char *path = NULL;
    bool ok = belay_cli_graph(cli, &graph, &err);
    belay_new_revision wanted = {.message = o.message,
        .id = o.id,
        .parents = o.heads,
        .splice = o.splice,
        .labels = o.labels,
        .depends_on = o.depends};
    wanted.folder = ok ? belay_config_migrations(cli->config) : NULL;
    ok = ok && belay_revision_create(graph, &wanted, &path, &err);
    if (ok)
        belay_cli_print(cli, "%s", path);
    belay_list_done(&o.heads);
    belay_list_done(&o.labels);
    belay_list_done(&o.depends);
    return belay_cli_finish(cli, ok, ok ? json_pack("{s:b, s:s}", "ok", 1, "path", path) : NULL, &err);
}

const belay_command belay_cmd_revision = {
    .name = "revision",
    .group = "Revisions",
    .usage = "revision -m TEXT [options]",
    .summary = "create a new migration file",
    .details = "The file is named by time, identifier and message; fill in its upgrade, downgrade and verify "
               "sections.",
    .options = options,
    .run = run,
};
