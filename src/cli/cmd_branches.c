#include "cli/revisions.h"

static void print_children(const belay_cli *cli, const belay_revision *point)
{
    belay_revision_view view = {.labels = true, .tree = true, .doc = cli->verbose};
    for (size_t i = 0; i < point->next_count; i++) {
        BELAY_AUTO(belay_free) char *line = belay_revision_line(point->next[i], &view);
        belay_cli_print(cli, "%*s -> %s", (int)strlen(point->id), "", line);
    }
    belay_cli_print(cli, "%s", "");
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    if (!belay_cli_graph(cli, &graph, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    bool known = cli->json && belay_cli_try_applied(cli, graph, &applied);
    json_t *array = json_array();
    belay_revision_view view = {.labels = true, .tree = true};
    for (size_t i = 0; i < belay_graph_count(graph); i++) {
        const belay_revision *revision = belay_graph_history(graph)[i];
        if (!revision->is_branch_point)
            continue;
        belay_cli_print_revision(cli, revision, &view);
        print_children(cli, revision);
        json_array_append_new(array, belay_revision_json(revision, known ? &applied : NULL));
    }
    return belay_cli_finish(cli, true, json_pack("{s:o}", "revisions", array), &err);
}

const belay_command belay_cmd_branches = {
    .name = "branches",
    .group = "Revisions",
    .usage = "branches [options]",
    .summary = "list the revisions after which the line parts, and what follows them",
    .run = run,
};
