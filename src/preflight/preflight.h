/* Pre-flight: everything that can be known to be wrong before a run changes anything.
 *
 *     belay_preflight_run(&context, &report, err)
 *     belay_check_report_require(&report, BELAY_E_PREFLIGHT, err)
 *
 * One table of checks (preflight.c). Most are a query in preflight.sql that gives a row (verdict, message,
 * hint) for each finding and none when all is well; the others are functions. A check that cannot be carried
 * out is itself a refusal with the reason. Nothing is changed, but a small scratch database is made, renamed
 * and dropped to try the rights. One thread, blocking.
 *
 * To add a check: a query or a function, and a line in the table.
 */
#ifndef BELAY_PREFLIGHT_PREFLIGHT_H
#define BELAY_PREFLIGHT_PREFLIGHT_H

#include "gate/keeper.h"
#include "migrate/engine.h"
#include "report/checks.h"
#include "store/store.h"

typedef struct belay_preflight {
    belay_keeper *keeper;
    belay_pg *pg; /* to the target, profile USER; the caller closes it */
    const belay_target *target;
    const char *run_id;
    belay_engine *engine;
    const belay_plan *plan; /* NULL: nothing pending */
    belay_store *store;     /* NULL: no snapshot will be taken */
    belay_reporter *reporter;
    bool confirmed;        /* --yes, or the database's name was typed */
    bool ignore_followers; /* subscriptions and logical slots were dealt with by the user */
} belay_preflight;

/* False (with err) only when the checks could not be run at all; refusals are in the report. */
bool belay_preflight_run(const belay_preflight *context, belay_check_report *ret, belay_error *err);

#endif
