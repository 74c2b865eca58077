/* Who stands in the way of a statement: a second session looks while the statement waits for a lock, since
 * afterwards nobody can tell any more.
 *
 * The watcher's thread owns its connection, which is opened only when a statement runs long. Functions are
 * for the coordinator's thread. Internal to src/migrate.
 */
#ifndef BELAY_MIGRATE_BLOCKER_H
#define BELAY_MIGRATE_BLOCKER_H

#include "pg/pg.h"

typedef struct belay_blocker belay_blocker;
belay_blocker *belay_blocker_new(
    belay_dialer *dialer, const char *dbname, const char *run_id, int64_t lock_timeout_ms);
void belay_blocker_free(belay_blocker *blocker); /* waits for the thread */
BELAY_DEFINE_AUTO(belay_blocker, belay_blocker_free)
/* A statement of backend `pid` begins; forgets what was seen before. */
void belay_blocker_begin(belay_blocker *blocker, int pid);
void belay_blocker_end(belay_blocker *blocker);
/* What was seen since begin: "pid 4711 (user ..., ...): SELECT ..."; NULL when nobody was. The caller frees.
 */
char *belay_blocker_describe(belay_blocker *blocker);

#endif
