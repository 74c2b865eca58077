/* The host keys that a target needs: shown, and recorded once somebody says that they are right. */
#ifndef BELAY_CLI_TRUST_H
#define BELAY_CLI_TRUST_H

#include "cli/commands.h"

/* Goes through the SSH servers of the target (cli->target_name, or the default one): its ssh, its store, the
 * hosts of its commands, each after the hosts on the way there. A key that is not known is added when `yes`
 * is set, or its fingerprint is among those given, or a person types so (where none were given). Each server
 * becomes a line on stdout; one behind a host whose key is not known is not looked at. A changed or revoked
 * key is BELAY_E_HOST_KEY, one that nobody accepted, or a fingerprint that no server showed, BELAY_E_POLICY;
 * the others are recorded nevertheless. Ends the command: returns its exit status. The configuration is
 * loaded. Blocks; the main thread. */
int belay_cli_trust(belay_cli *cli, bool yes, const belay_list *fingerprints);

#endif
