/* What an upgrade or a downgrade to a target touches: Alembic's reading of targets that are relative to the
 * version rows, and the sets of revisions between rows and target. */
#include "revision/graph.h"

void graph_span_done_p(graph_span *span)
{
    rev_set_done_p(&span->needs);
    rev_list_done(&span->tops);
}

static bool fail_steps(const relative *parts, belay_error *err)
{
    belay_fail(err, BELAY_E_REVISION_RANGE, "Relative revision %s didn't produce %lld migrations",
        parts->text, parts->steps < 0 ? -parts->steps : parts->steps);
    return belay_error_hint(
        err, "there are fewer revisions that way; `belay history -i` shows where you are");
}

/* Members of `active` that no other member stands above. */
static void tips_of(const rev_list *active, rev_list *ret)
{
    for (size_t i = 0; i < active->count; i++) {
        bool below = false;
        for (size_t j = 0; j < active->count && !below; j++) {
            const graph_node *node = node_of(active->items[j]);
            rev_list down = {.items = node->norm, .count = node->norm_count};
            below = rev_list_has(&down, active->items[i]);
        }
        if (!below)
            rev_list_add(ret, active->items[i]);
    }
}

static void members(const belay_graph *graph, const rev_set *set, rev_list *ret)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (set->has[i])
            rev_list_add(ret, &graph->nodes[i].pub);
    }
}

/* Where "label@+1" begins: a row on the branch, else the highest applied revision of it, else the base
 * (none). */
static bool starts_on_branch(
    const belay_graph *graph, const rev_list *rows, const char *label, rev_list *ret, belay_error *err)
{
    if (!graph_filter_lineage(graph, rows, label, false, ret, err) || ret->count > 0)
        return ret->count > 0;
    BELAY_AUTO(rev_set_done) rev_set below = rev_set_new(graph);
    for (size_t i = 0; i < rows->count; i++)
        graph_mark(&below, rows->items[i], EDGE_NORM, NULL);
    BELAY_AUTO(rev_list_done) rev_list all = {0};
    BELAY_AUTO(rev_list_done) rev_list active = {0};
    members(graph, &below, &all);
    if (!graph_filter_lineage(graph, &all, label, false, &active, err))
        return false;
    tips_of(&active, ret);
    return true;
}

static bool upgrade_from_rows(const belay_graph *graph, const belay_list *rows, const relative *parts,
    bool strict, rev_list *ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list present = {0};
    BELAY_AUTO(rev_list_done) rev_list starts = {0};
    if (!graph_get_rows(graph, rows, &present, err))
        return false;
    if (parts->label != NULL) {
        if (!starts_on_branch(graph, &present, parts->label, &starts, err))
            return false;
    } else {
        for (size_t i = 0; i < present.count; i++)
            rev_list_add(&starts, present.items[i]);
    }
    if (starts.count > 1) {
        belay_fail(err, BELAY_E_REVISION_AMBIGUOUS, "Ambiguous upgrade from multiple current revisions");
        return belay_error_hint(err, "say which branch: <branchname>@%s", parts->text);
    }
    const belay_revision *found = NULL;
    if (!graph_walk(graph, starts.count == 0 ? NULL : starts.items[0], parts->steps, parts->label, strict,
            &found, err))
        return false;
    if (found == NULL)
        return fail_steps(parts, err);
    rev_list_add(ret, found);
    return true;
}

/* The revision that "label@symbol" names, for walks that start there. */
static bool named_start(
    const belay_graph *graph, const relative *parts, const belay_revision **ret, belay_error *err)
{
    if (parts->label == NULL)
        return graph_get_one(graph, parts->symbol, ret, err);
    BELAY_AUTO(belay_free) char *name = belay_format("%s@%s", parts->label, parts->symbol);
    return graph_get_one(graph, name, ret, err);
}

bool graph_upgrade_target(const belay_graph *graph, const belay_list *rows, const char *target, bool strict,
    rev_list *ret, belay_error *err)
{
    BELAY_AUTO(relative_done) relative parts = {0};
    if (!relative_parse(target, &parts))
        return graph_get_many(graph, target, ret, err);
    if (parts.steps > 0 && parts.symbol == NULL)
        return upgrade_from_rows(graph, rows, &parts, strict, ret, err);
    if (parts.symbol == NULL)
        return fail_steps(&parts, err);
    const belay_revision *start = NULL, *found = NULL;
    bool up = parts.steps > 0;
    if (up ? !graph_get_one(graph, parts.symbol, &start, err) : !named_start(graph, &parts, &start, err))
        return false;
    if (!graph_walk(graph, start, parts.steps, up ? parts.label : NULL, strict, &found, err))
        return false;
    if (found == NULL || found == &graph_base)
        return fail_steps(&parts, err);
    rev_list_add(ret, found);
    return true;
}

static bool fail_walk(const relative *parts, belay_error *err)
{
    if (parts->symbol == NULL)
        return fail_steps(parts, err);
    belay_fail(err, BELAY_E_REVISION_RANGE, "Walked too far");
    return belay_error_hint(err, "there are fewer revisions than %s from %s", parts->text, parts->symbol);
}

/* The tops of what is applied, each row with everything below it: "label@-1" may mean a branch that only
 * stands as a dependency of another. */
static bool applied_on_branch(
    const belay_graph *graph, const rev_list *rows, const char *label, rev_list *ret, belay_error *err)
{
    BELAY_AUTO(rev_set_done) rev_set applied = rev_set_new(graph);
    for (size_t i = 0; i < rows->count; i++)
        graph_mark(&applied, rows->items[i], EDGE_NORM, NULL);
    BELAY_AUTO(rev_list_done) rev_list tops = {0};
    for (size_t i = 0; i < graph->count; i++) {
        const belay_revision *revision = &graph->nodes[i].pub;
        bool top = applied.has[i] != 0;
        for (size_t j = 0; j < revision->next_count && top; j++)
            top = !rev_set_has(&applied, revision->next[j]);
        if (top)
            rev_list_add(&tops, revision);
    }
    return graph_filter_lineage(graph, &tops, label, false, ret, err);
}

/* The row that "-1" or "label@-1" counts from. *branch becomes the line to stay on. */
static bool downgrade_start(const belay_graph *graph, const belay_list *rows, const relative *parts,
    char **branch, const belay_revision **ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list present = {0};
    BELAY_AUTO(rev_list_done) rev_list kept = {0};
    if (!graph_get_rows(graph, rows, &present, err))
        return false;
    if (present.count == 0)
        return fail_steps(parts, err);
    if (parts->label == NULL) {
        *branch = belay_strdup(present.items[0]->id);
        *ret = present.items[0];
        return true;
    }
    *branch = belay_strdup(parts->label);
    if (!graph_filter_lineage(graph, &present, parts->label, false, &kept, err))
        return false;
    if (kept.count == 0 && !applied_on_branch(graph, &present, parts->label, &kept, err))
        return false;
    if (kept.count != 1) {
        belay_fail(err, BELAY_E_REVISION_AMBIGUOUS, "%s of branch '%s'",
            kept.count == 0 ? "The database has no revision" : "The database has several revisions",
            parts->label);
        return belay_error_hint(err, "name the revision to go down to; `belay current` shows the rows");
    }
    BELAY_AUTO(belay_free) char *name = belay_format("%s@%s", parts->label, kept.items[0]->id);
    return graph_get_one(graph, name, ret, err);
}

static bool downgrade_relative(const belay_graph *graph, const belay_list *rows, const relative *parts,
    bool strict, char **ret_branch, const belay_revision **ret, belay_error *err)
{
    bool up = parts->steps >= 0;
    const belay_revision *start = NULL;
    if (parts->symbol == NULL) {
        if (up)
            return fail_steps(parts, err);
        if (!downgrade_start(graph, rows, parts, ret_branch, &start, err))
            return false;
    } else {
        if (parts->label != NULL)
            *ret_branch = belay_strdup(parts->label);
        if (up ? !graph_get_one(graph, parts->symbol, &start, err) : !named_start(graph, parts, &start, err))
            return false;
    }
    if (!graph_walk(graph, start, parts->steps, up ? parts->label : NULL, strict, ret, err))
        return false;
    return *ret != NULL || fail_walk(parts, err);
}

/* *ret is &graph_base or NULL for the base. *ret_branch: free it. */
bool graph_downgrade_target(const belay_graph *graph, const belay_list *rows, const char *target, bool strict,
    char **ret_branch, const belay_revision **ret, belay_error *err)
{
    BELAY_AUTO(relative_done) relative parts = {0};
    if (relative_parse(target, &parts))
        return downgrade_relative(graph, rows, &parts, strict, ret_branch, ret, err);
    const char *at = strrchr(target, '@');
    if (at != NULL && at != target)
        *ret_branch = belay_strndup(target, (size_t)(at - target));
    return graph_get_one(graph, at == NULL ? target : at[1] == '\0' ? target : at + 1, ret, err);
}

/* The first revisions to go: the roots, or the children of the target. */
static void downgrade_roots(const belay_graph *graph, const belay_revision *target, rev_list *ret)
{
    size_t count = target == NULL ? graph->base_count : target->next_count;
    for (size_t i = 0; i < count; i++)
        rev_list_add(ret, target == NULL ? graph->bases[i] : target->next[i]);
}

static bool keep_on_branch(const belay_graph *graph, const char *branch, rev_list *roots, belay_error *err)
{
    const belay_revision *line = NULL;
    if (!graph_branch(graph, branch, &line, err))
        return false;
    BELAY_AUTO(rev_set_done) rev_set ancestors = rev_set_new(graph);
    graph_mark(&ancestors, line, EDGE_DOWN, NULL);
    size_t kept = 0;
    for (size_t i = 0; i < roots->count; i++) {
        if (rev_set_has(&ancestors, roots->items[i]))
            roots->items[kept++] = roots->items[i];
    }
    roots->count = kept;
    return kept > 0 ||
           belay_fail(err, BELAY_E_REVISION_RANGE, "Not a valid downgrade target from current heads");
}

bool graph_collect_downgrade(
    const belay_graph *graph, const belay_list *rows, const char *target, graph_span *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *branch = NULL;
    BELAY_AUTO(rev_list_done) rev_list roots = {0};
    const belay_revision *goal = NULL;
    if (!graph_downgrade_target(graph, rows, target, true, &branch, &goal, err))
        return false;
    if (goal == &graph_base)
        goal = NULL;
    downgrade_roots(graph, goal, &roots);
    if (branch != NULL && roots.count > 1 && !keep_on_branch(graph, branch, &roots, err))
        return false;
    if (!graph_get_rows(graph, rows, &ret->tops, err))
        return false;
    BELAY_AUTO(rev_set_done) rev_set active = rev_set_new(graph);
    ret->needs = rev_set_new(graph);
    for (size_t i = 0; i < ret->tops.count; i++)
        graph_mark(&active, ret->tops.items[i], EDGE_NORM, NULL);
    for (size_t i = 0; i < roots.count; i++)
        graph_mark(&ret->needs, roots.items[i], EDGE_ALL_NEXT, NULL);
    bool any = false;
    for (size_t i = 0; i < graph->count; i++) {
        ret->needs.has[i] = ret->needs.has[i] && active.has[i];
        any = any || ret->needs.has[i];
    }
    if (goal != NULL && !any && !rev_list_has(&ret->tops, goal)) {
        belay_fail(err, BELAY_E_REVISION_RANGE,
            "Destination %s is not a valid downgrade target from current head(s)", target);
        return belay_error_hint(err, "it is not below what the database has; `belay history -i` shows both");
    }
    return true;
}

bool graph_collect_upgrade(
    const belay_graph *graph, const belay_list *rows, const char *target, graph_span *ret, belay_error *err)
{
    if (!graph_upgrade_target(graph, rows, target, true, &ret->tops, err))
        return false;
    for (size_t i = 0; i < ret->tops.count; i++) {
        if (ret->tops.items[i] == NULL || ret->tops.items[i] == &graph_base) {
            belay_fail(
                err, BELAY_E_REVISION_RANGE, "Relative revision %s leads below the first revision", target);
            return belay_error_hint(err, "there are fewer revisions than that");
        }
    }
    ret->needs = rev_set_new(graph);
    BELAY_AUTO(rev_list_done) rev_list present = {0};
    BELAY_AUTO(rev_set_done) rev_set has = rev_set_new(graph);
    if (!graph_mark_checked(&ret->needs, &ret->tops, EDGE_NORM, err) ||
        !graph_get_rows(graph, rows, &present, err))
        return false;
    if (!graph_mark_checked(&has, &present, EDGE_NORM, err))
        return belay_error_hint(err,
            "both are rows of the version table, and the former includes the latter; `belay stamp --purge "
            "REVISION...` records the right ones alone");
    for (size_t i = 0; i < graph->count; i++)
        ret->needs.has[i] = ret->needs.has[i] && !has.has[i];
    return true;
}
