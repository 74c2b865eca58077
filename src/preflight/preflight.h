/* Pre-flight: everything that can be known to be wrong before a run changes anything: a deploy, or a manual
 * restore, which wants some of the checks (docs/preflight.md has them all).
 *
 *     belay_preflight_run(&context, &report, err)
 *     belay_check_report_require(&report, BELAY_E_PREFLIGHT, err)
 *
 * One table of checks (preflight.c). Most are a query in preflight.sql that gives a row (verdict, message,
 * hint) for each finding and none when all is well; the others are functions. A check that cannot be carried
 * out is itself a refusal with the reason. Nothing is changed, but a small scratch database is made, renamed
 * and dropped to try the rights. One thread, blocking.
 *
 * To add a check: a query or a function, a line in the table, and one in docs/preflight.md (a test compares).
 */
#ifndef BELAY_PREFLIGHT_PREFLIGHT_H
#define BELAY_PREFLIGHT_PREFLIGHT_H

#include <jansson.h>

#include "gate/followers.h"
#include "migrate/engine.h"
#include "report/checks.h"
#include "store/store.h"

typedef enum belay_preflight_run_kind {
    BELAY_PREFLIGHT_DEPLOY,
    BELAY_PREFLIGHT_RESTORE
} belay_preflight_run_kind;

typedef struct belay_preflight {
    belay_keeper *keeper;
    belay_preflight_run_kind kind;
    belay_pg *pg; /* profile USER, to the target, or for a restore to the maintenance database; the caller
                     closes it */
    const belay_target *target;
    const char *run_id;
    belay_engine *engine;
    const belay_plan *plan;  /* NULL: nothing pending */
    belay_store *store;      /* NULL: no snapshot will be taken */
    const json_t *state;     /* restore: what the new database will be given (pg/dbstate.h) */
    uint64_t restored_bytes; /* restore: what the snapshot's rows take, roughly */
    belay_reporter *reporter;
    bool confirmed;              /* --yes, or the database's name was typed */
    uint64_t server_space_bytes; /* free on the server, as the user declares it; 0: nothing was declared */
    const belay_followers *followers; /* what the user said about subscriptions, slots and standbys */
} belay_preflight;

/* False (with err) only when the checks could not be run at all; refusals are in the report. */
bool belay_preflight_run(const belay_preflight *context, belay_check_report *ret, belay_error *err);

/* How many connections beside the keeper's the check makes sure of. `works`: the run takes a snapshot, or
 * restores one; `twin`: it makes one. */
int belay_preflight_connection_count(const belay_target *target, bool works, bool twin);
/* One check by itself, for the doctor: has the server room for what a run opens at once? */
void belay_preflight_connections(
    const belay_preflight *context, belay_check_report *report, const char *name);
/* One check by itself, for the bare verbs: warns of pending files that git does not have as they are. Starts
 * git; adds nothing where there is no git or no repository. */
void belay_preflight_tracked(const belay_plan *plan, const char *name, belay_check_report *report);

/* The names of the table's checks, in its order; NULL beyond the last. */
const char *belay_preflight_name(size_t index);
/* Whether a check is made before a run of that kind, on some target at least. */
bool belay_preflight_is_for(size_t index, belay_preflight_run_kind kind);

#endif
