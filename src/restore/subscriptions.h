/* The subscriptions of a snapshot, made in a restored database that has its name already.
 *
 * They are no part of a restore (restore/restore.h): a database with a subscription cannot be dropped, and a
 * copy must not receive what the original does. Whoever puts a restored database in its place makes them
 * afterwards, as pg_dump wrote them: not connected, disabled, with their slot's name, owner and comment.
 * Connection strings may hold passwords, and are in nothing that is returned here. One thread; blocking.
 */
#ifndef BELAY_RESTORE_SUBSCRIPTIONS_H
#define BELAY_RESTORE_SUBSCRIPTIONS_H

#include "archive/archive.h"
#include "pg/pg.h"
#include "restore/toc.h"

typedef struct belay_subscription {
    char *name;
    char *slot;      /* its name at the publisher; NULL: it has none */
    char *statement; /* as it would be typed, with '...' for the connection string */
    bool there;      /* the database has one of that name already, which is left alone */
    bool same_slot;  /* and that one's slot is this */
    belay_error why; /* it could not be made; code NONE: it was, or is there */
} belay_subscription;

typedef struct belay_subscriptions {
    belay_subscription *items;
    size_t count;
} belay_subscriptions;
void belay_subscriptions_done(belay_subscriptions *subscriptions);
static inline void belay_subscriptions_done_p(belay_subscriptions *subscriptions)
{
    belay_subscriptions_done(subscriptions);
}

/* Is the entry a subscription, or what is said of one? */
bool belay_subscriptions_own(const belay_toc_entry *entry);
/* What the snapshot has of them; nothing is made. False when the archive cannot be read. */
bool belay_subscriptions_read(belay_archive *archive, belay_subscriptions *ret, belay_error *err);
/* Makes those that the database of `pg` (profile DATA) lacks, each in a transaction of its own; one that
 * cannot be made says why in its item. False when the archive or the server cannot be read. */
bool belay_subscriptions_make(belay_archive *archive, belay_pg *pg, const belay_list *role_map,
    belay_subscriptions *ret, belay_error *err);

#endif
