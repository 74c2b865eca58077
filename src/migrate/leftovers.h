/* What interrupted CONCURRENTLY statements leave behind. Internal to src/migrate. */
#ifndef BELAY_MIGRATE_LEFTOVERS_H
#define BELAY_MIGRATE_LEFTOVERS_H

#include "migrate/native.h"

/* Before `sql` is sent: drops the invalid index of its name (CREATE INDEX CONCURRENTLY) and, where the
 * statement was `begun` before, the invalid _ccnew and _ccold ones (REINDEX INDEX or TABLE CONCURRENTLY).
 * *ret_built: the index that it would create is there and valid. In a transaction of the file it does
 * nothing. */
bool belay_leftovers_clear(
    belay_native_run *run, const char *sql, bool begun, bool *ret_built, belay_error *err);

#endif
