/* Plans: the steps of an upgrade or downgrade, and what each does to the version rows. */
#include "revision/plan.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **plan_rows(belay_arena *arena, const rev_list *rows, size_t *ret_count)
{
    const char **ids = belay_arena_alloc(arena, (rows->count + 1) * sizeof *ids);
    for (size_t i = 0; i < rows->count; i++)
        ids[i] = rows->items[i]->id;
    if (rows->count > 1)
        qsort(ids, rows->count, sizeof *ids, by_text);
    *ret_count = rows->count;
    return ids;
}

static bool fill(const belay_graph *graph, const belay_list *heads, const rev_list *order, bool upgrade,
    belay_plan *plan, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list rows = {0};
    if (!graph_get_rows(graph, heads, &rows, err))
        return false;
    plan->from = plan_rows(plan->arena, &rows, &plan->from_count);
    plan->steps = belay_arena_alloc(plan->arena, (order->count + 1) * sizeof *plan->steps);
    for (size_t i = 0; i < order->count; i++) {
        belay_step *step = &plan->steps[plan->step_count++];
        step->revision = order->items[upgrade ? order->count - 1 - i : i];
        step->upgrade = upgrade;
        if (!rows_take_step(graph, &rows, step, plan->arena, err))
            return false;
    }
    plan->to = plan_rows(plan->arena, &rows, &plan->to_count);
    return true;
}

static bool plan_move(const belay_graph *graph, const belay_list *heads, const char *target, bool upgrade,
    belay_plan *ret, belay_error *err)
{
    if (!belay_graph_check_known(graph, heads, err))
        return false;
    BELAY_AUTO(graph_span_done) graph_span span = {0};
    if (!(upgrade ? graph_collect_upgrade : graph_collect_downgrade)(graph, heads, target, &span, err))
        return false;
    BELAY_AUTO(rev_list_done) rev_list order = {0};
    graph_sort(graph, &span.needs, &span.tops, &order);
    BELAY_AUTO(belay_plan_done) belay_plan plan = {.arena = belay_arena_new()};
    if (!fill(graph, heads, &order, upgrade, &plan, err))
        return false;
    *ret = plan;
    plan = (belay_plan){0};
    return true;
}

bool belay_graph_plan_upgrade(
    const belay_graph *graph, const belay_list *heads, const char *target, belay_plan *ret, belay_error *err)
{
    return plan_move(graph, heads, target, true, ret, err);
}

bool belay_graph_plan_downgrade(
    const belay_graph *graph, const belay_list *heads, const char *target, belay_plan *ret, belay_error *err)
{
    return plan_move(graph, heads, target, false, ret, err);
}

void belay_plan_done(belay_plan *plan)
{
    belay_arena_free(plan->arena);
    *plan = (belay_plan){0};
}

char *belay_step_text(const belay_step *step)
{
    const belay_revision *revision = step->revision;
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    for (size_t i = 0; i < revision->down_count; i++)
        belay_list_add(&ids, revision->down[i]->id);
    BELAY_AUTO(belay_free) char *down = belay_list_join(&ids, ", ");
    return belay_format("%s %s -> %s, %s", step->upgrade ? "upgrade" : "downgrade",
        step->upgrade ? down : revision->id, step->upgrade ? revision->id : down, revision->message);
}
