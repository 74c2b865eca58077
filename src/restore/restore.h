/* Restores a snapshot into a new, closed database, and compares a database with a snapshot.
 *
 * Never into an existing database. The caller (pipeline) swaps names; nothing here touches the target.
 *
 *   toc and header read --roles, extensions, versions checked--> created --pre-data--> schema
 *     --rows, sequences, large objects--> loaded --post-data--> restored --compare--> equal
 *   any failure after "created": the half-made database is dropped
 */
#ifndef BELAY_RESTORE_RESTORE_H
#define BELAY_RESTORE_RESTORE_H

#include <jansson.h>

#include "archive/archive.h"
#include "config/target.h"
#include "pg/pg.h"
#include "report/checks.h"
#include "report/recorder.h"
#include "report/reporter.h"

typedef struct belay_restore_options {
    belay_dialer *dialer;
    belay_pg *maintenance;      /* a connection outside of every target: the keeper's */
    const char *dbname;         /* to be created; must hold "__belay_" */
    const char *run_id;         /* application_name */
    const belay_target *target; /* role_map, jobs */
    bool apply_dbstate;         /* owner, ACL, settings: yes for a swap, no for scratch */
    bool create_roles;          /* those that the server lacks (restore/make_roles.h) */
    bool schema_only;           /* no rows, nothing computed from rows: to see whether this role may */
    const json_t *state;        /* pg/dbstate.h: given to the database instead of the snapshot's; NULL */
    belay_recorder *recorder;
    belay_reporter *reporter;
} belay_restore_options;

typedef struct belay_restore_result {
    belay_list warnings; /* foreign keys left NOT VALID, ... */
    uint64_t rows, raw_bytes;
    double seconds_load, seconds_compare;
} belay_restore_result;
void belay_restore_result_done(belay_restore_result *result);
static inline void belay_restore_result_done_p(belay_restore_result *result)
{
    belay_restore_result_done(result);
}

/* What is known to be wrong before anything is created, as findings (restore/check.h); `dbname` and
 * `recorder` do not matter. False only when the archive cannot be read. */
bool belay_restore_check(
    const belay_restore_options *options, belay_archive *archive, belay_check_report *ret, belay_error *err);

/* Creates the database and fills it: schema, data, sequences, large objects, indexes, constraints, ... On
 * failure the half-made database is dropped when the server can be reached. Recorded: "restore.create" with
 * {"dbname", "snapshot"}. BELAY_E_PREFLIGHT, before anything is created, for a server that is older than the
 * snapshot's, missing roles, or extensions that the server does not offer at their version. */
bool belay_restore_into(const belay_restore_options *options, belay_archive *archive,
    belay_restore_result *ret, belay_error *err);

/* Reads every table back in the manifest's format and compares rows and row hashes; sequences, large objects,
 * schema hash too. BELAY_E_COMPARE names the first tables that differ. `dbname` is reached through the
 * dialer. */
bool belay_restore_compare(const belay_restore_options *options, belay_archive *archive, belay_error *err);

#endif
