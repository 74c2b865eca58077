/* SQL that judges: the `verify` sections of revisions, and the user's verify_sql files.
 *
 * Runs statement by statement, read-only, in what is rolled back afterwards. The answer is no when a
 * statement fails, or the first column of any row is false or NULL. Blocking.
 *
 * Read-only is a savepoint's: a transaction that was begun READ ONLY can be made READ WRITE by its first
 * statement, one below a savepoint cannot. So transaction control and savepoints are refused here.
 */
#ifndef BELAY_MIGRATE_CHECK_SQL_H
#define BELAY_MIGRATE_CHECK_SQL_H

#include "pg/pg.h"
#include "revision/revision.h"

/* In a transaction of its own. `section` NULL: the whole file. `what` names it in errors ("verify of
 * 3f2a9c1b"). BELAY_E_VERIFY when the answer is no, BELAY_E_MIGRATION_FILE for what may not be run; both with
 * file and line. */
bool belay_check_sql(
    belay_pg *pg, const char *path, const belay_section *section, const char *what, belay_error *err);
/* The same below a savepoint of the caller's, who made it read-only and rolls back to it. */
bool belay_check_sql_within(
    belay_pg *pg, const char *path, const belay_section *section, const char *what, belay_error *err);
/* Only reads: BELAY_E_MIGRATION_FILE for what may not be run. */
bool belay_check_sql_read(const char *path, const belay_section *section, const char *what, belay_error *err);
/* Is there anything to run? */
static inline bool belay_has_checks(const belay_section *section)
{
    return section->present && section->length > 0;
}

#endif
