/* The gate: what keeps everyone but the run out of the database, and the swap that puts another one in its
 * place.
 *
 * The gate is the name. Closing renames `bank` to `bank__belay_<run>` (cut to 63 bytes with a hash), after
 * ending the sessions that are left; opening is the rename back. Databases are identified by OID. Every act
 * is recorded as an intent first.
 *
 *   open --belay_gate_close--> closed (private name) --belay_gate_open--> open
 *                                     \--belay_gate_swap: the replacement gets the public name, the old one
 * is kept--> open
 *
 * All functions work on the keeper's connection, from the maintenance database.
 */
#ifndef BELAY_GATE_GATE_H
#define BELAY_GATE_GATE_H

#include "gate/keeper.h"
#include "report/recorder.h"
#include "report/reporter.h"

enum { BELAY_DBNAME_SIZE = 64 };

/* "<dbname>__belay_<suffix>", cut to 63 bytes with a hash where too long. Suffixes: the run id's random part
 * for the gate, "twin_...", "new_...", "failed_...", "scratch_...". */
void belay_gate_name(
    const char *dbname, const char *kind, const char *run_id, char ret[static BELAY_DBNAME_SIZE]);

typedef struct belay_gate {
    belay_keeper *keeper;
    belay_recorder *recorder;
    belay_reporter *reporter;
    const char *run_id;
    const char *public_name;
    char private_name[BELAY_DBNAME_SIZE];
    uint32_t oid; /* of the database behind the gate */
    bool closed;
} belay_gate;

/* Reads the database's OID, plans the private name; BELAY_E_NO_DATABASE when it does not exist. */
bool belay_gate_init(belay_gate *gate, belay_keeper *keeper, const char *public_name, const char *run_id,
    belay_recorder *recorder, belay_reporter *reporter, belay_error *err);
/* Ends sessions (an application that reconnects in a loop is met by trying rename and termination in turns
 * until the deadline), writes the run id into the database's comment, renames. The former comment is kept in
 * the record. */
bool belay_gate_close(belay_gate *gate, int64_t timeout_ms, belay_error *err);
/* The rename back, comment restored. Idempotent. */
bool belay_gate_open(belay_gate *gate, belay_error *err);
/* In one transaction: the database behind the gate becomes `kept_name`, `replacement` becomes the public
 * name. Sessions of both are ended. The kept one gets ALLOW_CONNECTIONS = false. Requires the gate to be
 * closed. */
bool belay_gate_swap(belay_gate *gate, const char *replacement, const char *kept_name, belay_error *err);

/* Ends all sessions of a database but `except_pid`, waits until they are gone. */
bool belay_gate_end_sessions(belay_keeper *keeper, const char *dbname, int64_t timeout_ms, belay_error *err);
/* Ends every backend of a run (application_name) on the server and waits until it is gone: a killed client's
 * backend can commit seconds later. */
bool belay_gate_end_run(belay_keeper *keeper, const char *run_id, int64_t timeout_ms, belay_error *err);

/* A twin: CREATE DATABASE ... TEMPLATE (STRATEGY FILE_COPY where the server has it), with the database-level
 * state put back, which a template copy leaves out. The source must have no sessions. */
bool belay_gate_twin(belay_gate *gate, const char *source, const char *twin, belay_error *err);
/* DROP DATABASE of one of belay's own (name must hold "__belay_"), ending its sessions; missing is fine. */
bool belay_gate_drop(belay_gate *gate, const char *dbname, belay_error *err);

#endif
