/* Ranges of `history`. */
#include "revision/graph.h"

static bool fail_range(const char *lower, const char *upper, belay_error *err)
{
    belay_fail(err, BELAY_E_REVISION_RANGE,
        "Requested range %s:%s does not refer to ancestor/descendant revisions along the same branch", lower,
        upper);
    return belay_error_hint(err, "the first of the two must lie below the second one");
}

/* One end: "current" is the rows, "-3" counts down from the upper end. Results may have NULL or the base. */
static bool end_of(const belay_graph *graph, const char *identifier, const belay_list *rows, bool lower,
    rev_list *ret, belay_error *err)
{
    if (belay_equal(identifier, "current"))
        return graph_get_rows(graph, rows, ret, err);
    BELAY_AUTO(relative_done) relative parts = {0};
    if (!lower || !relative_parse(identifier, &parts) || parts.steps >= 0)
        return graph_upgrade_target(graph, rows, identifier, false, ret, err);
    BELAY_AUTO(belay_free) char *branch = NULL;
    const belay_revision *found = NULL;
    if (!graph_downgrade_target(graph, rows, identifier, false, &branch, &found, err))
        return false;
    rev_list_add(ret, found);
    return true;
}

static void without_base(rev_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] != NULL && list->items[i] != &graph_base)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* "label@base" as the lower end: only heads that carry the label. */
static void keep_labelled(rev_list *tops, const char *lower)
{
    const char *at = strchr(lower, '@');
    if (at == NULL)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < tops->count; i++) {
        bool carries = false;
        for (size_t j = 0; j < tops->items[i]->branch_label_count; j++) {
            const char *label = tops->items[i]->branch_labels[j];
            carries = carries || (strlen(label) == (size_t)(at - lower) &&
                                     strncmp(label, lower, (size_t)(at - lower)) == 0);
        }
        if (carries)
            tops->items[kept++] = tops->items[i];
    }
    tops->count = kept;
}

/* Between the two ends: of what lies below the tops only what is above the bottoms, themselves included. */
static bool between(const belay_graph *graph, const rev_list *bottoms, rev_set *ret, belay_error *err)
{
    BELAY_AUTO(rev_set_done) rev_set below = rev_set_new(graph);
    BELAY_AUTO(rev_set_done) rev_set above = rev_set_new(graph);
    if (!graph_mark_checked(&below, bottoms, EDGE_NORM, err))
        return false;
    for (size_t i = 0; i < bottoms->count; i++) {
        graph_mark(&above, bottoms->items[i], EDGE_NEXT, NULL);
        below.has[node_of(bottoms->items[i])->index] = 0;
    }
    for (size_t i = 0; bottoms->count > 0 && i < graph->count; i++)
        ret->has[i] = ret->has[i] && above.has[i] && !below.has[i];
    return true;
}

static bool all_in(const rev_set *set, const rev_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!rev_set_has(set, list->items[i]))
            return false;
    }
    return true;
}

bool belay_graph_range(const belay_graph *graph, const char *lower, const char *upper,
    const belay_list *heads, belay_revisions *ret, belay_error *err)
{
    lower = lower[0] == '\0' ? "base" : lower;
    upper = upper[0] == '\0' ? "heads" : upper;
    BELAY_AUTO(rev_list_done) rev_list tops = {0};
    BELAY_AUTO(rev_list_done) rev_list bottoms = {0};
    BELAY_AUTO(belay_list_done) belay_list top_ids = {0};
    if (!end_of(graph, upper, heads, false, &tops, err))
        return false;
    without_base(&tops);
    rev_list_ids(&tops, &top_ids);
    if (!end_of(graph, lower, belay_equal(lower, "current") ? heads : &top_ids, true, &bottoms, err))
        return false;
    without_base(&bottoms);
    keep_labelled(&tops, lower);
    BELAY_AUTO(rev_set_done) rev_set needs = rev_set_new(graph);
    if (!graph_mark_checked(&needs, &tops, EDGE_NORM, err))
        return false;
    if (!all_in(&needs, &bottoms))
        return fail_range(lower, upper, err);
    if (!between(graph, &bottoms, &needs, err))
        return false;
    graph_sort(graph, &needs, &tops, ret);
    return true;
}
