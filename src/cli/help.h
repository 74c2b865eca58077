/* What `belay help` prints: the overview, one command, the man page. All of it comes from the tables of
 * commands and options. Main thread. */
#ifndef BELAY_CLI_HELP_H
#define BELAY_CLI_HELP_H

#include "cli/commands.h"

typedef struct belay_help {
    const belay_command *const *commands; /* in the order to show */
    size_t count;
    const belay_option *common;
} belay_help;

/* Each appends to `to`. */
void belay_help_overview(const belay_help *help, belay_str *to);
void belay_help_command(const belay_help *help, const belay_command *command, belay_str *to);
/* belay(1) as roff with the man macros. */
void belay_help_man(const belay_help *help, belay_str *to);

#endif
