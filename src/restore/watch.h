/* Whom a restore waits for: sessions of others that hold a lock which one of its workers wants, such as a
 * REINDEX or an ALTER in the half-made database. Named, each once; the restore goes on waiting.
 */
#ifndef BELAY_RESTORE_WATCH_H
#define BELAY_RESTORE_WATCH_H

#include "pg/pg.h"
#include "restore/restore.h"

typedef struct belay_watch {
    int64_t looked_ms;
    belay_list told; /* pids */
} belay_watch;

/* To be called several times per second while workers are at work; asks the server once per second, on a
 * connection to the database that is outside of a transaction. One that is lost asks nothing. Blocks for that
 * query. */
void belay_watch_look(belay_watch *watch, belay_pg *pg, const belay_restore_options *options);
void belay_watch_done(belay_watch *watch);
static inline void belay_watch_done_p(belay_watch *watch)
{
    belay_watch_done(watch);
}

#endif
