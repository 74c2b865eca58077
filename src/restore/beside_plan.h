/* Which entries of a snapshot make up chosen tables: the tables themselves with all partitions below them,
 * their own sequences, defaults, indexes and constraints, and the foreign keys between them. Triggers,
 * policies, rules, rights, owners and what refers to other tables are left out. Internal to src/restore; see
 * restore/beside.h. Any thread.
 */
#ifndef BELAY_RESTORE_BESIDE_PLAN_H
#define BELAY_RESTORE_BESIDE_PLAN_H

#include "restore/toc.h"

typedef struct belay_beside_plan {
    belay_list tables; /* keys (restore/qualified.h), partitioned ones and their partitions too */
    belay_list keys;   /* of all relations that are made: tables, sequences, indexes */
    bool partitioned;
    const belay_toc_entry **entries; /* of the TOC, in its order */
    size_t count;
    size_t pre_count;    /* those before the rows */
    belay_list left_out; /* labels of what belongs to the tables and is not made */
} belay_beside_plan;

/* `tables`: names as typed, "orders" or "public.orders"; `schemas`: all tables of those. BELAY_E_NOT_FOUND
 * for what the snapshot lacks, BELAY_E_USAGE for a name that fits several tables, BELAY_E_UNSUPPORTED for a
 * child table without its parent. */
bool belay_beside_choose(const belay_toc *toc, const belay_list *tables, const belay_list *schemas,
    belay_beside_plan *ret, belay_error *err);
void belay_beside_plan_done(belay_beside_plan *plan);
static inline void belay_beside_plan_done_p(belay_beside_plan *plan)
{
    belay_beside_plan_done(plan);
}

#endif
