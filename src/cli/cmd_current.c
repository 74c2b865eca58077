#include "cli/revisions.h"

static struct {
    bool check_heads;
} o;

static const belay_option options[] = {
    {"check-heads", 0, NULL, "exit with 7 unless everything is applied", BELAY_OPT_FLAG, &o.check_heads},
    BELAY_OPT_END};

/* The last applied revision of each line; dependencies of rows among them. */
static void print_rows(belay_cli *cli, const belay_graph *graph, const belay_list *applied)
{
    belay_revision_view view = {.tree = true};
    for (size_t i = 0; i < belay_graph_count(graph); i++) {
        const belay_revision *revision = belay_graph_history(graph)[i];
        bool last = belay_list_has(applied, revision->id);
        for (size_t j = 0; j < revision->next_count && last; j++)
            last = !belay_list_has(applied, revision->next[j]->id);
        if (last)
            belay_cli_print_revision(cli, revision, &view);
    }
}

static json_t *answer(const belay_cli *cli, const belay_list *rows, size_t pending)
{
    return json_pack("{s:s, s:o, s:b, s:I}", "target", cli->target.name, "heads", belay_json_of_list(rows),
        "at_head", pending == 0, "pending", (json_int_t)pending);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    bool ok = belay_cli_rows(cli, &rows, &err) && belay_cli_graph(cli, &graph, &err) &&
              belay_graph_applied(graph, &rows, &applied, &err);
    if (!ok)
        return belay_cli_finish(cli, false, NULL, &err);
    size_t pending = belay_graph_count(graph) - applied.count;
    if (cli->verbose)
        belay_cli_print(cli, "Current revision(s) for %s:", cli->target.name);
    print_rows(cli, graph, &applied);
    json_t *json = answer(cli, &rows, pending);
    if (o.check_heads && pending > 0) {
        ok = belay_fail(&err, BELAY_E_ANSWER_NO, "Database is not on all head revisions");
        belay_error_hint(&err, "%zu pending; `belay upgrade heads --plan` shows them", pending);
    }
    return belay_cli_finish(cli, ok, json, &err);
}

const belay_command belay_cmd_current = {
    .name = "current",
    .group = "Revisions",
    .usage = "current [options]",
    .summary = "show the revision that the database is at",
    .options = options,
    .run = run,
};
