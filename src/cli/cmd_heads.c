#include "cli/revisions.h"

static struct {
    bool resolve_dependencies;
} o;

static const belay_option options[] = {
    {"resolve-dependencies", 0, NULL, "leave out heads that another revision depends on", BELAY_OPT_FLAG,
        &o.resolve_dependencies},
    BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    if (!belay_cli_graph(cli, &graph, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    (o.resolve_dependencies ? belay_graph_real_heads : belay_graph_heads)(graph, &heads);
    bool known = cli->json && belay_cli_try_applied(cli, graph, &applied);
    json_t *array = json_array();
    belay_revision_view view = {.labels = true};
    for (size_t i = 0; i < heads.count; i++) {
        const belay_revision *head = belay_graph_find(graph, heads.items[i]);
        belay_cli_print_revision(cli, head, &view);
        json_array_append_new(array, belay_revision_json(head, known ? &applied : NULL));
    }
    return belay_cli_finish(cli, true, json_pack("{s:o}", "revisions", array), &err);
}

const belay_command belay_cmd_heads = {
    .name = "heads",
    .group = "Revisions",
    .usage = "heads [options]",
    .summary = "list the revisions that nothing comes after",
    .details = "\"(effective head)\" is a head that another revision depends on: the version table has no "
               "row for it.",
    .options = options,
    .run = run,
};
