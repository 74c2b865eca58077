#include "cli/revisions.h"

#include "migrate/version.h"
#include "pg/pg.h"

bool belay_cli_graph(belay_cli *cli, belay_graph **ret, belay_error *err)
{
    belay_config_sources sources = {cli->config_path, cli->env_file};
    if (cli->config == NULL && !belay_config_load(&sources, &cli->config, err))
        return false;
    return belay_graph_load(belay_config_migrations(cli->config), ret, err);
}

bool belay_cli_rows(belay_cli *cli, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!belay_cli_connect(cli, BELAY_PG_USER, &pg, err))
        return false;
    belay_version_table table = {cli->target.version_table_schema, cli->target.version_table};
    return belay_version_read(pg, &table, ret, err);
}

bool belay_cli_try_applied(belay_cli *cli, const belay_graph *graph, belay_list *ret)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    if (belay_cli_rows(cli, &rows, &err) && belay_graph_applied(graph, &rows, ret, &err))
        return true;
    belay_say(cli->reporter, BELAY_WARN, "\"applied\" stays null: %s", err.message);
    return false;
}

/* Ids joined by ", ". */
static void append_ids(belay_str *to, const belay_revision *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        belay_str_appendf(to, "%s%s", i == 0 ? "" : ", ", items[i]->id);
}

static void append_texts(belay_str *to, const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        belay_str_appendf(to, "%s%s", i == 0 ? "" : ", ", items[i]);
}

static void append_parents(belay_str *to, const belay_revision *revision)
{
    if (revision->down_count == 0)
        belay_str_append(to, "<base>");
    append_ids(to, revision->down, revision->down_count);
}

static bool is_current(const belay_revision *revision, const belay_revision_view *view)
{
    return view->current != NULL && belay_list_has(view->current, revision->id);
}

char *belay_revision_line(const belay_revision *revision, const belay_revision_view *view)
{
    belay_str line = BELAY_STR_INIT;
    if (view->parents) {
        append_parents(&line, revision);
        if (revision->depends_count > 0) {
            belay_str_append(&line, " (");
            append_ids(&line, revision->depends, revision->depends_count);
            belay_str_append(&line, ")");
        }
        belay_str_append(&line, " -> ");
    }
    belay_str_append(&line, revision->id);
    if (view->labels && revision->branch_label_count > 0) {
        belay_str_append(&line, " (");
        append_texts(&line, revision->branch_labels, revision->branch_label_count);
        belay_str_append(&line, ")");
    }
    if (revision->is_head)
        belay_str_append(&line, revision->is_real_head ? " (head)" : " (effective head)");
    if (is_current(revision, view))
        belay_str_append(&line, " (current)");
    if (view->tree && revision->is_branch_point)
        belay_str_append(&line, " (branchpoint)");
    if (view->tree && revision->is_merge)
        belay_str_append(&line, " (mergepoint)");
    if (view->doc)
        belay_str_appendf(&line, ", %s", revision->message);
    return belay_str_steal(&line);
}

static char *paragraph(const belay_revision *revision, const belay_revision_view *view)
{
    belay_str text = BELAY_STR_INIT;
    belay_str_appendf(&text, "Rev: %s%s%s%s%s\n", revision->id, revision->is_head ? " (head)" : "",
        revision->is_branch_point ? " (branchpoint)" : "", revision->is_merge ? " (mergepoint)" : "",
        is_current(revision, view) ? " (current)" : "");
    belay_str_append(&text, revision->is_merge ? "Merges: " : "Parent: ");
    append_parents(&text, revision);
    if (revision->depends_count > 0) {
        belay_str_append(&text, "\nAlso depends on: ");
        append_ids(&text, revision->depends, revision->depends_count);
    }
    if (revision->is_branch_point) {
        belay_str_append(&text, "\nBranches into: ");
        append_ids(&text, revision->next, revision->next_count);
    }
    if (revision->branch_label_count > 0) {
        belay_str_append(&text, "\nBranch names: ");
        append_texts(&text, revision->branch_labels, revision->branch_label_count);
    }
    belay_str_appendf(&text, "\nPath: %s\n\n    %s\n    \n    Revision ID: %s\n    Revises: ", revision->path,
        revision->message, revision->id);
    append_ids(&text, revision->down, revision->down_count);
    belay_str_appendf(&text, "\n    Create Date: %s\n", revision->create_date);
    if (!revision->transaction)
        belay_str_append(&text, "    Transaction: no\n");
    if (!revision->downgrade.present)
        belay_str_append(&text, "    Irreversible: it has no downgrade section\n");
    return belay_str_steal(&text);
}

void belay_cli_print_revision(
    const belay_cli *cli, const belay_revision *revision, const belay_revision_view *view)
{
    BELAY_AUTO(belay_free)
    char *text = cli->verbose ? paragraph(revision, view) : belay_revision_line(revision, view);
    belay_cli_print(cli, "%s", text);
}

static json_t *ids_json(const belay_revision *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(items[i]->id));
    return array;
}

json_t *belay_revision_json(const belay_revision *revision, const belay_list *applied)
{
    json_t *known = applied == NULL ? json_null() : json_boolean(belay_list_has(applied, revision->id));
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:o}", "revision", revision->id,
        "down_revisions", ids_json(revision->down, revision->down_count), "depends_on",
        ids_json(revision->depends, revision->depends_count), "branch_labels",
        belay_json_of_texts(revision->branch_labels, revision->branch_label_count), "message",
        revision->message, "is_head", (int)revision->is_head, "is_merge", (int)revision->is_merge,
        "is_branch_point", (int)revision->is_branch_point, "applied", known);
}
