/* Which entries of a snapshot make up chosen tables: the tables themselves with all partitions and children
 * below them, their own sequences, defaults, indexes, constraints, statistics objects and comments, and the
 * foreign keys between them. Triggers, policies, rules, rights, owners and what refers to other tables are
 * left out.
 *
 * The statements are pg_dump's, with the schema of what is made replaced, token by token. That is exact where
 * a name can be told to be that of a relation, and pg_dump writes every name with its schema:
 *   - types: a table's name is its rows' type too, and moves with it; an index or a sequence may share its
 *     name with another type, so that such names move only in statements without types
 *;
 *   - functions stand before a parenthesis; collations behind COLLATE; columns behind a relation;
 *   - literals of type regclass are looked into (the nextval of a serial column), others are data.
 * What is taken wrongly all the same (an operator class called as its table is) cannot be found by the
 * server, which ends the transaction. The other way, a schema-only copy in a scratch database whose tables
 * the server itself moves, would be exact by construction; but it needs CREATEDB, every extension and role of
 * the snapshot, and the time for its whole schema, on the day when somebody waits for one table. The test
 * test_restore_tables_kinds.sh compares both.
 *
 * Internal to src/restore; see restore/beside.h. Any thread.
 */
#ifndef BELAY_RESTORE_BESIDE_PLAN_H
#define BELAY_RESTORE_BESIDE_PLAN_H

#include "restore/beside_kind.h"

/* The schema of copies that nobody named: this, and the end of the snapshot's id. */
#define BELAY_BESIDE_SCHEMA "restored_"
enum { BELAY_BESIDE_ID_LENGTH = 6 };

typedef struct belay_beside_plan {
    belay_list tables; /* keys (restore/qualified.h), partitioned ones and their partitions too */
    belay_list keys;   /* of all that is made: tables, sequences, indexes, statistics objects */
    const belay_toc_entry **entries; /* of the TOC, in its order */
    size_t count;
    size_t pre_count;    /* those before the rows */
    belay_list left_out; /* labels of what belongs to the tables and is not made */
} belay_beside_plan;

/* `tables`: names as typed, "orders" or "public.orders"; of several, the one that is no copy of an earlier
 * restore beside; `schemas`: all tables of those. BELAY_E_NOT_FOUND
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
