/* What the version rows of a database say about the files. */
#include "revision/graph.h"

bool belay_graph_applied(const belay_graph *graph, const belay_list *heads, belay_list *ret, belay_error *err)
{
    if (!belay_graph_check_known(graph, heads, err))
        return false;
    BELAY_AUTO(rev_set_done) rev_set applied = rev_set_new(graph);
    for (size_t i = 0; i < heads->count; i++)
        graph_mark(&applied, belay_graph_find(graph, heads->items[i]), EDGE_NORM, NULL);
    for (size_t i = 0; i < graph->count; i++) {
        if (applied.has[i])
            belay_list_add(ret, graph->nodes[i].pub.id);
    }
    return true;
}

/* The newest by date among the known rows, else the newest of the files. */
static const belay_revision *last_known(const belay_graph *graph, const belay_list *ids, bool *ret_row)
{
    const belay_revision *last = NULL;
    for (size_t i = 0; i < ids->count; i++) {
        const belay_revision *found = belay_graph_find(graph, ids->items[i]);
        if (found != NULL && (last == NULL || strcmp(found->create_date, last->create_date) > 0))
            last = found;
    }
    *ret_row = last != NULL;
    return last != NULL ? last : graph->count > 0 ? graph->history[0] : NULL;
}

bool belay_graph_check_known(const belay_graph *graph, const belay_list *ids, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list unknown = {0};
    for (size_t i = 0; ids != NULL && i < ids->count; i++) {
        if (belay_graph_find(graph, ids->items[i]) == NULL)
            belay_list_add(&unknown, ids->items[i]);
    }
    if (unknown.count == 0)
        return true;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&unknown, "', '");
    bool row = false;
    const belay_revision *last = last_known(graph, ids, &row);
    BELAY_AUTO(belay_free)
    char *known = last == NULL ? belay_strdup("none")
                               : belay_format("%s (%s%s%s)", last->id, last->create_date,
                                     last->create_date[0] == '\0' ? "" : ", ", last->message);
    return belay_fail(err, BELAY_E_DATABASE_AHEAD,
        "Can't locate revision identified by '%s': the database is at it, the migration files don't have it; "
        "the last revision that %s is %s",
        names, row ? "both know" : "the files have", known);
}
