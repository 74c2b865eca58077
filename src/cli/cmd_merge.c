#include "cli/revisions.h"

static struct {
    const char *message, *id;
    belay_list labels;
} o;

static const belay_option options[] = {
    {"message", 'm', "TEXT", "what the merge is for (default: merge ... and ...)", BELAY_OPT_TEXT,
        &o.message},
    {"branch-label", 0, "LABEL", "label for what follows", BELAY_OPT_LIST, &o.labels},
    {"rev-id", 0, "ID", "identifier to use (default: 12 random hex digits)", BELAY_OPT_TEXT, &o.id},
    BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_free) char *path = NULL;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&cli->words, " and ");
    BELAY_AUTO(belay_free) char *message = belay_format("merge %s", names);
    bool ok = belay_cli_graph(cli, &graph, &err);
    belay_new_revision wanted = {.message = o.message == NULL ? message : o.message,
        .id = o.id,
        .parents = cli->words,
        .labels = o.labels,
        .merge = true};
    wanted.folder = ok ? belay_config_migrations(cli->config) : NULL;
    ok = ok && belay_revision_create(graph, &wanted, &path, &err);
    if (ok)
        belay_cli_print(cli, "%s", path);
    belay_list_done(&o.labels);
    return belay_cli_finish(cli, ok, ok ? json_pack("{s:b, s:s}", "ok", 1, "path", path) : NULL, &err);
}

const belay_command belay_cmd_merge = {
    .name = "merge",
    .group = "Revisions",
    .usage = "merge [options] REVISION...",
    .summary = "create a migration file that joins heads",
    .details = "`belay merge heads` joins all of them. Both sections stay empty unless you write something.",
    .options = options,
    .min_words = 1,
    .max_words = -1,
    .run = run,
};
