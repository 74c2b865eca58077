/* Proves a snapshot: reads all of the file, restores it into a scratch database, compares, drops the scratch
 * database, and marks the snapshot as proven.
 *
 * Needs no lock on the target, which it never touches: only a connection to the maintenance database of the
 * server that holds the scratch copy. The scratch database is dropped on every way out, Ctrl-C included; a
 * killed process leaves it to the next prove or rehearsal (restore/scratch.h). Blocking.
 */
#ifndef BELAY_RESTORE_PROVE_H
#define BELAY_RESTORE_PROVE_H

#include "restore/restore.h"
#include "snapshot/snapshot.h"

typedef struct belay_prove_options {
    belay_dialer *dialer;
    belay_pg *maintenance; /* NULL: one is opened to the target's maintenance_db */
    belay_keeper *keeper;  /* whose `maintenance` is; NULL: no keeper's */
    const belay_target *target;
    bool create_roles;  /* those that the server lacks; they stay (restore/make_roles.h) */
    const char *run_id; /* application_name, and in the scratch database's name */
    bool verified;      /* the file was read back by this very run */
    belay_recorder *recorder;
    belay_reporter *reporter;
} belay_prove_options;

typedef struct belay_proof {
    uint64_t rows, raw_bytes;
    double seconds; /* all of it */
    double seconds_load, seconds_compare;
    belay_list warnings;
} belay_proof;
void belay_proof_done(belay_proof *proof);
static inline void belay_proof_done_p(belay_proof *proof)
{
    belay_proof_done(proof);
}

/* BELAY_E_COMPARE when the restored copy differs. `info` is not changed. */
bool belay_prove(const belay_prove_options *options, belay_store *store, const belay_snapshot_info *info,
    belay_proof *ret, belay_error *err);

#endif
