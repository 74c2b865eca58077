/* One worker of a restore: its connection, and what each kind of task does on it.
 *
 * A job is one task, or several small ones of one kind that share a transaction. Everything that a task
 * changes is one transaction with its mark, so that a job whose connection was cut can be looked up. Used by
 * the threads of a team (util/team.h); what is in belay_work is read by all of them and written by the
 * coordinator while nobody works, but for the counts.
 */
#ifndef BELAY_RESTORE_WORK_H
#define BELAY_RESTORE_WORK_H

#include "restore/restore.h"
#include "restore/script.h"
#include "restore/statistics.h"
#include "restore/tasks.h"
#include "util/team.h"

typedef struct belay_work {
    const belay_restore_options *options;
    belay_archive *archive;
    const belay_toc *toc;
    const belay_relations *relations;
    const belay_marks *marks;
    const belay_statistics *statistics; /* that are taken over; NULL: all are made */
    belay_list left_out;                /* dump ids of entries that were not made */
    int64_t maintenance_kib;            /* maintenance_work_mem of each worker */
    belay_load_count count;             /* loaded */
    belay_load_count compared;          /* read back */
} belay_work;

typedef struct belay_job {
    belay_task **tasks;
    size_t count;
    bool
        may_use_all_cores; /* there is nothing else to do: the server may help itself with parallel workers */
} belay_job;

/* For belay_team_new; its context is the belay_work. */
extern const belay_team_task belay_work_team;
/* Most small tasks in a job, as the server's lock table allows. */
size_t belay_work_batch(int64_t lock_slots);
bool belay_work_is_left_out(const belay_work *work, const belay_toc_entry *entry);
/* Event triggers, and what is said of them: made at the very end. */
bool belay_work_is_last(const belay_toc *toc, const belay_toc_entry *entry);
/* The entries that are neither tasks of their own, nor made at the end, nor for somebody else: in order. */
bool belay_work_is_rest(const belay_toc *toc, const belay_toc_entry *entry);

#endif
