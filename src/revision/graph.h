/* Inside of the revision folder: nodes of the graph, sets and lists of them, traversal.
 *
 * A node begins with its public belay_revision, so that lists of revisions serve everywhere and node_of()
 * gets at the rest. Nothing here changes a graph after belay_graph_load, so any thread may read it.
 */
#ifndef BELAY_REVISION_GRAPH_H
#define BELAY_REVISION_GRAPH_H

#include "revision/revision.h"

/* Words of a header line, as written. */
typedef struct graph_words {
    const char **items;
    size_t count;
    long line; /* of the header line; 0 when there is none */
} graph_words;

typedef struct graph_node {
    belay_revision pub; /* first */
    size_t index;       /* in graph->nodes: the order of the file names */
    size_t rank;        /* every revision has a greater rank than those it needs */
    long id_line;
    graph_words revises, depends_on, labels;
    const belay_revision **norm; /* parents, and dependencies that no ancestor has already */
    size_t norm_count;
    size_t norm_depends_count;       /* how many of norm are dependencies */
    const belay_revision **all_next; /* children by Revises and by Depends On */
    size_t all_next_count;
    size_t norm_child_count; /* revisions that have this one in their norm */
} graph_node;

/* A name that identifiers may use: a revision's id or a branch label. */
typedef struct graph_name {
    const char *text;
    const graph_node *node;
} graph_name;

struct belay_graph {
    belay_arena *arena;
    belay_arena *second_arena; /* of a second reader (load.c); NULL before */
    graph_node *nodes;
    size_t count;
    graph_name *names; /* ids in the order of nodes, then labels */
    size_t name_count;
    uint32_t *slots; /* hash table of indexes into names, plus one */
    size_t slot_count;
    const belay_revision **heads, **real_heads, **bases, **history;
    size_t head_count, real_head_count, base_count;
};

static inline const graph_node *node_of(const belay_revision *revision)
{
    return (const graph_node *)(const void *)revision;
}

/* What "base" means where a revision is expected: below every root. */
extern const belay_revision graph_base;

typedef belay_revisions rev_list;
void rev_list_add(rev_list *list, const belay_revision *revision);
bool rev_list_has(const rev_list *list, const belay_revision *revision);
void rev_list_remove(rev_list *list, const rev_list *gone);
void rev_list_ids(const rev_list *list, belay_list *ret);
void rev_list_done(rev_list *list);
static inline void rev_list_done_p(rev_list *list)
{
    rev_list_done(list);
}

/* One byte per revision; zeroed. */
typedef struct rev_set {
    unsigned char *has;
    size_t size;
} rev_set;
rev_set rev_set_new(const belay_graph *graph);
static inline void rev_set_done_p(rev_set *set)
{
    belay_free(set->has);
}
static inline bool rev_set_has(const rev_set *set, const belay_revision *revision)
{
    return set->has[node_of(revision)->index] != 0;
}

typedef enum graph_edge {
    EDGE_DOWN,    /* Revises */
    EDGE_NORM,    /* Revises and normalised Depends On */
    EDGE_NEXT,    /* children by Revises */
    EDGE_ALL_NEXT /* children by Revises and Depends On */
} graph_edge;
typedef struct graph_edges {
    const belay_revision *const *items;
    size_t count;
} graph_edges;
graph_edges graph_edges_of(const belay_revision *revision, graph_edge edge);

/* Adds start and everything reached from it. `last` (may be NULL) gets the node visited last. */
void graph_mark(rev_set *set, const belay_revision *start, graph_edge edge, const belay_revision **last);
/* The same for several starts; an error when one of them is reached from another (Alembic's "overlaps"). */
bool graph_mark_checked(rev_set *set, const rev_list *starts, graph_edge edge, belay_error *err);
/* Members of todo, children before parents, in Alembic's order, beginning with those of heads. */
void graph_sort(const belay_graph *graph, const rev_set *todo, const rev_list *heads, rev_list *ret);

/* Exact id or label. */
const graph_node *graph_lookup(const belay_graph *graph, const char *name);
bool graph_link(belay_graph *graph, belay_error *err);

/* identifier.c: Alembic's get_revisions, get_revision and their helpers. NULL among the results is "base". */
bool graph_get_many(const belay_graph *graph, const char *identifier, rev_list *ret, belay_error *err);
bool graph_get_one(
    const belay_graph *graph, const char *identifier, const belay_revision **ret, belay_error *err);
bool graph_get_rows(const belay_graph *graph, const belay_list *ids, rev_list *ret, belay_error *err);
bool graph_branch(const belay_graph *graph, const char *label, const belay_revision **ret, belay_error *err);
/* Whether a line of descent joins it with one of the others; being one of them counts too. */
bool graph_shares_line(
    const belay_graph *graph, const belay_revision *a, const rev_list *others, bool dependencies);
/* Those of targets that share a line of descent with what `against` names. */
bool graph_filter_lineage(const belay_graph *graph, const rev_list *targets, const char *against,
    bool dependencies, rev_list *ret, belay_error *err);
/* Steps up (positive) or down from start; *ret NULL: the walk left the graph and strict was set. */
bool graph_walk(const belay_graph *graph, const belay_revision *start, long long steps, const char *branch,
    bool strict, const belay_revision **ret, belay_error *err);

/* "label@symbol+2" in its parts; false when it is not of that form. Free label and symbol. */
typedef struct relative {
    char *label;  /* NULL: none */
    char *symbol; /* NULL: none */
    long long steps;
    const char *text; /* "+2" */
} relative;
bool relative_parse(const char *identifier, relative *ret);
void relative_done_p(relative *value);

/* target.c: what an upgrade or downgrade touches. */
typedef struct graph_span {
    rev_set needs;
    rev_list tops;
} graph_span;
void graph_span_done_p(graph_span *span);
bool graph_upgrade_target(const belay_graph *graph, const belay_list *rows, const char *target, bool strict,
    rev_list *ret, belay_error *err);
bool graph_downgrade_target(const belay_graph *graph, const belay_list *rows, const char *target, bool strict,
    char **ret_branch, const belay_revision **ret, belay_error *err);
bool graph_collect_downgrade(
    const belay_graph *graph, const belay_list *rows, const char *target, graph_span *ret, belay_error *err);
bool graph_collect_upgrade(
    const belay_graph *graph, const belay_list *rows, const char *target, graph_span *ret, belay_error *err);

/* file.c: reads one migration file into node; path is absolute and lives in the arena. */
bool graph_read_file(belay_arena *arena, int folder_fd, const char *name, const char *path, graph_node *node,
    belay_error *err);

#endif
