/* Verify: is the database after migrating what it should be?
 *
 *     belay_verify_before(pg, &before, err)         before the first migration; kept in the journal
 *     belay_verify_run(&context, &report, err)      afterwards
 *     belay_check_report_require(&report, BELAY_E_VERIFY, err)
 *
 * One table of checks (verify.c): the target revision is reached; no index was left invalid and no constraint
 * unvalidated by the run; the `verify` sections of the revisions reached (those below them ran behind their
 * own steps); the user's verify_sql files. Nothing is changed: the user's SQL runs read-only and is rolled
 * back. One thread, blocking.
 *
 * To add a check: a function, and a line in the table.
 */
#ifndef BELAY_VERIFY_VERIFY_H
#define BELAY_VERIFY_VERIFY_H

#include <jansson.h>

#include "migrate/engine.h"
#include "report/checks.h"

typedef struct belay_verify {
    belay_pg *pg; /* to the migrated database, profile USER, not in a transaction */
    const belay_target *target;
    belay_engine *engine;
    const belay_list *reached; /* revisions whose verify sections must hold; NULL: none */
    const belay_list *wanted;  /* version rows that must stand, in any order; NULL: not checked */
    const json_t *before;      /* of belay_verify_before; NULL: unknown, so what is found only warns */
    bool at_rest;              /* no run brought it here: revisions may just be pending */
    belay_reporter *reporter;  /* may be NULL */
} belay_verify;

/* Invalid indexes and constraints that are not validated, by schema-qualified name: {"index": [...],
 * "constraint": [...]}. A new reference. */
bool belay_verify_before(belay_pg *pg, json_t **ret, belay_error *err);
/* False (with err) only when the checks could not be run: connection lost, stop requested. What does not
 * hold refuses in the report. */
bool belay_verify_run(const belay_verify *context, belay_check_report *ret, belay_error *err);

#endif
