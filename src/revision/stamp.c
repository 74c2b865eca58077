/* The version rows after `stamp`, as Alembic moves them: every target replaces the rows on its own line of
 * descent and leaves other branches alone. */
#include "revision/plan.h"

/* Rows that share a line with any of the targets, dependencies included. */
static bool rows_concerned(const belay_graph *graph, const rev_list *rows, const belay_list *targets,
    rev_list *ret, belay_error *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        BELAY_AUTO(rev_list_done) rev_list found = {0};
        if (!graph_filter_lineage(graph, rows, targets->items[i], true, &found, err))
            return false;
        for (size_t j = 0; j < found.count; j++) {
            if (!rev_list_has(ret, found.items[j]))
                rev_list_add(ret, found.items[j]);
        }
    }
    return true;
}

static void move_rows(
    const belay_graph *graph, const rev_list *concerned, const rev_list *targets, rev_list *rows)
{
    if (targets->count == 0)
        rev_list_remove(rows, concerned); /* to the base */
    for (size_t i = 0; i < targets->count; i++) {
        const belay_revision *target = targets->items[i];
        if (rev_list_has(concerned, target))
            continue;
        if (graph_shares_line(graph, target, concerned, true))
            rev_list_remove(rows, concerned);
        if (!rev_list_has(rows, target))
            rev_list_add(rows, target);
    }
}

static bool resolve_targets(
    const belay_graph *graph, const belay_list *targets, rev_list *ret, belay_error *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        size_t first = ret->count;
        if (!graph_get_many(graph, targets->items[i], ret, err))
            return false;
        for (size_t j = first; j < ret->count; j++) {
            if (ret->items[j] == NULL || ret->items[j] == &graph_base)
                return belay_fail(
                    err, BELAY_E_REVISION_RANGE, "%s leads below the first revision", targets->items[i]);
        }
    }
    return true;
}

bool belay_graph_plan_stamp(const belay_graph *graph, const belay_list *heads, const belay_list *targets,
    bool purge, belay_plan *ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list rows = {0};
    BELAY_AUTO(rev_list_done) rev_list wanted = {0};
    BELAY_AUTO(rev_list_done) rev_list concerned = {0};
    if (!purge && !belay_graph_check_known(graph, heads, err))
        return belay_error_hint(err,
            "update the checkout first; or, when the database really is at another "
            "revision, `belay stamp --purge <revision>` forgets the present rows. Do "
            "not `stamp head` blindly: that would record revisions that never ran");
    if ((!purge && !graph_get_rows(graph, heads, &rows, err)) ||
        !rows_concerned(graph, &rows, targets, &concerned, err) ||
        !resolve_targets(graph, targets, &wanted, err))
        return false;
    belay_plan plan = {.arena = belay_arena_new()};
    plan.from_count = heads == NULL ? 0 : heads->count;
    plan.from = belay_arena_alloc(plan.arena, (plan.from_count + 1) * sizeof *plan.from);
    for (size_t i = 0; i < plan.from_count; i++)
        plan.from[i] = belay_arena_strdup(plan.arena, heads->items[i]);
    move_rows(graph, &concerned, &wanted, &rows);
    plan.to = plan_rows(plan.arena, &rows, &plan.to_count);
    *ret = plan;
    return true;
}
