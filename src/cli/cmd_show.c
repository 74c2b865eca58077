#include "cli/revisions.h"

static bool find_all(belay_cli *cli, const belay_graph *graph, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    bool current = belay_list_has(&cli->words, "current");
    if (current && (!belay_cli_rows(cli, &rows, err) || !belay_graph_check_known(graph, &rows, err)))
        return false;
    for (size_t i = 0; i < cli->words.count; i++) {
        if (!belay_graph_resolve(graph, cli->words.items[i], &rows, ret, err))
            return false;
    }
    return true;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    bool ok = belay_cli_graph(cli, &graph, &err) && find_all(cli, graph, &found, &err);
    json_t *array = json_array();
    belay_revision_view view = {0};
    cli->verbose = true;
    for (size_t i = 0; ok && i < found.count; i++) {
        const belay_revision *revision = belay_graph_find(graph, found.items[i]);
        belay_cli_print_revision(cli, revision, &view);
        json_array_append_new(array, belay_revision_json(revision, NULL));
    }
    return belay_cli_finish(cli, ok, json_pack("{s:o}", "revisions", array), &err);
}

const belay_command belay_cmd_show = {
    .name = "show",
    .group = "Revisions",
    .usage = "show REVISION...",
    .summary = "show revisions in full",
    .min_words = 1,
    .max_words = -1,
    .run = run,
};
