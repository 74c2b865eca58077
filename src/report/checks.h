/* What a table of checks found: pre-flight before a run, verify after migrating.
 *
 * A report owns its findings; a zeroed one is empty. The worst verdict is the report's. One thread.
 */
#ifndef BELAY_REPORT_CHECKS_H
#define BELAY_REPORT_CHECKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "report/reporter.h"
#include "util/error.h"

typedef enum belay_verdict { BELAY_OK, BELAY_WARNING, BELAY_REFUSE } belay_verdict;
const char *belay_verdict_name(belay_verdict verdict); /* "ok", "warn", "refuse" */

typedef struct belay_finding {
    const char *name; /* of the check; static */
    belay_verdict verdict;
    char *message;
    char *hint;         /* "" when there is none */
    belay_error *cause; /* the error behind it, with place, statement and SQLSTATE; NULL when there is none */
} belay_finding;

typedef struct belay_check_report {
    belay_finding *items;
    size_t count;
    belay_verdict verdict; /* the worst */
} belay_check_report;

/* hint may be NULL. */
void belay_check_report_add(belay_check_report *report, const char *name, belay_verdict verdict,
    const char *message, const char *hint);
/* A finding from an error, which is copied. */
void belay_check_report_add_error(
    belay_check_report *report, const char *name, belay_verdict verdict, const belay_error *cause);
/* After a check that added nothing beyond `before` findings: it is fine. Says warnings with their
 * hints, the rest with --verbose: refusals are for whoever shows the report or the error of `require`. */
void belay_check_report_settle(
    belay_check_report *report, const char *name, size_t before, belay_reporter *reporter);
void belay_check_report_done(belay_check_report *report);
static inline void belay_check_report_done_p(belay_check_report *report)
{
    belay_check_report_done(report);
}
/* {"verdict", "checks": [{"name", "verdict", "message", "hint"}]}; a new reference. */
json_t *belay_check_report_json(const belay_check_report *report);
/* True when nothing refuses; else `code` with all refusals' messages and hints, and the place of the
 * first. */
bool belay_check_report_require(const belay_check_report *report, belay_code code, belay_error *err);

#endif
