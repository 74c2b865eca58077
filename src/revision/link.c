/* From files to a graph: names, parents, dependencies, heads, cycles, branch labels. */
#include "revision/graph.h"
#include "util/file.h"

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash ^ (hash >> 32);
}

const graph_node *graph_lookup(const belay_graph *graph, const char *name)
{
    if (graph->slot_count == 0)
        return NULL;
    for (size_t at = hash_of(name) & (graph->slot_count - 1); graph->slots[at] != 0;
         at = (at + 1) & (graph->slot_count - 1)) {
        const graph_name *found = &graph->names[graph->slots[at] - 1];
        if (belay_equal(found->text, name))
            return found->node;
    }
    return NULL;
}

static void add_name(belay_graph *graph, const char *text, const graph_node *node)
{
    graph->names[graph->name_count++] = (graph_name){text, node};
    size_t at = hash_of(text) & (graph->slot_count - 1);
    while (graph->slots[at] != 0)
        at = (at + 1) & (graph->slot_count - 1);
    graph->slots[at] = (uint32_t)graph->name_count;
}

static bool name_all(belay_graph *graph, belay_error *err)
{
    size_t wanted = graph->count;
    for (size_t i = 0; i < graph->count; i++)
        wanted += graph->nodes[i].labels.count;
    graph->slot_count = 16;
    while (graph->slot_count < wanted * 2)
        graph->slot_count *= 2;
    graph->slots = belay_arena_alloc(graph->arena, graph->slot_count * sizeof *graph->slots);
    graph->names = belay_arena_alloc(graph->arena, (wanted + 1) * sizeof *graph->names);
    for (size_t i = 0; i < graph->count; i++) {
        graph_node *node = &graph->nodes[i];
        const graph_node *other = graph_lookup(graph, node->pub.id);
        if (other != NULL) {
            belay_fail(err, BELAY_E_MIGRATION_FILE, "Revision %s is present more than once: in %s and in %s",
                node->pub.id, belay_path_base(other->pub.path), belay_path_base(node->pub.path));
            belay_error_hint(err, "give one of the two files another Revision ID (12 hex digits)");
            return belay_error_place(err, node->pub.path, node->id_line);
        }
        add_name(graph, node->pub.id, node);
    }
    for (size_t i = 0; i < graph->count; i++) {
        graph_node *node = &graph->nodes[i];
        for (size_t j = 0; j < node->labels.count; j++) {
            const graph_node *other = graph_lookup(graph, node->labels.items[j]);
            if (other != NULL) {
                belay_fail(err, BELAY_E_MIGRATION_FILE,
                    "Branch name '%s' in revision %s already used by revision %s", node->labels.items[j],
                    node->pub.id, other->pub.id);
                belay_error_hint(err,
                    "a label names one branch and is written in one file: remove it from "
                    "%s or from %s",
                    belay_path_base(node->pub.path), belay_path_base(other->pub.path));
                return belay_error_place(err, node->pub.path, node->labels.line);
            }
            add_name(graph, node->labels.items[j], node);
        }
    }
    return true;
}

/* The only name that begins with `prefix` (four characters or more), else NULL. */
static const graph_node *by_prefix(const belay_graph *graph, const char *prefix)
{
    const graph_node *found = NULL;
    if (strlen(prefix) < 4)
        return NULL;
    for (size_t i = 0; i < graph->name_count; i++) {
        if (!belay_starts_with(graph->names[i].text, prefix))
            continue;
        if (found != NULL)
            return NULL;
        found = graph->names[i].node;
    }
    return found;
}

static bool missing(
    const belay_graph *graph, const graph_node *node, const char *name, bool depends, belay_error *err)
{
    belay_fail(err, BELAY_E_MIGRATION_FILE, "Revision %s referenced from %s (%s) is not present", name,
        node->pub.id, belay_path_base(node->pub.path));
    const graph_node *near = by_prefix(graph, name);
    if (near != NULL)
        belay_error_hint(err, "write the full identifier %s", near->pub.id);
    else if (belay_equal(name, "None"))
        belay_error_hint(err, "leave \"Revises:\" empty for the first revision");
    else
        belay_error_hint(err, "put the missing file back from version control, or correct the \"%s\" line",
            depends ? "Depends On:" : "Revises:");
    return belay_error_place(err, node->pub.path, depends ? node->depends_on.line : node->revises.line);
}

static bool self_loop(const graph_node *node, bool depends, belay_error *err)
{
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s is detected in revisions (%s)",
        depends ? "Dependency self-loop" : "Self-loop", node->pub.id);
    belay_error_hint(
        err, "remove %s from its own \"%s\" line", node->pub.id, depends ? "Depends On:" : "Revises:");
    return belay_error_place(err, node->pub.path, depends ? node->depends_on.line : node->revises.line);
}

static bool among(const belay_revision *const *items, size_t count, const belay_revision *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i] == wanted)
            return true;
    }
    return false;
}

/* Revisions that the words name, each once. */
static bool resolve_words(belay_graph *graph, const graph_node *node, const graph_words *words, bool depends,
    const belay_revision *const **ret, size_t *ret_count, belay_error *err)
{
    const belay_revision **found = belay_arena_alloc(graph->arena, (words->count + 1) * sizeof *found);
    size_t count = 0;
    for (size_t i = 0; i < words->count; i++) {
        const graph_node *target = graph_lookup(graph, words->items[i]);
        if (depends && target == NULL)
            target = by_prefix(graph, words->items[i]);
        bool exact = target != NULL && (depends || belay_equal(target->pub.id, words->items[i]));
        if (!exact)
            return missing(graph, node, words->items[i], depends, err);
        if (target == node)
            return self_loop(node, depends, err);
        if (!among(found, count, &target->pub))
            found[count++] = &target->pub;
    }
    *ret = found;
    *ret_count = count;
    return true;
}

static bool resolve_parents(belay_graph *graph, belay_error *err)
{
    for (size_t i = 0; i < graph->count; i++) {
        graph_node *node = &graph->nodes[i];
        if (!resolve_words(graph, node, &node->revises, false, &node->pub.down, &node->pub.down_count, err) ||
            !resolve_words(
                graph, node, &node->depends_on, true, &node->pub.depends, &node->pub.depends_count, err))
            return false;
        node->pub.is_base = node->pub.down_count == 0;
        node->pub.is_merge = node->pub.down_count > 1;
    }
    return true;
}

static graph_node *mutable_node(belay_graph *graph, const belay_revision *revision)
{
    return &graph->nodes[node_of(revision)->index];
}

/* Children, in the order of the files: counted first, then filled in. */
static void link_children(belay_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        const belay_revision *child = &graph->nodes[i].pub;
        for (size_t j = 0; j < child->down_count; j++)
            mutable_node(graph, child->down[j])->pub.next_count++;
        for (size_t j = 0; j < child->depends_count; j++)
            mutable_node(graph, child->depends[j])->all_next_count++;
    }
    for (size_t i = 0; i < graph->count; i++) {
        graph_node *node = &graph->nodes[i];
        size_t most = node->pub.next_count + node->all_next_count;
        node->pub.next = belay_arena_alloc(graph->arena, (most + 1) * sizeof *node->pub.next);
        node->all_next = belay_arena_alloc(graph->arena, (most + 1) * sizeof *node->all_next);
        node->pub.is_head = node->pub.next_count == 0;
        node->pub.is_branch_point = node->pub.next_count > 1;
        node->pub.next_count = 0;
        node->all_next_count = 0;
    }
    for (size_t i = 0; i < graph->count; i++) {
        const belay_revision *child = &graph->nodes[i].pub;
        for (size_t j = 0; j < child->down_count; j++) {
            graph_node *parent = mutable_node(graph, child->down[j]);
            ((const belay_revision **)(uintptr_t)parent->pub.next)[parent->pub.next_count++] = child;
            parent->all_next[parent->all_next_count++] = child;
        }
        for (size_t j = 0; j < child->depends_count; j++) {
            graph_node *parent = mutable_node(graph, child->depends[j]);
            if (!among(parent->all_next, parent->all_next_count, child))
                parent->all_next[parent->all_next_count++] = child;
        }
    }
}

/* Dependencies that an ancestor (by Revises) has already say nothing new. */
static void drop_known_dependencies(
    belay_graph *graph, const graph_node *node, const belay_revision **depends, size_t *count)
{
    BELAY_AUTO(rev_set_done) rev_set ancestors = rev_set_new(graph);
    graph_mark(&ancestors, &node->pub, EDGE_DOWN, NULL);
    for (size_t i = 0; *count > 0 && i < graph->count; i++) {
        const belay_revision *ancestor = &graph->nodes[i].pub;
        if (!ancestors.has[i] || ancestor == &node->pub || ancestor->depends_count == 0)
            continue;
        size_t kept = 0;
        for (size_t j = 0; j < *count; j++) {
            if (!among(ancestor->depends, ancestor->depends_count, depends[j]))
                depends[kept++] = depends[j];
        }
        *count = kept;
    }
}

static void normalise(belay_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        graph_node *node = &graph->nodes[i];
        const belay_revision *pub = &node->pub;
        if (pub->depends_count == 0) {
            node->norm = (const belay_revision **)(uintptr_t)pub->down;
            node->norm_count = pub->down_count;
        } else {
            size_t size = (pub->down_count + pub->depends_count) * sizeof *node->norm;
            node->norm = belay_arena_alloc(graph->arena, size);
            BELAY_AUTO(belay_free) const belay_revision **depends = belay_alloc(size);
            memcpy(depends, pub->depends, pub->depends_count * sizeof *depends);
            node->norm_depends_count = pub->depends_count;
            drop_known_dependencies(graph, node, depends, &node->norm_depends_count);
            for (size_t j = 0; j < pub->down_count; j++)
                node->norm[node->norm_count++] = pub->down[j];
            for (size_t j = 0; j < node->norm_depends_count; j++) {
                if (!among(node->norm, node->norm_count, depends[j]))
                    node->norm[node->norm_count++] = depends[j];
            }
        }
        for (size_t j = 0; j < node->norm_count; j++)
            mutable_node(graph, node->norm[j])->norm_child_count++;
    }
}

/* Ranks parents (and, when asked, dependencies) before children; false leaves those in cycles with `left`. */
static bool rank_all(belay_graph *graph, bool depends, rev_set *left)
{
    BELAY_AUTO(belay_free) size_t *open = belay_alloc((graph->count + 1) * sizeof *open);
    BELAY_AUTO(rev_list_done) rev_list ready = {0};
    for (size_t i = graph->count; i-- > 0;) {
        const belay_revision *revision = &graph->nodes[i].pub;
        open[i] = revision->down_count;
        for (size_t j = 0; depends && j < revision->depends_count; j++)
            open[i] += !among(revision->down, revision->down_count, revision->depends[j]);
        left->has[i] = 1;
        if (open[i] == 0)
            rev_list_add(&ready, revision);
    }
    size_t rank = 0;
    while (ready.count > 0) {
        const belay_revision *revision = ready.items[--ready.count];
        graph_node *node = mutable_node(graph, revision);
        node->rank = rank++;
        left->has[node->index] = 0;
        graph_edges edges = graph_edges_of(revision, depends ? EDGE_ALL_NEXT : EDGE_NEXT);
        for (size_t i = 0; i < edges.count; i++) {
            if (--open[node_of(edges.items[i])->index] == 0)
                rev_list_add(&ready, edges.items[i]);
        }
    }
    return rank == graph->count;
}

static const belay_revision *next_in(const rev_set *left, const belay_revision *revision, bool depends)
{
    for (size_t i = 0; i < revision->down_count; i++) {
        if (rev_set_has(left, revision->down[i]))
            return revision->down[i];
    }
    for (size_t i = 0; depends && i < revision->depends_count; i++) {
        if (rev_set_has(left, revision->depends[i]))
            return revision->depends[i];
    }
    return revision;
}

/* Every revision that is left has a parent that is left too, so following them ends in a cycle. */
static bool cycle_error(const belay_graph *graph, const rev_set *left, bool depends, belay_error *err)
{
    const belay_revision *at = NULL;
    for (size_t i = 0; i < graph->count && at == NULL; i++) {
        if (left->has[i])
            at = &graph->nodes[i].pub;
    }
    for (size_t i = 0; i < graph->count; i++)
        at = next_in(left, at, depends);
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    BELAY_AUTO(belay_list_done) belay_list files = {0};
    const belay_revision *first = at;
    do {
        belay_list_add(&ids, at->id);
        belay_list_add(&files, belay_path_base(at->path));
        at = next_in(left, at, depends);
    } while (at != first);
    belay_list_sort(&ids);
    BELAY_AUTO(belay_free) char *names = belay_list_join(&ids, ", ");
    BELAY_AUTO(belay_free) char *paths = belay_list_join(&files, ", ");
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s is detected in revisions (%s)",
        depends ? "Dependency cycle" : "Cycle", names);
    belay_error_detail(err, "files: %s", paths);
    belay_error_hint(err, "each of them comes after the others: correct the \"Revises:\"%s line of one",
        depends ? " or \"Depends On:\"" : "");
    const belay_revision *next = next_in(left, first, depends);
    const graph_node *node = node_of(first);
    bool parent = false;
    for (size_t i = 0; i < first->down_count; i++)
        parent = parent || first->down[i] == next;
    return belay_error_place(err, first->path, parent ? node->revises.line : node->depends_on.line);
}

static bool refuse_cycles(belay_graph *graph, belay_error *err)
{
    BELAY_AUTO(rev_set_done) rev_set left = rev_set_new(graph);
    if (!rank_all(graph, false, &left))
        return cycle_error(graph, &left, false, err);
    if (!rank_all(graph, true, &left))
        return cycle_error(graph, &left, true, err);
    return true;
}

static void give_label(belay_graph *graph, const belay_revision *revision, const char *label)
{
    belay_revision *pub = &mutable_node(graph, revision)->pub;
    for (size_t i = 0; i < pub->branch_label_count; i++) {
        if (belay_equal(pub->branch_labels[i], label))
            return;
    }
    const char **all = belay_arena_alloc(graph->arena, (pub->branch_label_count + 1) * sizeof *all);
    for (size_t i = 0; i < pub->branch_label_count; i++)
        all[i] = pub->branch_labels[i];
    all[pub->branch_label_count++] = label;
    pub->branch_labels = all;
}

/* A label holds for all descendants, and below its revision down to (without) the next branch or merge point,
 * provided that the line above it does not part either. */
static void spread_label(belay_graph *graph, const belay_revision *revision, const char *label)
{
    BELAY_AUTO(rev_set_done) rev_set above = rev_set_new(graph);
    const belay_revision *at = revision;
    graph_mark(&above, revision, EDGE_NEXT, &at);
    for (size_t i = 0; i < graph->count; i++) {
        if (above.has[i])
            give_label(graph, &graph->nodes[i].pub, label);
    }
    while (node_of(at)->all_next_count <= 1 && !at->is_merge) {
        give_label(graph, at, label);
        if (at->down_count == 0)
            break;
        at = at->down[0];
    }
}

static void collect_ends(belay_graph *graph)
{
    size_t size = (graph->count + 1) * sizeof *graph->heads;
    graph->heads = belay_arena_alloc(graph->arena, size);
    graph->real_heads = belay_arena_alloc(graph->arena, size);
    graph->bases = belay_arena_alloc(graph->arena, size);
    for (size_t i = 0; i < graph->count; i++) {
        const graph_node *node = &graph->nodes[i];
        if (node->pub.is_head)
            graph->heads[graph->head_count++] = &node->pub;
        graph->nodes[i].pub.is_real_head = node->all_next_count == 0;
        if (node->all_next_count == 0)
            graph->real_heads[graph->real_head_count++] = &node->pub;
        if (node->pub.is_base)
            graph->bases[graph->base_count++] = &node->pub;
    }
}

static void order_history(belay_graph *graph)
{
    BELAY_AUTO(rev_set_done) rev_set all = rev_set_new(graph);
    memset(all.has, 1, graph->count);
    BELAY_AUTO(rev_list_done) rev_list heads = {0};
    for (size_t i = 0; i < graph->real_head_count; i++)
        rev_list_add(&heads, graph->real_heads[i]);
    BELAY_AUTO(rev_list_done) rev_list order = {0};
    graph_sort(graph, &all, &heads, &order);
    graph->history = belay_arena_alloc(graph->arena, (graph->count + 1) * sizeof *graph->history);
    for (size_t i = 0; i < order.count; i++)
        graph->history[i] = order.items[i];
}

bool graph_link(belay_graph *graph, belay_error *err)
{
    if (!name_all(graph, err) || !resolve_parents(graph, err))
        return false;
    link_children(graph);
    if (!refuse_cycles(graph, err))
        return false;
    normalise(graph);
    collect_ends(graph);
    for (size_t i = 0; i < graph->count; i++) {
        for (size_t j = 0; j < graph->nodes[i].labels.count; j++)
            spread_label(graph, &graph->nodes[i].pub, graph->nodes[i].labels.items[j]);
    }
    order_history(graph);
    return true;
}
