/* Puts the database of before in the place of the failed one: from the twin, else from the snapshot, built
 * beside, compared, stamped and verified while nobody else can reach it; one transaction swaps the names.
 */
#ifndef BELAY_PIPELINE_REPLACE_H
#define BELAY_PIPELINE_REPLACE_H

#include "pipeline/run.h"
#include "util/hash.h"

/* Needs run->from and a twin or a snapshot. Afterwards run->kept names the failed database, which is kept. */
bool belay_replace(belay_run *run, belay_error *err);

/* Builds and compares a database from the snapshot under `dbname`; used by the manual restore too. */
bool belay_build_from_snapshot(belay_run *run, const char *dbname, bool apply_dbstate,
    char ret_schema_hash[static BELAY_SHA256_HEX_SIZE], belay_error *err);
/* Stamps `dbname` with `heads` (the ledger says why) and checks that they stand. `schema_hash`: from
 * belay_build_from_snapshot; "": not known. */
bool belay_stamp_and_check(
    belay_run *run, const char *dbname, const belay_list *heads, const char *schema_hash, belay_error *err);

#endif
