/* The checks of `belay doctor`: is everything there that belay needs, and what to do where it is not.
 *
 * Looks only; the one thing it writes is a small file in the store, which it removes again. One table of
 * checks (doctor.c), each adds a finding; later ones are left out where an earlier one took away their ground
 * (no connection, no rights to look at). To add a check: a function and a line in the table.
 */
#ifndef BELAY_CLI_DOCTOR_H
#define BELAY_CLI_DOCTOR_H

#include "cli/commands.h"
#include "report/checks.h"

/* Fills the report; nothing is an error here, whatever is wrong becomes a finding. Blocks for as long as the
 * server takes to answer. */
void belay_doctor(belay_cli *cli, belay_check_report *ret);

#endif
