/* The way back: brings a run that failed, or died, to one of the promised states.
 *
 *   assess --nothing was committed--> untouched: every stage undone
 *          --something was, or may have been--> by on_failure: restored | downgraded | stopped
 *   any of it impossible --> needs_recovery: the gate stays closed, `belay recover` tries again
 */
#ifndef BELAY_PIPELINE_BACK_H
#define BELAY_PIPELINE_BACK_H

#include "pipeline/run.h"

/* After a failed stage; run->error says why. Not interrupted by signals. Sets run->outcome. */
void belay_run_back(belay_run *run);
/* The second half, when the effect is known: used by recover too. */
void belay_run_settle(belay_run *run, belay_effect effect);
/* Migrated, verified and open, but the application is not well: on_unhealthy says what follows. A restore
 * loses what was written since the gate opened, so that needs the same yes as one without a gate. */
void belay_run_settle_unhealthy(belay_run *run);

#endif
