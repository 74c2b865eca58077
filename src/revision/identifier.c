/* Identifiers, as Alembic reads them: symbols, labels, unique prefixes, walks up and down. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>

#include "revision/graph.h"

static bool fail_unknown(const char *name, belay_error *err)
{
    belay_fail(err, BELAY_E_REVISION_UNKNOWN, "Can't locate revision identified by '%s'", name);
    if (strlen(name) < 4)
        belay_error_detail(err, "please ensure at least four characters are present for partial revision "
                                "identifier matches");
    return false;
}

static bool fail_heads(const char *argument, const rev_list *heads, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    rev_list_ids(heads, &ids);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&ids, ", ");
    const char *at = strchr(argument, '@');
    belay_fail(err, BELAY_E_MULTIPLE_HEADS,
        "Multiple head revisions are present for given argument '%s'; please specify a specific target "
        "revision, '<branchname>@%s' to narrow to a specific head, or 'heads' for all heads",
        argument, at == NULL ? argument : at + 1);
    return belay_error_detail(err, "heads: %s", joined);
}

static void add_names_with(const belay_graph *graph, const char *prefix, rev_list *ret)
{
    for (size_t i = 0; i < graph->name_count; i++) {
        if (strlen(graph->names[i].text) > 3 && belay_starts_with(graph->names[i].text, prefix))
            rev_list_add(ret, &graph->names[i].node->pub);
    }
}

static bool fail_ambiguous(const belay_graph *graph, const char *prefix, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str names = BELAY_STR_INIT;
    size_t shown = 0;
    for (size_t i = 0; i < graph->name_count && shown < 3; i++) {
        if (!belay_starts_with(graph->names[i].text, prefix))
            continue;
        belay_str_appendf(&names, "%s'%s'", shown++ == 0 ? "" : ", ", graph->names[i].text);
    }
    return belay_fail(err, BELAY_E_REVISION_AMBIGUOUS, "Multiple revisions start with '%s': %s...", prefix,
        belay_str_text(&names));
}

bool graph_shares_line(
    const belay_graph *graph, const belay_revision *a, const rev_list *others, bool dependencies)
{
    BELAY_AUTO(rev_set_done) rev_set up = rev_set_new(graph);
    BELAY_AUTO(rev_set_done) rev_set down = rev_set_new(graph);
    graph_mark(&up, a, dependencies ? EDGE_ALL_NEXT : EDGE_NEXT, NULL);
    graph_mark(&down, a, dependencies ? EDGE_NORM : EDGE_DOWN, NULL);
    for (size_t i = 0; i < others->count; i++) {
        if (rev_set_has(&up, others->items[i]) || rev_set_has(&down, others->items[i]))
            return true;
    }
    return false;
}

static bool for_ident(const belay_graph *graph, const char *name, const char *branch,
    const belay_revision **ret, belay_error *err);

bool graph_branch(const belay_graph *graph, const char *label, const belay_revision **ret, belay_error *err)
{
    const graph_node *node = graph_lookup(graph, label);
    if (node != NULL) {
        *ret = &node->pub;
        return true;
    }
    if (for_ident(graph, label, NULL, ret, err))
        return true;
    if (err != NULL && err->code == BELAY_E_REVISION_UNKNOWN)
        belay_error_detail(err, "No such branch: '%s'", label);
    return false;
}

/* The names that `check` stands for: its label, and what it resolves to. */
static bool lineage_of(
    const belay_graph *graph, const char *against, rev_list *ret, bool *ret_all, belay_error *err)
{
    const char *at = strchr(against, '@');
    BELAY_AUTO(belay_free) char *label = at == NULL ? NULL : belay_strndup(against, (size_t)(at - against));
    const char *symbol = at == NULL ? against : at + 1;
    const belay_revision *revision = NULL;
    if (label != NULL) {
        if (!for_ident(graph, label, NULL, &revision, err))
            return false;
        rev_list_add(ret, revision);
    }
    if (belay_equal(symbol, "head") || belay_equal(symbol, "heads")) {
        if (!graph_get_many(graph, against, ret, err))
            return false;
    } else if (!belay_equal(symbol, "base")) {
        if (!for_ident(graph, symbol, NULL, &revision, err))
            return false;
        rev_list_add(ret, revision);
    }
    *ret_all = ret->count == 0;
    return true;
}

bool graph_filter_lineage(const belay_graph *graph, const rev_list *targets, const char *against,
    bool dependencies, rev_list *ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list lines = {0};
    bool all = false;
    if (!lineage_of(graph, against, &lines, &all, err))
        return false;
    for (size_t i = 0; i < targets->count; i++) {
        if (all || graph_shares_line(graph, targets->items[i], &lines, dependencies))
            rev_list_add(ret, targets->items[i]);
    }
    return true;
}

static bool by_prefix(const belay_graph *graph, const char *name, const char *branch,
    const belay_revision **ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list found = {0};
    add_names_with(graph, name, &found);
    if (branch != NULL && found.count > 0) {
        BELAY_AUTO(rev_list_done) rev_list kept = {0};
        if (!graph_filter_lineage(graph, &found, branch, false, &kept, err))
            return false;
        rev_list swap = found;
        found = kept;
        kept = swap;
    }
    if (found.count == 0)
        return fail_unknown(name, err);
    if (found.count > 1)
        return fail_ambiguous(graph, name, err);
    *ret = found.items[0];
    return true;
}

/* One id, label or unique prefix, which must belong to the branch when one is given. */
static bool for_ident(const belay_graph *graph, const char *name, const char *branch,
    const belay_revision **ret, belay_error *err)
{
    const belay_revision *line = NULL;
    if (branch != NULL && !graph_branch(graph, branch, &line, err))
        return false;
    const graph_node *node = graph_lookup(graph, name);
    const belay_revision *found = node == NULL ? NULL : &node->pub;
    if (name[0] == '\0')
        return fail_unknown(name, err);
    if (found == NULL && !by_prefix(graph, name, branch, &found, err))
        return false;
    if (line != NULL) {
        rev_list lines = {.items = &line, .count = 1};
        if (!graph_shares_line(graph, found, &lines, false)) {
            fail_unknown(name, err);
            return belay_error_detail(err, "Revision %s is not a member of branch '%s'", found->id, branch);
        }
    }
    *ret = found;
    return true;
}

static rev_list borrow(const belay_revision **items, size_t count)
{
    return (rev_list){.items = items, .count = count};
}

static bool get_heads(const belay_graph *graph, const char *label, rev_list *ret, belay_error *err)
{
    rev_list heads = borrow(graph->heads, graph->head_count);
    if (label != NULL)
        return graph_filter_lineage(graph, &heads, label, false, ret, err);
    for (size_t i = 0; i < graph->real_head_count; i++)
        rev_list_add(ret, graph->real_heads[i]);
    return true;
}

static bool get_head(
    const belay_graph *graph, const char *argument, const char *label, rev_list *ret, belay_error *err)
{
    rev_list heads = borrow(graph->heads, graph->head_count);
    BELAY_AUTO(rev_list_done) rev_list kept = {0};
    if (label != NULL && !graph_filter_lineage(graph, &heads, label, false, &kept, err))
        return false;
    const rev_list *found = label == NULL ? &heads : &kept;
    if (found->count > 1)
        return fail_heads(argument, found, err);
    if (found->count == 1)
        rev_list_add(ret, found->items[0]);
    return true;
}

/* "-2": from every head, or those that carry the label. */
static bool get_below_heads(
    const belay_graph *graph, const char *label, long long steps, rev_list *ret, belay_error *err)
{
    for (size_t i = 0; i < graph->real_head_count; i++) {
        const belay_revision *head = graph->real_heads[i];
        bool carries = label == NULL;
        for (size_t j = 0; j < head->branch_label_count; j++)
            carries = carries || belay_equal(head->branch_labels[j], label);
        const belay_revision *found = NULL;
        if (!carries)
            continue;
        if (!graph_walk(graph, head, steps, NULL, true, &found, err))
            return false;
        rev_list_add(ret, found);
    }
    return true;
}

/* Checks that the branch of "label@head" exists and that what was found lies on it. */
static bool on_branch(
    const belay_graph *graph, const rev_list *found, size_t first, const char *label, belay_error *err)
{
    const belay_revision *checked;
    for (size_t i = first; label != NULL && i < found->count; i++) {
        if (!for_ident(graph, found->items[i]->id, label, &checked, err))
            return false;
    }
    return true;
}

static bool get_symbol(const belay_graph *graph, const char *identifier, const char *label,
    const char *symbol, rev_list *ret, belay_error *err)
{
    size_t first = ret->count;
    if (belay_equal(symbol, "heads"))
        return get_heads(graph, label, ret, err) && on_branch(graph, ret, first, label, err);
    if (belay_equal(symbol, "head"))
        return get_head(graph, identifier, label, ret, err) && on_branch(graph, ret, first, label, err);
    if (belay_equal(symbol, "base"))
        return true;
    long long steps = 0;
    if (symbol[0] == '-' && belay_parse_int64(symbol, &steps) && steps < 0)
        return get_below_heads(graph, label, steps, ret, err);
    const belay_revision *found = NULL;
    if (!for_ident(graph, symbol, label, &found, err))
        return false;
    rev_list_add(ret, found);
    return true;
}

bool graph_get_many(const belay_graph *graph, const char *identifier, rev_list *ret, belay_error *err)
{
    const char *at = strchr(identifier, '@');
    if (at == NULL)
        return get_symbol(graph, identifier, NULL, identifier, ret, err);
    BELAY_AUTO(belay_free) char *label = belay_strndup(identifier, (size_t)(at - identifier));
    const char *symbol = at[1] == '\0' ? "head" : at + 1; /* "label@" is short for label@head */
    return get_symbol(graph, identifier, label, symbol, ret, err);
}

bool graph_get_one(
    const belay_graph *graph, const char *identifier, const belay_revision **ret, belay_error *err)
{
    const char *at = strchr(identifier, '@');
    if (belay_equal(at == NULL ? identifier : at + 1, "base")) {
        *ret = NULL;
        BELAY_AUTO(belay_free)
        char *label = at == NULL ? NULL : belay_strndup(identifier, (size_t)(at - identifier));
        const belay_revision *branch = NULL;
        return label == NULL || graph_branch(graph, label, &branch, err);
    }
    BELAY_AUTO(rev_list_done) rev_list found = {0};
    if (!graph_get_many(graph, identifier, &found, err))
        return false;
    if (found.count > 1)
        return fail_heads(identifier, &found, err);
    *ret = found.count == 0 ? NULL : found.items[0];
    return true;
}

bool graph_get_rows(const belay_graph *graph, const belay_list *ids, rev_list *ret, belay_error *err)
{
    for (size_t i = 0; ids != NULL && i < ids->count; i++) {
        if (!graph_get_many(graph, ids->items[i], ret, err))
            return false;
    }
    return true;
}

static bool step_up(
    const belay_graph *graph, const belay_revision *at, const char *branch, rev_list *ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list children = {0};
    size_t count = at == NULL ? graph->base_count : at->next_count;
    for (size_t i = 0; i < count; i++)
        rev_list_add(&children, at == NULL ? graph->bases[i] : at->next[i]);
    if (branch != NULL)
        return graph_filter_lineage(graph, &children, branch, false, ret, err);
    rev_list swap = *ret;
    *ret = children;
    children = swap;
    return true;
}

static void step_down(const belay_graph *graph, const belay_revision *at, rev_list *ret)
{
    if (at == &graph_base)
        return;
    size_t count = at == NULL ? graph->head_count : at->down_count;
    for (size_t i = 0; i < count; i++)
        rev_list_add(ret, at == NULL ? graph->heads[i] : at->down[i]);
    if (count == 0)
        rev_list_add(ret, &graph_base);
}

bool graph_walk(const belay_graph *graph, const belay_revision *start, long long steps, const char *branch,
    bool strict, const belay_revision **ret, belay_error *err)
{
    const belay_revision *at = start;
    bool up = steps > 0;
    for (long long left = up ? steps : -steps; left > 0; left--) {
        BELAY_AUTO(rev_list_done) rev_list next = {0};
        if (up && !step_up(graph, at, branch, &next, err))
            return false;
        if (!up)
            step_down(graph, at, &next);
        if (next.count == 0) {
            *ret = strict ? NULL : at;
            return true;
        }
        if (next.count > 1) {
            belay_fail(err, BELAY_E_REVISION_RANGE, "Ambiguous walk");
            return belay_error_hint(err, "%s %s lies more than one revision: name the one you mean",
                up ? "above" : "below", at == NULL ? "the base" : at->id);
        }
        at = next.items[0];
    }
    *ret = at;
    return true;
}

static bool is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && c != '_' && c < 0x80)
            return false;
    }
    return true;
}

bool relative_parse(const char *identifier, relative *ret)
{
    *ret = (relative){0};
    const char *at = strchr(identifier, '@');
    const char *symbol = at == NULL || at == identifier ? identifier : at + 1;
    size_t length = strcspn(symbol, "+-");
    const char *steps = symbol + length;
    if (steps[0] == '\0' || steps[1] == '\0' || strspn(steps + 1, "0123456789") != strlen(steps + 1) ||
        !is_word(symbol, length))
        return false;
    errno = 0;
    ret->steps = strtoll(steps, NULL, 10);
    if (errno != 0 || ret->steps > INT_MAX || ret->steps < -INT_MAX)
        ret->steps = steps[0] == '-' ? -INT_MAX : INT_MAX;
    ret->text = steps;
    if (symbol != identifier)
        ret->label = belay_strndup(identifier, (size_t)(at - identifier));
    if (length > 0)
        ret->symbol = belay_strndup(symbol, length);
    return true;
}

void relative_done_p(relative *value)
{
    belay_free(value->label);
    belay_free(value->symbol);
}

static bool add_ids(const rev_list *found, belay_list *ret)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->items[i] != NULL && found->items[i] != &graph_base &&
            !belay_list_has(ret, found->items[i]->id))
            belay_list_add(ret, found->items[i]->id);
    }
    return true;
}

/* Where "-1" leads: below the version rows when there are any, else below the heads of the files. */
static bool resolve_down(const belay_graph *graph, const char *identifier, const relative *parts,
    const belay_list *rows, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list found = {0};
    if (parts->symbol == NULL && (rows == NULL || rows->count == 0))
        return graph_get_many(graph, identifier, &found, err) && add_ids(&found, ret);
    BELAY_AUTO(belay_free) char *branch = NULL;
    const belay_revision *revision = NULL;
    if (!graph_downgrade_target(graph, rows, identifier, true, &branch, &revision, err))
        return false;
    rev_list_add(&found, revision);
    return add_ids(&found, ret);
}

bool belay_graph_resolve(const belay_graph *graph, const char *identifier, const belay_list *heads,
    belay_list *ret, belay_error *err)
{
    if (belay_equal(identifier, "current")) {
        for (size_t i = 0; heads != NULL && i < heads->count; i++)
            belay_list_add(ret, heads->items[i]);
        return true;
    }
    BELAY_AUTO(relative_done) relative parts = {0};
    if (relative_parse(identifier, &parts) && parts.steps < 0)
        return resolve_down(graph, identifier, &parts, heads, ret, err);
    BELAY_AUTO(rev_list_done) rev_list found = {0};
    return graph_upgrade_target(graph, heads, identifier, true, &found, err) && add_ids(&found, ret);
}
