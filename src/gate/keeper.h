/* The keeper: the connection in the maintenance database that holds the run's advisory lock, and does
 * everything that is done from outside of the target: renames, twins, ending sessions.
 *
 * Never in the target itself: a session there blocks renames, and advisory locks do not reach across
 * databases. The key comes from the target database's name, taken by polling pg_try_advisory_lock (a blocking
 * one deadlocks CREATE INDEX CONCURRENTLY). Refuses poolers. idle_session_timeout is off.
 *
 *   open (lock held) --connection lost--> lost --belay_keeper_reopen--> open (lock held again)
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

/* BELAY_E_LOCKED names the holder: pid, application_name with its host, client address, age. The dialer must
 * outlive the keeper; the options are copied. */
bool belay_keeper_open(
    belay_dialer *dialer, const belay_keeper_options *options, belay_keeper **ret, belay_error *err);
void belay_keeper_close(belay_keeper *keeper);
BELAY_DEFINE_AUTO(belay_keeper, belay_keeper_close)
/* BELAY_E_LOCKED names the holder of a database's lock, this process too. Any connection to the maintenance
 * database. */
bool belay_keeper_require_free(belay_pg *pg, const char *dbname, belay_error *err);
/* For queries from outside of the target; the same as long as the keeper lives, also when it was reopened. */
belay_pg *belay_keeper_pg(belay_keeper *keeper);
/* One round trip; BELAY_E_CONNECTION_LOST when the lock's session is gone. */
bool belay_keeper_check(belay_keeper *keeper, belay_error *err);

/* The same for belay_apply.may_commit and belay_stamp.may_commit; the context is the keeper. */
bool belay_keeper_may_commit(void *keeper, belay_error *err);

/* After a loss: connects again, waits until the old backend is gone (it may still be committing), takes the
 * lock again. BELAY_E_LOCKED when another run was faster: this one must then change nothing more. */
bool belay_keeper_reopen(belay_keeper *keeper, belay_error *err);
/* `still_ours` is asked whenever the lock was lost and is taken again: somebody else may have had it
 * meanwhile, and done what this one was about. At its no the lock is given up, and the call that wanted it
 * fails with its error. */
void belay_keeper_on_regained(
    belay_keeper *keeper, bool (*still_ours)(void *context, belay_error *err), void *context);
/* The lock is held still, or again. */
bool belay_keeper_hold(belay_keeper *keeper, belay_error *err);
/* Ends the backend of a connection that was lost, and waits until it is gone: it can work on for seconds.
 * `pg` is the same connection, opened again. */
bool belay_keeper_end_lost(belay_pg *pg, int backend_pid, belay_error *err);
/* A second connection beside the lock's, in the maintenance database too: it ends sessions while the first
 * waits in a rename. Opened at first use, and again after a loss; owned by the keeper. */
bool belay_keeper_second(belay_keeper *keeper, belay_pg **ret, belay_error *err);
/* The backends of both connections as an array literal, "{12,34}"; valid until the next call. */
const char *belay_keeper_pids(belay_keeper *keeper);
belay_dialer *belay_keeper_dialer(const belay_keeper *keeper);
const char *belay_keeper_maintenance_db(const belay_keeper *keeper);

#endif
