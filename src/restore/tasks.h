/* The work of a restore after the schema section, as one schedule: rows, indexes and keys of a table as soon
 * as its rows are in, foreign keys, the rest of the DDL, materialized views, statistics, comparison.
 *
 *   rows of T -> indexes of T -> keys of T -> (attached) -> foreign keys, NOT VALID -> validated -> the rest
 *   partitions of P: key added NOT VALID -> validated, each -> P's foreign key, which takes them over
 *   rows of T -> T compared     indexes and keys of T -> T vacuumed or analyzed
 *
 * What the marks say is done is left out. `claims` say what a statement locks, so that no two statements that
 * run side by side wait for, let alone deadlock, each other; a comparison only reads single tables and claims
 * nothing. Built by the coordinator; a worker writes only the results of the task that it was given.
 */
#ifndef BELAY_RESTORE_TASKS_H
#define BELAY_RESTORE_TASKS_H

#include <stdatomic.h>

#include "restore/compare.h"
#include "restore/load.h"
#include "restore/marks.h"
#include "restore/readback.h"
#include "restore/relations.h"
#include "restore/schedule.h"
#include "restore/statistics.h"
#include "restore/toc.h"

typedef enum belay_task_kind {
    BELAY_TASK_BARRIER, /* nothing to do: others wait for what it waits for */
    BELAY_TASK_LOAD,
    BELAY_TASK_CHUNK,
    BELAY_TASK_OBJECTS,
    BELAY_TASK_SEQUENCES,
    BELAY_TASK_ENTRY,     /* an entry as it stands */
    BELAY_TASK_KEY_INDEX, /* the index of a key, built beside others of its table */
    BELAY_TASK_KEY,       /* the constraint upon it */
    BELAY_TASK_ATTACH,    /* all INDEX ATTACH */
    BELAY_TASK_LEAF_KEYS, /* the foreign key of a partitioned table, added to its partitions */
    BELAY_TASK_FOREIGN_KEY,
    BELAY_TASK_VALIDATE,
    BELAY_TASK_REST, /* every other entry, in the snapshot's order */
    BELAY_TASK_VIEWS,
    BELAY_TASK_VACUUM,
    BELAY_TASK_ANALYZE,
    BELAY_TASK_COMPARE,
    BELAY_TASK_COMPARE_GENERATED,
    BELAY_TASK_COMPARE_OBJECTS,
    BELAY_TASK_KINDS
} belay_task_kind;

/* A table, or all of a family (member BELAY_NO_RELATION). */
typedef struct belay_claim {
    long family, member;
    bool exclusive;
} belay_claim;

enum { BELAY_CLAIMS = 2 };

/* A partition that gets the foreign key of the table above before it does, and whether it is checked as it is
 * added. */
typedef struct belay_leaf {
    long relation;
    bool checked;
} belay_leaf;

/* Shared by the tasks of one such key. */
typedef struct belay_leaves {
    belay_leaf *items;
    size_t count;
    atomic_bool there;    /* they have it; else the table's own key is added without them */
    atomic_bool violated; /* a row of one violates it */
} belay_leaves;
void belay_leaves_free(belay_leaves *leaves);

typedef struct belay_task {
    belay_task_kind kind;
    const belay_table *table;
    size_t part, parts;          /* chunk, range of pages, share of the large objects */
    belay_readback_pages *pages; /* of a comparison; the first part's, which the others of its table borrow */
    const belay_toc_entry *entry;
    long relation;
    bool small;   /* shares a transaction with others of its kind */
    bool alone;   /* nothing else may run */
    bool imports; /* the snapshot's statistics hold for what was loaded */
    belay_claim claims[BELAY_CLAIMS];
    size_t claim_count;
    belay_load_job load;
    char *key;            /* owned */
    belay_leaves *leaves; /* of a foreign key, whose task owns it; NULL: none */
    /* results */
    belay_readback got;
    char *text;                             /* a difference, or a warning; owned */
    bool left_out;                          /* the entry could not be made */
    belay_compare_differences *differences; /* of large objects; owned */
} belay_task;

typedef struct belay_tasks {
    belay_task *items; /* numbered as the schedule's nodes */
    size_t count, capacity;
    belay_schedule *schedule;
    size_t loading; /* how many are rows, indexes, constraints: what has to be done until "loaded" */
} belay_tasks;

typedef struct belay_tasks_from {
    belay_archive *archive;
    const belay_toc *toc;
    const belay_relations *relations;
    const belay_marks *marks;
    size_t jobs;
    const belay_statistics *statistics; /* that the server takes over; NULL: none */
    bool empty;                         /* the schema alone: no rows, nothing computed from rows */
} belay_tasks_from;

bool belay_tasks_build(const belay_tasks_from *from, belay_tasks *ret, belay_error *err);
void belay_tasks_done(belay_tasks *tasks);
static inline void belay_tasks_done_p(belay_tasks *tasks)
{
    belay_tasks_done(tasks);
}
/* Is it part of what has to be done until the database counts as loaded? */
bool belay_task_is_loading(const belay_task *task);
/* Raw bytes of the rows that are to be loaded. */
uint64_t belay_tasks_rows_bytes(const belay_tasks *tasks);
/* Chunks of rows that are to be loaded. */
size_t belay_tasks_chunks(const belay_tasks *tasks);
bool belay_task_conflicts(const belay_task *a, const belay_task *b);

#endif
