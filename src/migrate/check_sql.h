/* SQL that judges: the `verify` sections of revisions, and the user's verify_sql files.
 *
 * Runs statement by statement in one read-only transaction that is rolled back. The answer is no when a
 * statement fails, or the first column of any row is false or NULL. Blocking.
 */
#ifndef BELAY_MIGRATE_CHECK_SQL_H
#define BELAY_MIGRATE_CHECK_SQL_H

#include "pg/pg.h"
#include "revision/revision.h"

/* `section` NULL: the whole file. `what` names it in errors ("verify of 3f2a9c1b"). BELAY_E_VERIFY when the
 * answer is no, BELAY_E_MIGRATION_FILE for what may not be run; both with file and line. */
bool belay_check_sql(
    belay_pg *pg, const char *path, const belay_section *section, const char *what, belay_error *err);

#endif
