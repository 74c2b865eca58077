/* `belay verify ID`: reads a snapshot again, all of it. The other half of the verb, without an ID, checks the
 * target. */
#ifndef BELAY_CLI_VERIFY_SNAPSHOT_H
#define BELAY_CLI_VERIFY_SNAPSHOT_H

#include "cli/commands.h"

/* Returns the exit status: 0, or 1 with the damage named. */
int belay_cli_verify_snapshot(belay_cli *cli, const char *id);

#endif
