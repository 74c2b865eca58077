/* The target's lock for verbs that change a database without the pipeline: upgrade, downgrade, stamp, dev,
 * reset.
 *
 * The keeper holds it (gate/keeper.h), so `belay deploy` and these verbs keep out of each other's way.
 * Blocking; main thread only.
 */
#ifndef BELAY_CLI_LOCK_H
#define BELAY_CLI_LOCK_H

#include "cli/commands.h"
#include "gate/keeper.h"

/* Resolves the target when that was not done. wait_ms: how long to wait for another holder; 0: one try.
 * BELAY_E_LOCKED names the holder. A maintenance database that cannot be reached is refused: without the lock
 * nothing is changed. */
bool belay_cli_lock(
    belay_cli *cli, const char *run_id, int64_t wait_ms, belay_keeper **ret, belay_error *err);
/* For belay_apply.may_commit: is the lock still held? The context is the keeper. */
bool belay_cli_may_commit(void *keeper, belay_error *err);

#endif
