/* What a run does with what follows the database (gate/followers.h), as the user said.
 *
 *   enabled --belay_followers_disable--> disabled (journal: intent "subscriptions.disable", their names)
 *               no swap: --belay_followers_resume--> enabled (done)
 *               swap:    --belay_followers_after_swap--> moved, or made from the snapshot, or said (done)
 *   Enabled again, and swapped only then (on_unhealthy = restore): what they wrote meanwhile is in the old
 *   database, so they are disabled once more and stay there.
 *
 * recover goes by the answers in the begin record and by the open intent, so a run that was killed anywhere
 * in between is finished the same way.
 */
#ifndef BELAY_PIPELINE_FOLLOWERS_H
#define BELAY_PIPELINE_FOLLOWERS_H

#include "pipeline/run.h"

bool belay_followers_wants_subscriptions(const belay_run *run);
bool belay_followers_wants_standbys(const belay_run *run);
bool belay_followers_wants_resume(const belay_run *run);
/* Stage: disables the enabled subscriptions and waits until their workers are gone. */
bool belay_followers_disable(belay_run *run, belay_error *err);
/* Stage, after the gate closed: ends the sessions of the database on the standbys. */
bool belay_followers_end_sessions(belay_run *run, belay_error *err);
/* Stage, before a swap: disables what this run had enabled again. */
bool belay_followers_disable_again(belay_run *run, belay_error *err);
/* The database has its name back: enables what was disabled. Nothing to do: true. */
bool belay_followers_resume(belay_run *run, belay_error *err);
/* Stage: the restored database has the name, and run->kept was put aside ("": there was none). Nothing here
 * fails the run any more (always true): what could not be done is said, with what to type. May be called
 * again after a crash. */
bool belay_followers_after_swap(belay_run *run, belay_error *err);

#endif
