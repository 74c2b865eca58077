/* One section of a migration file, statement by statement.
 *
 *     belay_script_check(...)   before anything is sent: the whole section is read once, and what belay
 *                               does not run (transaction control, psql commands) is refused by file and line
 *     belay_script_run(...)     sends it; the first error stops, with file, line and caret
 *
 * Memory is bounded by the longest statement. Internal to src/migrate.
 */
#ifndef BELAY_MIGRATE_SCRIPT_H
#define BELAY_MIGRATE_SCRIPT_H

#include "pg/pg.h"
#include "revision/lexer.h"
#include "revision/revision.h"

typedef struct belay_script {
    const belay_revision *revision;
    const belay_section *section;
    bool own_transactions; /* the file begins and ends its own: `Transaction: no` */
} belay_script;

typedef struct belay_script_hooks {
    /* Before each statement; *ret_skip true: it was done by an earlier run. May be NULL. */
    bool (*before)(void *context, const belay_piece *statement, bool *ret_skip, belay_error *err);
    bool (*after)(void *context, bool ok, belay_error *err); /* behind each that was sent; may be NULL */
    void *context;
} belay_script_hooks;

bool belay_script_check(const belay_script *script, long long *ret_statements, belay_error *err);
bool belay_script_run(
    belay_pg *pg, const belay_script *script, const belay_script_hooks *hooks, belay_error *err);
/* "upgrade section of 3f2a9c1b" */
void belay_script_prefix(const belay_script *script, belay_error *err);

#endif
