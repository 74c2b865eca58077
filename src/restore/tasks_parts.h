/* How the tasks of a restore are made; internal to src/restore, see restore/tasks.h. */
#ifndef BELAY_RESTORE_TASKS_PARTS_H
#define BELAY_RESTORE_TASKS_PARTS_H

#include "restore/tasks.h"

enum { BELAY_SMALL_BYTES = 1024 * 1024 }; /* of a table's rows: those below share transactions */

/* A table of the database while its tasks are made. The numbers are of barriers. */
typedef struct belay_tasks_stand {
    size_t loaded, keyed;     /* its rows; its indexes and keys */
    uint64_t bytes;           /* of its rows */
    const belay_table *table; /* of the manifest; NULL: none */
    bool streams;             /* loaded by several */
} belay_tasks_stand;

typedef struct belay_tasks_builder {
    const belay_tasks_from *from;
    const belay_manifest *manifest;
    belay_tasks *ret;
    belay_tasks_stand *stands;             /* one for each relation */
    size_t all_loaded, all_keyed;          /* barriers */
    size_t attached, foreign, rest, views; /* likewise */
} belay_tasks_builder;

/* The node's number. `bytes`: what is larger comes first. */
size_t belay_tasks_add(belay_tasks_builder *b, belay_task task, uint64_t bytes);
size_t belay_tasks_add_barrier(belay_tasks_builder *b);
void belay_tasks_depend(belay_tasks_builder *b, size_t node, size_t on);
/* The task locks the relation, or its whole family; unknown: it has to run alone. */
void belay_tasks_claim(
    const belay_tasks_builder *b, belay_task *task, long relation, bool whole, bool exclusive);
bool belay_tasks_is_done(const belay_tasks_builder *b, const char *key);
bool belay_tasks_entry_is_done(const belay_tasks_builder *b, const belay_toc_entry *entry);
/* The relation that a table of the manifest is loaded into: itself, or its root. */
long belay_tasks_find_loaded(const belay_tasks_builder *b, const belay_table *table);
uint64_t belay_tasks_bytes_of(const belay_tasks_builder *b, long relation);
/* The member that stands for a family waits for all of it; a plain table is its own family. */
size_t belay_tasks_family_of(const belay_tasks_builder *b, long relation);
/* The barrier behind the rows of a relation. A partition may get its rows through its root, which is another
 * member of the family. */
size_t belay_tasks_loaded_of(const belay_tasks_builder *b, long relation);

/* tasks_rows.c: rows, comparison and statistics of one table */
void belay_tasks_add_rows(belay_tasks_builder *b, size_t number);
void belay_tasks_add_extras(belay_tasks_builder *b); /* sequences, large objects */
void belay_tasks_add_statistics(belay_tasks_builder *b, long relation);
void belay_tasks_add_comparisons(belay_tasks_builder *b, size_t number);
/* tasks_keys.c: one entry */
void belay_tasks_add_index(belay_tasks_builder *b, const belay_toc_entry *entry);
/* tasks_foreign.c: all of them */
void belay_tasks_add_foreign_keys(belay_tasks_builder *b);

#endif
