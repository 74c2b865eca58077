/* The keeper: the connection in the maintenance database that holds the run's advisory lock, and does
 * everything that is done from outside of the target: renames, twins, ending sessions.
 *
 * Never in the target itself: a session there blocks renames, and advisory locks do not reach across
 * databases. The key comes from the target database's name, taken by polling pg_try_advisory_lock (a blocking
 * one deadlocks CREATE INDEX CONCURRENTLY). Refuses poolers.
 */
#ifndef BELAY_GATE_KEEPER_H
#define BELAY_GATE_KEEPER_H

#include "config/target.h"
#include "pg/pg.h"

typedef struct belay_keeper belay_keeper;

typedef struct belay_keeper_options {
    const char *maintenance_db;
    const char *dbname; /* the target's public name: the lock's key */
    const char *run_id; /* application_name: "belay <run_id> <host>" cut to 63 bytes */
    int64_t wait_ms;    /* how long to poll for the lock; 0: one try */
} belay_keeper_options;

/* BELAY_E_LOCKED names the holder: pid, application_name with its host, client address, age. */
bool belay_keeper_open(
    belay_dialer *dialer, const belay_keeper_options *options, belay_keeper **ret, belay_error *err);
void belay_keeper_close(belay_keeper *keeper);
BELAY_DEFINE_AUTO(belay_keeper, belay_keeper_close)
belay_pg *belay_keeper_pg(belay_keeper *keeper); /* for queries from outside of the target */
/* One round trip; BELAY_E_CONNECTION_LOST when the lock's session is gone. */
bool belay_keeper_check(belay_keeper *keeper, belay_error *err);

#endif
