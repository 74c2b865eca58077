#include "restore/choose.h"

void belay_choice_done(belay_choice *choice)
{
    belay_snapshot_info_done(&choice->info);
    belay_plan_done(&choice->plan);
    belay_list_done(&choice->passed_over);
}

static bool is_checked(const belay_snapshot_info *info)
{
    return info->state != NULL &&
           (belay_equal(info->state, "verified") || belay_equal(info->state, "proven"));
}

static bool is_subset(const belay_list *part, const belay_list *whole)
{
    for (size_t i = 0; i < part->count; i++) {
        if (!belay_list_has(whole, part->items[i]))
            return false;
    }
    return true;
}

static bool are_known(const belay_graph *graph, const belay_list *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (belay_graph_find(graph, ids->items[i]) == NULL)
            return false;
    }
    return true;
}

/* How many revisions the snapshot has applied, when all of them are at or below what is wanted. */
static bool count_below(const belay_graph *graph, const belay_snapshot_info *info, const belay_list *below,
    bool *ret_below, size_t *ret_count, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    *ret_below = false;
    if (!is_checked(info) || !are_known(graph, &info->revisions))
        return true;
    if (!belay_graph_applied(graph, &info->revisions, &applied, err))
        return false;
    *ret_below = is_subset(&applied, below);
    *ret_count = applied.count;
    return true;
}

/* Index into `infos` (newest first), SIZE_MAX for none. `wanted`: revision ids. */
static bool choose_nearest(const belay_graph *graph, const belay_snapshot_info *infos, size_t count,
    const belay_list *wanted, size_t *ret_index, bool *ret_exact, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list below = {0};
    if (!belay_graph_applied(graph, wanted, &below, err))
        return false;
    size_t best = 0;
    *ret_index = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        bool fits = false;
        size_t applied = 0;
        if (!count_below(graph, &infos[i], &below, &fits, &applied, err))
            return false;
        if (!fits || (*ret_index != SIZE_MAX && applied <= best))
            continue;
        *ret_index = i;
        best = applied;
    }
    *ret_exact = *ret_index != SIZE_MAX && best == below.count;
    return true;
}

/* Ownership of one element passes to `ret`; the rest is freed with the list. */
static void take_info(belay_snapshot_info *from, belay_snapshot_info *ret)
{
    *ret = *from;
    *from = (belay_snapshot_info){0};
}

static bool has_encrypted(const belay_snapshot_info *infos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (belay_equal(infos[i].state, "encrypted"))
            return true;
    }
    return false;
}

static bool choose(belay_snapshot_info *infos, size_t count, const char *target, const belay_graph *graph,
    const belay_list *wanted, const char *revision, belay_choice *ret, belay_error *err)
{
    size_t index = SIZE_MAX;
    if (!choose_nearest(graph, infos, count, wanted, &index, &ret->exact, err))
        return false;
    if (index == SIZE_MAX && has_encrypted(infos, count)) {
        belay_fail(err, BELAY_E_KEY,
            "target %s has encrypted snapshots, and no identity here tells which of them is at revision %s",
            target, revision);
        return belay_error_hint(err,
            "set `identity` of the target, or the variable BELAY_IDENTITY, to the file of the private key");
    }
    if (index == SIZE_MAX) {
        belay_fail(err, BELAY_E_NOT_FOUND, "target %s has no verified snapshot at or below revision %s",
            target, revision);
        return belay_error_hint(err, "`belay snapshots` lists what there is; `belay verify ID` checks one");
    }
    for (size_t i = 0; i < index; i++) {
        if (!is_checked(&infos[i]))
            belay_list_add(&ret->passed_over, infos[i].id);
    }
    take_info(&infos[index], &ret->info);
    if (wanted->count == 0)
        return true;
    BELAY_AUTO(belay_free) char *goal = belay_strdup(wanted->count == 1 ? wanted->items[0] : revision);
    return belay_graph_plan_upgrade(graph, &ret->info.revisions, goal, &ret->plan, err);
}

bool belay_choose_snapshot(belay_store *store, const char *target, const belay_graph *graph,
    const belay_list *heads, const char *revision, belay_choice *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    belay_snapshot_info *infos = NULL;
    size_t count = 0;
    if (!belay_graph_resolve(graph, revision, heads, &wanted, err) ||
        !belay_snapshot_list(store, target, &infos, &count, err))
        return false;
    belay_choice choice = {0};
    bool ok = choose(infos, count, target, graph, &wanted, revision, &choice, err);
    belay_snapshot_list_free(infos, count);
    if (ok)
        *ret = choice;
    else
        belay_choice_done(&choice);
    return ok;
}
