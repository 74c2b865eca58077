/* --rate, of the verbs that move whole snapshots. */
#ifndef BELAY_CLI_RATE_H
#define BELAY_CLI_RATE_H

#include "cli/commands.h"

/* clang-format off */
#define BELAY_RATE_OPTION(text)                                                                                \
    {"rate", 0, "RATE", "most that goes to or from the store, as 50MB/s; 0: no limit (default: the key rate)", \
        BELAY_OPT_TEXT, &(text)}
/* clang-format on */

/* Before belay_cli_store. NULL: the target's key decides. */
static inline bool belay_cli_rate(belay_cli *cli, const char *text, belay_error *err)
{
    cli->rate_given = text != NULL;
    return text == NULL || belay_parse_rate(text, &cli->rate_bytes_per_s) ||
           belay_fail(
               err, BELAY_E_USAGE, "--rate takes bytes per second as 500kB/s or 50MB/s, not \"%s\"", text);
}

#endif
