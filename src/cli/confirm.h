/* A person's yes: the name of what is at stake, typed at a terminal. */
#ifndef BELAY_CLI_CONFIRM_H
#define BELAY_CLI_CONFIRM_H

#include <stdbool.h>

#include "util/error.h"

/* Says `what` will happen and reads the name from stdin, which must be a terminal. BELAY_E_POLICY without a
 * terminal (the hint names --yes) and when something else was typed. Blocks. */
bool belay_cli_confirm_by_name(const char *what, const char *name, belay_error *err);

#endif
