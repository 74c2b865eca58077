#include "cli/revisions.h"

static struct {
    const char *range;
    bool indicate_current;
} o;

static const belay_option options[] = {
    {"rev-range", 'r', "A:B",
        "only from A to B; either may be left out, `current` is the database's (default: all)",
        BELAY_OPT_TEXT, &o.range},
    {"indicate-current", 'i', NULL, "ask the database and mark where it is", BELAY_OPT_FLAG,
        &o.indicate_current},
    BELAY_OPT_END};

/* "A:B" in its two halves; both empty without a range. */
static bool split_range(char **ret_lower, char **ret_upper, belay_error *err)
{
    const char *range = o.range == NULL ? ":" : o.range;
    const char *colon = strchr(range, ':');
    if (colon == NULL)
        return belay_fail(err, BELAY_E_USAGE, "History range requires [start]:[end], [start]:, or :[end]");
    *ret_lower = belay_strndup(range, (size_t)(colon - range));
    *ret_upper = belay_strdup(colon + 1);
    return true;
}

static json_t *list_json(const belay_revisions *list, const belay_list *applied)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, belay_revision_json(list->items[i], applied));
    return json_pack("{s:o}", "revisions", array);
}

/* The version rows: without them no range that names them, and no mark. */
static bool ask_database(
    belay_cli *cli, const belay_graph *graph, bool in_range, belay_list *ret_rows, belay_error *err)
{
    belay_error why = {0};
    if (!belay_cli_rows(cli, ret_rows, err))
        return false;
    if (in_range)
        return belay_graph_check_known(graph, ret_rows, err);
    if (!belay_graph_check_known(graph, ret_rows, &why))
        belay_say(cli->reporter, BELAY_WARN, "%s\n  hint      %s", why.message, why.hint);
    return true;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    BELAY_AUTO(belay_revisions_done) belay_revisions list = {0};
    BELAY_AUTO(belay_free) char *lower = NULL;
    BELAY_AUTO(belay_free) char *upper = NULL;
    bool ok = split_range(&lower, &upper, &err) && belay_cli_graph(cli, &graph, &err);
    bool in_range = ok && (belay_equal(lower, "current") || belay_equal(upper, "current"));
    ok = ok && (!(in_range || o.indicate_current) || ask_database(cli, graph, in_range, &rows, &err)) &&
         belay_graph_range(graph, lower, upper, &rows, &list, &err);
    belay_revision_view view = {.parents = true, .labels = true, .doc = true, .tree = true};
    view.current = o.indicate_current ? &rows : NULL;
    for (size_t i = 0; ok && i < list.count; i++)
        belay_cli_print_revision(cli, list.items[i], &view);
    bool known = ok && cli->json && belay_cli_try_applied(cli, graph, &applied);
    return belay_cli_finish(
        cli, ok, ok && cli->json ? list_json(&list, known ? &applied : NULL) : NULL, &err);
}

const belay_command belay_cmd_history = {
    .name = "history",
    .group = "Revisions",
    .usage = "history [options]",
    .summary = "list the revisions of the files, newest first",
    .details = "Reads the files only; the database is asked with -i, for `current` in a range, and for "
               "\"applied\" of "
               "--json\n(null when it does not answer). With --verbose each revision is shown in full.",
    .options = options,
    .run = run,
};
