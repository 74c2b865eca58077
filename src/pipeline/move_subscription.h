/* Moves a subscription from the database that was put aside (run->kept) to the restored one, at the position
 * that it had when it was disabled. The publisher must be reachable. */
#ifndef BELAY_PIPELINE_MOVE_SUBSCRIPTION_H
#define BELAY_PIPELINE_MOVE_SUBSCRIPTION_H

#include "pipeline/run.h"

/* enabled: how it is to be afterwards. Nothing is changed in the old one before the new one stands, so a move
 * that failed or was cut off can be begun again. */
bool belay_subscription_move(belay_run *run, const char *name, bool enabled, belay_error *err);

#endif
