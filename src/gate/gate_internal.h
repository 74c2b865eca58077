/* What the files of src/gate share. */
#ifndef BELAY_GATE_GATE_INTERNAL_H
#define BELAY_GATE_GATE_INTERNAL_H

#include "gate/gate.h"

#define BELAY_NAME_MARK "__belay_"

enum { BELAY_OIDS_SIZE = 32 };
/* "{1}" or "{1,2}"; second 0: one alone. */
void belay_oids(uint32_t first, uint32_t second, char ret[static BELAY_OIDS_SIZE]);

/* Runs `sql` (one or more statements, in one transaction) on the keeper's connection, while the second
 * connection ends the sessions of the databases `oids`. Tries again when sessions or locks were in the way,
 * until the deadline; then names the sessions that stayed. */
bool belay_gate_run_swept(
    belay_gate *gate, const char *sql, const char *oids, int64_t timeout_ms, belay_error *err);
/* The same for one statement that cannot run in a transaction. */
bool belay_gate_run_swept_alone(
    belay_gate *gate, const char *sql, const char *oids, int64_t timeout_ms, belay_error *err);
/* Refuses, with their names, when prepared transactions hold one of the databases. */
bool belay_gate_no_prepared(belay_keeper *keeper, const char *oids, belay_error *err);

#endif
