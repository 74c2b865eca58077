/* Health: does the application work, now that the gate is open again?
 *
 * health_command (a shell command on this machine, exit status 0) and health_url (an answer 2xx; redirects
 * are not followed, certificates are checked) must both hold in one try. A failed try is repeated up to
 * target.health_retries times, with pauses that double, until target.health_timeout_ms is over; a single try
 * of either takes at most 10 s, and as long for the way to a host. One thread, blocking; a stop request ends
 * it at once with BELAY_E_CANCELLED.
 */
#ifndef BELAY_VERIFY_HEALTH_H
#define BELAY_VERIFY_HEALTH_H

#include "config/target.h"
#include "report/reporter.h"
#include "util/error.h"

/* Whether the target asks for one. */
bool belay_health_wanted(const belay_target *target);
/* Whether what health_url takes is there: BELAY_E_UNSUPPORTED where libcurl is missing (util/library.h). */
bool belay_health_can_ask(const belay_target *target, belay_error *err);
/* True also when nothing is asked for. BELAY_E_HEALTH with the last try's reason; a password in the URL is
 * not shown. */
bool belay_health_check(const belay_target *target, belay_reporter *reporter, belay_error *err);

#endif
