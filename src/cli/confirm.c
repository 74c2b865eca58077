#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

#include "util/str.h"

enum { TYPED_SIZE = 256 };

bool belay_cli_is_attended(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool belay_cli_ask(void *context, const char *question, const char *answer)
{
    (void)context;
    char typed[TYPED_SIZE] = "";
    BELAY_AUTO(belay_free) char *shown = belay_printable(question, "\n");
    fprintf(stderr, "%s ", shown);
    return fgets(typed, sizeof typed, stdin) != NULL &&
           belay_span_equals(belay_span_trim(belay_span_of(typed)), answer);
}

bool belay_cli_confirm_by_name(const char *what, const char *name, belay_error *err)
{
    if (!belay_cli_is_attended()) {
        belay_fail(err, BELAY_E_POLICY, "%s, and nobody is at a terminal to confirm it", what);
        return belay_error_hint(err, "add --yes when that is meant");
    }
    BELAY_AUTO(belay_free) char *question = belay_format("%s.\nType its name (%s) to go on:", what, name);
    if (belay_cli_ask(NULL, question, name))
        return true;
    belay_fail(err, BELAY_E_POLICY, "not confirmed: \"%s\" was to be typed; nothing was changed", name);
    return belay_error_hint(err, "run the command again and type the name as it is written; or add --yes");
}
