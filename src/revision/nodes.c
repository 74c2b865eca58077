/* Sets, lists and traversal of revisions. */
#include "revision/graph.h"

const belay_revision graph_base = {.id = "base", .message = "", .path = "", .create_date = ""};

void rev_list_add(rev_list *list, const belay_revision *revision)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->items = belay_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = revision;
}

bool rev_list_has(const rev_list *list, const belay_revision *revision)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == revision)
            return true;
    }
    return false;
}

void rev_list_remove(rev_list *list, const rev_list *gone)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!rev_list_has(gone, list->items[i]))
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void rev_list_ids(const rev_list *list, belay_list *ret)
{
    for (size_t i = 0; i < list->count; i++)
        belay_list_add(ret, list->items[i]->id);
}

void rev_list_done(rev_list *list)
{
    belay_free(list->items);
    *list = (rev_list){0};
}

rev_set rev_set_new(const belay_graph *graph)
{
    return (rev_set){belay_alloc(graph->count + 1), graph->count};
}

graph_edges graph_edges_of(const belay_revision *revision, graph_edge edge)
{
    const graph_node *node = node_of(revision);
    switch (edge) {
    case EDGE_DOWN:
        return (graph_edges){revision->down, revision->down_count};
    case EDGE_NORM:
        return (graph_edges){node->norm, node->norm_count};
    case EDGE_NEXT:
        return (graph_edges){revision->next, revision->next_count};
    case EDGE_ALL_NEXT:
        break;
    }
    return (graph_edges){node->all_next, node->all_next_count};
}

void graph_mark(rev_set *set, const belay_revision *start, graph_edge edge, const belay_revision **last)
{
    BELAY_AUTO(rev_list_done) rev_list todo = {0};
    rev_list_add(&todo, start);
    while (todo.count > 0) {
        const belay_revision *revision = todo.items[--todo.count];
        unsigned char *has = &set->has[node_of(revision)->index];
        if (*has)
            continue;
        *has = 1;
        if (last != NULL)
            *last = revision;
        graph_edges edges = graph_edges_of(revision, edge);
        for (size_t i = 0; i < edges.count; i++)
            rev_list_add(&todo, edges.items[i]);
    }
}

/* Walks from one start through what earlier starts have not seen; `overlap` gets a start met on the way. */
static const belay_revision *mark_one(
    rev_set *set, const rev_list *starts, const belay_revision *start, graph_edge edge)
{
    const belay_revision *overlap = NULL;
    BELAY_AUTO(rev_list_done) rev_list todo = {0};
    rev_list_add(&todo, start);
    while (todo.count > 0) {
        const belay_revision *revision = todo.items[--todo.count];
        if (revision != start && overlap == NULL && rev_list_has(starts, revision))
            overlap = revision;
        unsigned char *has = &set->has[node_of(revision)->index];
        if (*has)
            continue;
        *has = 1;
        graph_edges edges = graph_edges_of(revision, edge);
        for (size_t i = 0; i < edges.count; i++)
            rev_list_add(&todo, edges.items[i]);
    }
    return overlap;
}

bool graph_mark_checked(rev_set *set, const rev_list *starts, graph_edge edge, belay_error *err)
{
    if (starts->count == 1) {
        graph_mark(set, starts->items[0], edge, NULL);
        return true;
    }
    for (size_t i = 0; i < starts->count; i++) {
        const belay_revision *overlap = mark_one(set, starts, starts->items[i], edge);
        if (overlap != NULL) {
            belay_fail(err, BELAY_E_REVISION_RANGE,
                "Requested revision %s overlaps with other requested revisions %s", starts->items[i]->id,
                overlap->id);
            return belay_error_hint(
                err, "%s already includes %s: name only the former", starts->items[i]->id, overlap->id);
        }
    }
    return true;
}

void belay_revisions_done(belay_revisions *list)
{
    rev_list_done(list);
}
