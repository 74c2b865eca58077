/* Restores a snapshot into a new, closed database, and compares a database with a snapshot.
 *
 * Never into an existing database, but for a half-made one of the same run and snapshot, into which it goes
 * on. The caller (pipeline) swaps names; nothing here touches the target.
 *
 *   toc and header read --roles, extensions, versions checked--> created --pre-data--> schema
 *     --rows, indexes, keys; statistics; each table compared when its rows are in--> restored and compared
 *   a cut connection, or a crash of the server: on with what is missing (restore/marks.h, restore/resume.h)
 *   any other failure after "created": the half-made database is dropped
 */
#ifndef BELAY_RESTORE_RESTORE_H
#define BELAY_RESTORE_RESTORE_H

#include <jansson.h>

#include "archive/archive.h"
#include "config/target.h"
#include "gate/keeper.h"
#include "pg/pg.h"
#include "report/checks.h"
#include "report/recorder.h"
#include "report/reporter.h"
#include "restore/compare.h"
#include "util/hash.h"

typedef struct belay_restore_options {
    belay_dialer *dialer;
    belay_pg *maintenance;      /* a connection outside of every target: the keeper's */
    belay_keeper *keeper;       /* whose it is; NULL: the caller's own, with no lock to it */
    const char *dbname;         /* to be created; must hold "__belay_" */
    const char *run_id;         /* application_name */
    const belay_target *target; /* role_map, jobs */
    bool go_on;                 /* a database of that name was left by this run: go on in it where that is
                                   safe, else drop it */
    const json_t *complete; /* with go_on: the run's record "restore.complete" of it; NULL: there is none */
    bool apply_dbstate;     /* owner, ACL, settings: yes for a swap, no for scratch */
    bool create_roles;      /* those that the server lacks (restore/make_roles.h) */
    bool schema_only;       /* no rows, nothing computed from rows: to see whether this role may */
    bool pre_data_only;     /* types, tables and functions, and nothing that comes after rows */
    bool subscribes;        /* the caller makes the subscriptions then (restore/subscriptions.h) */
    const json_t *state;    /* pg/dbstate.h: given to the database instead of the snapshot's; NULL */
    belay_recorder *recorder;
    belay_reporter *reporter;
} belay_restore_options;

typedef struct belay_restore_result {
    belay_list warnings; /* foreign keys left NOT VALID, ... */
    uint64_t rows, raw_bytes;
    /* Until rows, indexes and constraints were there; from then until all was analyzed and compared. Most of
     * the comparison happens before, where a worker has nothing else to do. */
    double seconds_load, seconds_compare;
    belay_compare_differences differences; /* from the snapshot; not with schema_only */
    /* Of the database as it is (pg/schema_hash.h), and will be when it is stamped; "": not known. */
    char schema_hash[BELAY_SHA256_HEX_SIZE];
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

/* Creates the database, fills and compares it: schema, data, sequences, large objects, indexes, constraints,
 * ...; `jobs` of the target is how many workers with a connection each. A connection that was cut is tried
 * again for two minutes, the maintenance connection with its lock too. On failure the half-made database is
 * dropped when the server can be reached. Recorded: "restore.create" with {"dbname", "snapshot"}.
 * BELAY_E_PREFLIGHT, before anything is created, for a server that is older than the snapshot's, missing
 * roles, or extensions that the server does not offer at their version. What differs is in the result and no
 * failure here: see belay_restore_verdict. */
bool belay_restore_into(const belay_restore_options *options, belay_archive *archive,
    belay_restore_result *ret, belay_error *err);

/* Of a restore that was made: BELAY_E_COMPARE names the first tables that differ. */
bool belay_restore_verdict(
    const belay_restore_options *options, const belay_restore_result *result, belay_error *err);

#endif
