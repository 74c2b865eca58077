#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

#include "util/str.h"

enum { TYPED_SIZE = 256 };

bool belay_cli_confirm_by_name(const char *what, const char *name, belay_error *err)
{
    char typed[TYPED_SIZE] = "";
    if (!isatty(STDIN_FILENO)) {
        belay_fail(err, BELAY_E_POLICY, "%s, and nobody is at a terminal to confirm it", what);
        return belay_error_hint(err, "add --yes when that is meant");
    }
    fprintf(stderr, "%s.\nType its name (%s) to go on: ", what, name);
    bool read = fgets(typed, sizeof typed, stdin) != NULL;
    belay_span span = belay_span_trim(belay_span_of(typed));
    if (read && belay_span_equals(span, name))
        return true;
    return belay_fail(
        err, BELAY_E_POLICY, "not confirmed: \"%s\" was to be typed; nothing was changed", name);
}
