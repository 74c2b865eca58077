/* How a step changes the version rows, as Alembic's HeadMaintainer does: insert, delete, update, merge,
 * unmerge. */
#include "revision/plan.h"

typedef struct change {
    rev_list remove, add;
} change;

static void change_done_p(change *c)
{
    rev_list_done(&c->remove);
    rev_list_done(&c->add);
}

/* Ancestors (with themselves) of the rows other than `but`. */
static rev_set below_others(const belay_graph *graph, const rev_list *rows, const rev_list *but)
{
    rev_set set = rev_set_new(graph);
    for (size_t i = 0; i < rows->count; i++) {
        if (!rev_list_has(but, rows->items[i]))
            graph_mark(&set, rows->items[i], EDGE_NORM, NULL);
    }
    return set;
}

/* A revision replaces those of its parents that are rows; parents that another row implies were never rows.
 */
static void upgrade_change(const rev_list *rows, const belay_revision *revision, change *c)
{
    const graph_node *node = node_of(revision);
    for (size_t i = 0; i < node->norm_count; i++) {
        if (rev_list_has(rows, node->norm[i]))
            rev_list_add(&c->remove, node->norm[i]);
    }
    rev_list_add(&c->add, revision);
}

/* Parents that come back as rows: those that neither another row nor another parent implies. */
static void downgrade_change(
    const belay_graph *graph, const rev_list *rows, const belay_revision *revision, change *c)
{
    const graph_node *node = node_of(revision);
    rev_list self = {.items = &revision, .count = 1};
    BELAY_AUTO(rev_set_done) rev_set others = below_others(graph, rows, &self);
    for (size_t i = 0; i < node->norm_count; i++) {
        const belay_revision *parent = node->norm[i];
        bool implied = rev_set_has(&others, parent);
        for (size_t j = 0; j < node->norm_count && !implied; j++) {
            if (j == i)
                continue;
            BELAY_AUTO(rev_set_done) rev_set below = rev_set_new(graph);
            graph_mark(&below, node->norm[j], EDGE_NORM, NULL);
            implied = rev_set_has(&below, parent);
        }
        if (!implied)
            rev_list_add(&c->add, parent);
    }
    rev_list_add(&c->remove, revision);
}

static const char *const *ids_of(belay_arena *arena, const rev_list *list, size_t *ret_count)
{
    const char **ids = belay_arena_alloc(arena, (list->count + 1) * sizeof *ids);
    for (size_t i = 0; i < list->count; i++)
        ids[i] = list->items[i]->id;
    *ret_count = list->count;
    return ids;
}

static void apply(rev_list *rows, const change *c)
{
    rev_list_remove(rows, &c->remove);
    for (size_t i = 0; i < c->add.count; i++) {
        if (!rev_list_has(rows, c->add.items[i]))
            rev_list_add(rows, c->add.items[i]);
    }
}

bool rows_take_step(
    const belay_graph *graph, rev_list *rows, belay_step *step, belay_arena *arena, belay_error *err)
{
    BELAY_AUTO(change_done) change c = {0};
    bool present = rev_list_has(rows, step->revision);
    if (present == step->upgrade) {
        belay_fail(err, BELAY_E_REVISION_RANGE, "the version rows do not fit: %s %s one of them",
            step->revision->id, present ? "already is" : "is not");
        return belay_error_hint(err, "`belay current` shows the rows; a row that lies below another one (by "
                                     "Revises or Depends On) is too much: correct it with `belay stamp`");
    }
    if (step->upgrade)
        upgrade_change(rows, step->revision, &c);
    else
        downgrade_change(graph, rows, step->revision, &c);
    apply(rows, &c);
    step->remove = ids_of(arena, &c.remove, &step->remove_count);
    step->add = ids_of(arena, &c.add, &step->add_count);
    return true;
}
