/* The gate: what keeps everyone but the run out of the database, and the swap that puts another one in its
 * place.
 *
 * The gate is the name. Closing renames `bank` to `bank__belay_<run>` (cut to 63 bytes with a hash), after
 * ending the sessions that are left; opening is the rename back. Databases are identified by OID. Every act
 * is recorded as an intent first.
 *
 *   open --belay_gate_close--> closed (private name) --belay_gate_open--> open
 *                                \--belay_gate_swap: another gets the public name, the old one is kept-->
 * open
 *
 * A rename holds the database's lock while it waits for sessions to leave, so nobody new gets in; a second
 * connection ends the sessions meanwhile. That is why an application that reconnects in a loop cannot win.
 * When the answer to a rename is lost with the connection, the keeper is opened again and the OID tells which
 * name it has.
 *
 * All functions work on the keeper's connections, from the maintenance database, and block.
 */
#ifndef BELAY_GATE_GATE_H
#define BELAY_GATE_GATE_H

#include "gate/keeper.h"
#include "report/recorder.h"
#include "report/reporter.h"

enum { BELAY_DBNAME_SIZE = 64 };

/* "<dbname>__belay_<kind>_<random part of the run id>", cut to 63 bytes with a hash where too long, never
 * inside of a UTF-8 character. Kinds: NULL or "" (the gate), "twin", "new", "failed", "scratch". */
void belay_gate_name(
    const char *dbname, const char *kind, const char *run_id, char ret[static BELAY_DBNAME_SIZE]);

bool belay_gate_is_own_name(const char *name); /* does it hold "__belay_"? */

typedef struct belay_gate {
    belay_keeper *keeper;
    belay_recorder *recorder; /* may be NULL */
    belay_reporter *reporter; /* may be NULL */
    const char *run_id;
    const char *public_name;
    char private_name[BELAY_DBNAME_SIZE]; /* planned, or as it is called while closed */
    uint32_t oid;                         /* of the database behind the gate */
    bool closed;
} belay_gate;

/* Reads the database's OID, plans the private name. BELAY_E_NO_DATABASE when it does not exist;
 * BELAY_E_UNFINISHED_RUN when a database behind the gate of another run is the one that is meant. */
bool belay_gate_init(belay_gate *gate, belay_keeper *keeper, const char *public_name, const char *run_id,
    belay_recorder *recorder, belay_reporter *reporter, belay_error *err);
/* Why there is no database of that name, always false: BELAY_E_UNFINISHED_RUN names the run behind whose gate
 * it is, else BELAY_E_NO_DATABASE. */
bool belay_gate_fail_missing(belay_pg *pg, const char *public_name, belay_error *err);
/* For recover: the gate of a database known by OID, whatever it is called now; `closed` is read from its
 * name. BELAY_E_NO_DATABASE when the OID does not exist. */
bool belay_gate_attach(belay_gate *gate, belay_keeper *keeper, uint32_t oid, const char *public_name,
    const char *run_id, belay_recorder *recorder, belay_reporter *reporter, belay_error *err);
/* Whether the database (by its OID) is still there: someone may drop it while it is behind the gate. */
bool belay_gate_exists(belay_gate *gate, bool *ret, belay_error *err);
/* Ends sessions until the deadline, writes the run id into the database's comment and renames, in one
 * transaction. BELAY_E_PREFLIGHT when prepared transactions, or sessions that this role may not end, are in
 * the way: they are named. Records "gate.close" {database, private, oid, comment}. */
bool belay_gate_close(belay_gate *gate, int64_t timeout_ms, belay_error *err);
/* The rename back, comment restored. Idempotent. Records "gate.open". */
bool belay_gate_open(belay_gate *gate, belay_error *err);
/* In one transaction: the database behind the gate becomes `kept_name`, with connections disallowed;
 * `replacement` becomes the public name, with connections allowed and belay's mark off its comment. Sessions
 * of both are ended. Requires the gate to be closed; afterwards gate->oid is the replacement's. Records
 * "gate.swap" {database, private, oid, replacement, replacement_oid, kept}. */
bool belay_gate_swap(belay_gate *gate, const char *replacement, const char *kept_name, belay_error *err);
/* The same whether the gate is closed or open, for a database whose content is to be lost. */
bool belay_gate_replace(belay_gate *gate, const char *replacement, const char *kept_name, belay_error *err);

/* Ends all sessions of a database, waits until they are gone. Missing database: fine. */
bool belay_gate_end_sessions(belay_keeper *keeper, const char *dbname, int64_t timeout_ms, belay_error *err);
/* Ends every backend of a run (application_name) on the server but the keeper's own, and waits until it is
 * gone: a killed client's backend can commit seconds later. */
bool belay_gate_end_run(belay_keeper *keeper, const char *run_id, int64_t timeout_ms, belay_error *err);
/* Ends the run's own backends in one of its databases, and waits until they are gone: those of connections
 * that were cut may hold locks there for as long as the server waits for their client, or commit late. `pg`
 * is any connection of the run; nobody else of the run may be at work in that database. */
bool belay_gate_end_orphans(
    belay_pg *pg, const char *dbname, const char *run_id, int64_t timeout_ms, belay_error *err);

/* Ends one backend, known by pid and start (as pg_stat_activity gives it), and waits until it is gone. */
bool belay_gate_end_backend(
    belay_keeper *keeper, int pid, const char *backend_start, int64_t timeout_ms, belay_error *err);

/* A twin: CREATE DATABASE ... TEMPLATE (STRATEGY FILE_COPY where the server has it), with the database-level
 * state put back, which a template copy leaves out. Sessions of the source are ended. The twin is made with
 * connections disallowed, so that it stays what it is; belay_gate_allow opens it, and so does the swap.
 * Records "gate.twin" {source, source_oid, twin}. */
bool belay_gate_twin(belay_gate *gate, const char *source, const char *twin, belay_error *err);
/* ALLOW_CONNECTIONS of one of belay's own databases. */
bool belay_gate_allow(belay_gate *gate, const char *dbname, bool allow, belay_error *err);
/* DROP DATABASE of one of belay's own (belay_gate_is_own_name), ending its sessions, also where it is marked
 * as a template, as its source was; missing is fine. */
bool belay_gate_drop_own(belay_pg *pg, const char *dbname, belay_error *err);
/* The same with a record "gate.drop". */
bool belay_gate_drop(belay_gate *gate, const char *dbname, belay_error *err);

/* belay's databases on the server, by their names and the marks in their comments: for recover, runs, prune.
 */
typedef struct belay_gate_database {
    uint32_t oid;
    char *name;         /* as it is called now */
    char *public_name;  /* of the target it belongs to; NULL when only a cut name is left to tell */
    char *run;          /* run id from the mark, else the random part in the name, else NULL */
    char *host;         /* where the run was begun, from the mark; else NULL */
    char *kind;         /* "gate", "twin", "new", "failed", "scratch", ... */
    int64_t size_bytes; /* -1: not readable */
} belay_gate_database;
typedef struct belay_gate_databases {
    belay_gate_database *items;
    size_t count;
} belay_gate_databases;
/* Drops the databases of the given kinds that a killed belay left. The caller holds the target's lock, so
 * nobody needs them now. */
bool belay_gate_drop_kinds(
    belay_pg *pg, const char *public_name, const char *const *kinds, size_t kind_count, belay_error *err);
/* Those on which a pre-flight tried its rights ("try", "tried"). */
bool belay_gate_drop_tries(belay_pg *pg, const char *public_name, belay_error *err);
/* The OID of the database with this name, 0 when there is none. */
bool belay_gate_oid_of(belay_pg *pg, const char *dbname, uint32_t *ret, belay_error *err);
/* public_name NULL: of all targets. Sorted by name. */
bool belay_gate_find(belay_pg *pg, const char *public_name, belay_gate_databases *ret, belay_error *err);
void belay_gate_databases_done(belay_gate_databases *databases);
static inline void belay_gate_databases_done_p(belay_gate_databases *databases)
{
    belay_gate_databases_done(databases);
}

#endif
