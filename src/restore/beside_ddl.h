/* Makes the objects of chosen tables: runs a plan's entries with their names moved, in the caller's
 * transaction. An entry that the tables can do without, as an index whose function is gone, is given up when
 * the server refuses it, and told as a warning; a foreign key that the rows violate is made NOT VALID.
 * Internal to src/restore; see restore/beside.h.
 */
#ifndef BELAY_RESTORE_BESIDE_DDL_H
#define BELAY_RESTORE_BESIDE_DDL_H

#include "pg/pg.h"
#include "report/reporter.h"
#include "restore/beside_plan.h"

typedef struct belay_beside_ddl {
    belay_pg *pg;
    const belay_beside_plan *plan;
    const char *schema; /* where everything goes */
    const char *path;   /* SQL that sets the source's search_path (restore/search_path.h), tried second */
    belay_reporter *reporter;
    belay_list *warnings; /* added to */
} belay_beside_ddl;

/* Entries [from, to) of the plan under the settings of their section. */
bool belay_beside_make(
    const belay_beside_ddl *ddl, const char *prologue, size_t from, size_t to, belay_error *err);

/* Statistics of all tables; one whose index expressions fail goes without. */
bool belay_beside_analyze(const belay_beside_ddl *ddl, belay_error *err);

#endif
