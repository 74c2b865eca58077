/* The order of traversal: a walk down from the heads that leaves a line of descent only where another head
 * still needs the next revision of it. This is the order in which Alembic lists and applies. */
#include "revision/graph.h"

typedef struct sorter {
    unsigned char *todo;   /* by index: still to be given */
    unsigned char *listed; /* by index: among heads */
    uint32_t *open;        /* by index: children that were not given yet */
    uint32_t *visited;     /* by index: number of the search that last came by */
    uint32_t search;
    rev_list heads;
    rev_list stack;
} sorter;

static void sorter_init(sorter *s, const belay_graph *graph, const rev_set *todo)
{
    s->todo = belay_alloc(graph->count + 1);
    s->listed = belay_alloc(graph->count + 1);
    s->open = belay_alloc((graph->count + 1) * sizeof *s->open);
    s->visited = belay_alloc((graph->count + 1) * sizeof *s->visited);
    memcpy(s->todo, todo->has, graph->count);
    for (size_t i = 0; i < graph->count; i++)
        s->open[i] = (uint32_t)graph->nodes[i].norm_child_count;
}

static void sorter_done_p(sorter *s)
{
    belay_free(s->todo);
    belay_free(s->listed);
    belay_free(s->open);
    belay_free(s->visited);
    rev_list_done(&s->heads);
    rev_list_done(&s->stack);
}

/* Whether `to` is `from` or one of its ancestors. Ranks fall along every path, which prunes the search. */
static bool reaches(sorter *s, const belay_revision *from, const belay_revision *to)
{
    size_t floor = node_of(to)->rank;
    s->search++;
    s->stack.count = 0;
    rev_list_add(&s->stack, from);
    while (s->stack.count > 0) {
        const belay_revision *revision = s->stack.items[--s->stack.count];
        if (revision == to)
            return true;
        const graph_node *node = node_of(revision);
        if (node->rank <= floor || s->visited[node->index] == s->search)
            continue;
        s->visited[node->index] = s->search;
        for (size_t i = 0; i < node->norm_count; i++)
            rev_list_add(&s->stack, node->norm[i]);
    }
    return false;
}

/* The first other head that needs the candidate, or SIZE_MAX. When every child was given no head can. */
static size_t blocking_head(sorter *s, size_t at)
{
    const belay_revision *candidate = s->heads.items[at];
    if (s->heads.count == 1 || s->open[node_of(candidate)->index] == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < s->heads.count; i++) {
        if (i != at && reaches(s, s->heads.items[i], candidate))
            return i;
    }
    return SIZE_MAX;
}

static void give(sorter *s, const belay_revision *revision, rev_list *ret)
{
    const graph_node *node = node_of(revision);
    if (!s->todo[node->index])
        return;
    s->todo[node->index] = 0;
    rev_list_add(ret, revision);
    for (size_t i = 0; i < node->norm_count; i++)
        s->open[node_of(node->norm[i])->index]--;
}

/* Puts the parents that are still to come in the place of the head that was given; false: there are none. */
static bool descend(sorter *s, size_t at)
{
    const graph_node *node = node_of(s->heads.items[at]);
    bool replaced = false;
    for (size_t i = 0; i < node->norm_count; i++) {
        size_t index = node_of(node->norm[i])->index;
        if (!s->todo[index] || s->listed[index])
            continue;
        s->listed[index] = 1;
        if (replaced)
            rev_list_add(&s->heads, node->norm[i]);
        else
            s->heads.items[at] = node->norm[i];
        replaced = true;
    }
    s->listed[node->index] = 0;
    return replaced;
}

static int by_index(const void *a, const void *b)
{
    size_t left = node_of(*(const belay_revision *const *)a)->index;
    size_t right = node_of(*(const belay_revision *const *)b)->index;
    return left < right ? -1 : left > right;
}

static int by_rank_down(const void *a, const void *b)
{
    size_t left = node_of(*(const belay_revision *const *)a)->rank;
    size_t right = node_of(*(const belay_revision *const *)b)->rank;
    return left > right ? -1 : left < right;
}

/* What no head leads to through members of the set (ranges along one branch only): children first. */
static void give_rest(sorter *s, const belay_graph *graph, rev_list *ret)
{
    size_t first = ret->count;
    for (size_t i = 0; i < graph->count; i++) {
        if (s->todo[i])
            rev_list_add(ret, &graph->nodes[i].pub);
    }
    if (ret->count > first)
        qsort(ret->items + first, ret->count - first, sizeof *ret->items, by_rank_down);
}

void graph_sort(const belay_graph *graph, const rev_set *todo, const rev_list *heads, rev_list *ret)
{
    BELAY_AUTO(sorter_done) sorter s = {0};
    sorter_init(&s, graph, todo);
    for (size_t i = 0; i < heads->count; i++) {
        size_t index = node_of(heads->items[i])->index;
        if (s.todo[index] && !s.listed[index]) {
            s.listed[index] = 1;
            rev_list_add(&s.heads, heads->items[i]);
        }
    }
    if (s.heads.count > 1)
        qsort(s.heads.items, s.heads.count, sizeof *s.heads.items, by_index);
    size_t at = 0;
    while (s.heads.count > 0) {
        size_t blocking = blocking_head(&s, at);
        if (blocking != SIZE_MAX) {
            at = blocking;
            continue;
        }
        give(&s, s.heads.items[at], ret);
        if (!descend(&s, at)) {
            s.heads.count--;
            memmove(s.heads.items + at, s.heads.items + at + 1, (s.heads.count - at) * sizeof *s.heads.items);
            at = at > 0 ? at - 1 : 0;
        }
    }
    give_rest(&s, graph, ret);
}
