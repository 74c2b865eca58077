/* Subscriptions of the snapshot, for the restored database that has its name by now: made not connected and
 * disabled, since nobody but a person knows from where they may go on.
 *
 * Those that moved along (move_subscription.h) are there already and are left alone. The snapshot of another
 * target makes none: its slots are that one's.
 */
#ifndef BELAY_PIPELINE_BRING_SUBSCRIPTIONS_H
#define BELAY_PIPELINE_BRING_SUBSCRIPTIONS_H

#include "pipeline/run.h"

bool belay_subscriptions_wanted(const belay_run *run);
/* Says what was made and how to begin with it, or what to type. `left`: names of those that stay with the old
 * database; what was made goes into `ret_made`. Nothing fails: the restored database stands. May be called
 * again after a crash. Blocking. */
void belay_subscriptions_bring(belay_run *run, const belay_list *left, belay_list *ret_made);

#endif
