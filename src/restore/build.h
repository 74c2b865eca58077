/* Fills a database that has its schema section: one schedule over rows, indexes, keys, statistics and the
 * comparison, shared out to workers with a connection each.
 *
 *   marks read -> tasks -> [workers at work] -> marks dropped, event triggers -> schema, sequences compared
 *
 * The coordinator (the caller's thread) owns schedule, reporter and verdict. When a connection is cut, what
 * runs is waited for and belay_build_fill fails as restore/resume.h tells; called again, it goes on with
 * what the marks do not have, and once they are dropped it compares again. Any other failure cancels what the
 * others do. No thread and no session is left when it returns. Blocks; ends on a stop request.
 */
#ifndef BELAY_RESTORE_BUILD_H
#define BELAY_RESTORE_BUILD_H

#include "restore/restore.h"
#include "restore/resume.h"
#include "restore/toc.h"

typedef struct belay_build {
    const belay_restore_options *options;
    belay_archive *archive;
    const belay_toc *toc;
    int64_t started_ms;    /* of the whole restore */
    belay_resumed resumed; /* from where an attempt before left it: what is there already is told */
    bool *unmarks;         /* set once all is loaded, before the marks are dropped */
} belay_build;

/* `pg`: to the database, of profile DATA; used by the coordinator alone. */
bool belay_build_fill(const belay_build *build, belay_pg *pg, belay_restore_result *ret, belay_error *err);

#endif
