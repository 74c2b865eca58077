/* Pre-flight: was what the deploy is about to do rehearsed, exactly so? */
#include "preflight/checks.h"
#include "rehearse/record.h"

/* Required: everything but a rehearsal that stands refuses. Otherwise production hears of it, and the rest
 * can read it. */
static belay_verdict verdict_of(const belay_preflight *context, bool stands)
{
    if (stands)
        return BELAY_OK;
    if (context->target->require_rehearsal)
        return BELAY_REFUSE;
    return context->target->environment == BELAY_PRODUCTION ? BELAY_WARNING : BELAY_OK;
}

void belay_check_rehearsal(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rehearsal_answer_done) belay_rehearsal_answer answer = {0};
    if (context->plan == NULL || context->plan->step_count == 0)
        return;
    if (context->store == NULL) {
        belay_check_report_add(report, name, verdict_of(context, false),
            "there is no store, so there is no record of a rehearsal", "give the target a store");
        return;
    }
    if (!belay_rehearsal_ask(
            context->store, context->target->name, context->plan, context->pg, &answer, &err)) {
        belay_check_report_add_error(
            report, name, context->target->require_rehearsal ? BELAY_REFUSE : BELAY_WARNING, &err);
        return;
    }
    belay_check_report_add(report, name, verdict_of(context, answer.stands), answer.message, answer.hint);
}
