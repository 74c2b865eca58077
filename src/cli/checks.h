/* The answer of the verbs that check: a finding a line. Where its text has several, as with a name that has
 * a newline in it, they stand below each other, so that what begins a line is a verdict or a blank. */
#ifndef BELAY_CLI_CHECKS_H
#define BELAY_CLI_CHECKS_H

#include "cli/commands.h"
#include "report/checks.h"

/* On stdout; nothing with --json. */
void belay_cli_print_checks(const belay_cli *cli, const belay_check_report *report);

void belay_cli_print_finding(const belay_cli *cli, const belay_finding *finding, int name_width);

#endif
