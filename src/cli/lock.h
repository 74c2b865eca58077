/* The target's lock for verbs that change a database without the pipeline (upgrade, downgrade, stamp, dev,
 * reset), or look at it as a run would (preflight); and what a run that holds it means for the others.
 *
 * The keeper holds it (gate/keeper.h), so `belay deploy` and these verbs keep out of each other's way. With
 * the lock held, a run of the target that is unfinished is refused: whatever changed now would be undone, or
 * taken for the run's work, by `belay recover`. Blocking; main thread only.
 */
#ifndef BELAY_CLI_LOCK_H
#define BELAY_CLI_LOCK_H

#include "cli/commands.h"
#include "gate/keeper.h"

/* Resolves the target when that was not done. wait_ms: how long to wait for another holder; 0: one try.
 * BELAY_E_LOCKED names the holder, BELAY_E_UNFINISHED_RUN the run and what to type. A maintenance database
 * that cannot be reached is refused: without the lock nothing is changed. */
bool belay_cli_lock(
    belay_cli *cli, const char *run_id, int64_t wait_ms, belay_keeper **ret, belay_error *err);
/* A target's database that does not exist may be behind a gate: BELAY_E_NO_DATABASE becomes BELAY_E_LOCKED,
 * which names the run at work, or BELAY_E_UNFINISHED_RUN where the run is dead. belay_cli_finish asks for
 * every verb. */
void belay_cli_explain_missing(const belay_cli *cli, belay_error *err);

#endif
