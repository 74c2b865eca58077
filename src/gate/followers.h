/* What follows a database and not its name: subscriptions in it, logical slots on it, sessions on hot
 * standbys. A swap leaves them with the database that is put aside, so the user says per kind what is to be
 * done; nothing is assumed.
 *
 * "Keep" leaves a kind alone, whatever that leads to. "Act" is, for
 *   subscriptions  disabled before the gate closes and enabled again when it opens; after a swap by a deploy
 *                  moved to the restored database, at the position that they had
 *   slots          dropped after a swap, and only then, with the SQL that makes them again
 *   standbys       the sessions there are ended when the gate has closed, and after a swap
 */
#ifndef BELAY_GATE_FOLLOWERS_H
#define BELAY_GATE_FOLLOWERS_H

#include <jansson.h>

#include "gate/keeper.h"

typedef enum belay_follower_answer {
    BELAY_FOLLOWERS_ASK, /* nothing was said: pre-flight refuses */
    BELAY_FOLLOWERS_KEEP,
    BELAY_FOLLOWERS_ACT
} belay_follower_answer;

typedef struct belay_followers {
    belay_follower_answer subscriptions, slots, standbys;
    belay_list standby_hosts; /* connection strings, to be completed with the target's */
} belay_followers;

void belay_followers_done(belay_followers *followers);
void belay_followers_copy(belay_followers *to, const belay_followers *from);
/* For the journal: recover goes by the answers of the run. A new reference. */
json_t *belay_followers_json(const belay_followers *followers);
/* NULL json: nothing was said. */
void belay_followers_from_json(const json_t *json, belay_followers *ret);

/* A physical standby, as the primary shows it. */
typedef struct belay_standby {
    char *name;    /* application_name, and the address */
    char *address; /* NULL: a unix socket, or hidden from this role */
} belay_standby;
typedef struct belay_standbys {
    belay_standby *items;
    size_t count;
} belay_standbys;
void belay_standbys_done(belay_standbys *standbys);
static inline void belay_standbys_done_p(belay_standbys *standbys)
{
    belay_standbys_done(standbys);
}
bool belay_standbys_find(belay_pg *pg, belay_standbys *ret, belay_error *err);
/* Connects to each standby (those of standby_hosts, else the addresses that the primary shows, with the
 * target's port) and sees that it replays this server. BELAY_E_PREFLIGHT when one cannot be reached, or
 * another server answers, or there are more standbys than were named. */
bool belay_standbys_try(
    belay_keeper *keeper, const belay_target *target, const belay_followers *followers, belay_error *err);
/* Ends the sessions of the database with this OID on each standby, until it has replayed what the primary
 * has written up to now and no session is left. */
bool belay_standbys_end_sessions(belay_keeper *keeper, const belay_target *target,
    const belay_followers *followers, uint32_t oid, int64_t timeout_ms, belay_error *err);

#endif
