/* Pre-flight: everything that can be known to be wrong before a run changes anything.
 *
 *     belay_preflight_run(&context, &report, err)
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
#include "report/reporter.h"
#include "store/store.h"

typedef enum belay_verdict { BELAY_OK, BELAY_WARNING, BELAY_REFUSE } belay_verdict;
const char *belay_verdict_name(belay_verdict verdict); /* "ok", "warn", "refuse" */

typedef struct belay_finding {
    const char *name; /* of the check; static */
    belay_verdict verdict;
    char *message;
    char *hint; /* "" when there is none */
} belay_finding;

typedef struct belay_check_report {
    belay_finding *items;
    size_t count;
    belay_verdict verdict; /* the worst */
} belay_check_report;
void belay_check_report_add(belay_check_report *report, const char *name, belay_verdict verdict,
    const char *message, const char *hint);
void belay_check_report_done(belay_check_report *report);
static inline void belay_check_report_done_p(belay_check_report *report)
{
    belay_check_report_done(report);
}
/* {"verdict", "checks": [{"name", "verdict", "message", "hint"}]}; a new reference. */
json_t *belay_check_report_json(const belay_check_report *report);

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
/* BELAY_E_PREFLIGHT with the refusals' messages; true when there is none. */
bool belay_check_report_require(const belay_check_report *report, belay_error *err);

#endif
