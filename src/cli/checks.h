/* The answer of the verbs that check: one line a finding. */
#ifndef BELAY_CLI_CHECKS_H
#define BELAY_CLI_CHECKS_H

#include "cli/commands.h"
#include "report/checks.h"

/* On stdout; nothing with --json. */
void belay_cli_print_checks(const belay_cli *cli, const belay_check_report *report);

#endif
