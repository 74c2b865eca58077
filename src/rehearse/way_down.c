#include "rehearse/way_down.h"

static void take_over(const belay_plan *plan, size_t count, belay_plan *ret)
{
    ret->arena = belay_arena_new();
    ret->steps = belay_arena_alloc(ret->arena, (count + 1) * sizeof *ret->steps);
    ret->step_count = count;
    ret->from = plan->from;
    ret->from_count = plan->from_count;
    ret->to = plan->to;
    ret->to_count = plan->to_count;
}

void belay_plan_way_down(const belay_plan *plan, belay_plan *ret, const char **ret_irreversible)
{
    size_t count = 0;
    *ret_irreversible = NULL;
    while (count < plan->step_count && *ret_irreversible == NULL) {
        const belay_revision *revision = plan->steps[plan->step_count - 1 - count].revision;
        if (revision->downgrade.present)
            count++;
        else
            *ret_irreversible = revision->id;
    }
    take_over(plan, count, ret);
    for (size_t i = 0; i < count; i++) {
        const belay_step *up = &plan->steps[plan->step_count - 1 - i];
        ret->steps[i] = (belay_step){.revision = up->revision,
            .upgrade = false,
            .remove = up->add,
            .remove_count = up->add_count,
            .add = up->remove,
            .add_count = up->remove_count};
    }
    const char **keep = ret->from;
    ret->from = ret->to;
    ret->to = keep;
    size_t keep_count = ret->from_count;
    ret->from_count = ret->to_count;
    ret->to_count = keep_count;
}

void belay_plan_tail(const belay_plan *plan, size_t count, belay_plan *ret)
{
    take_over(plan, count, ret);
    for (size_t i = 0; i < count; i++)
        ret->steps[i] = plan->steps[plan->step_count - count + i];
}
