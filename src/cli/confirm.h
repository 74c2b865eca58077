/* A person's yes, typed at a terminal: a word, or the name of what is at stake. The main thread only. */
#ifndef BELAY_CLI_CONFIRM_H
#define BELAY_CLI_CONFIRM_H

#include <stdbool.h>

#include "util/error.h"

/* Can somebody read a question on stderr and answer it on stdin? */
bool belay_cli_is_attended(void);
/* Asks on stderr; true when the line that comes back is `answer` (white space around it aside). Blocks. Fits
 * belay_run_options.confirm; the context is not used. */
bool belay_cli_ask(void *context, const char *question, const char *answer);
/* Says `what` will happen and asks for the name. BELAY_E_POLICY where nobody is there (the hint names --yes)
 * and when something else was typed. */
bool belay_cli_confirm_by_name(const char *what, const char *name, belay_error *err);

#endif
