/* The two halves of `belay verify`: with an ID it reads a snapshot again, without one it checks the target.
 */
#ifndef BELAY_CLI_VERIFY_H
#define BELAY_CLI_VERIFY_H

#include "cli/commands.h"

/* Return the exit status. A damaged snapshot: 7, with the damage named. */
int belay_cli_verify_snapshot(belay_cli *cli, const char *id);
/* The files' heads are reached, nothing is invalid, the verify sections of the revisions that stand and the
 * target's verify_sql hold: 0, otherwise 7. Changes nothing. */
int belay_cli_verify_target(belay_cli *cli);

#endif
