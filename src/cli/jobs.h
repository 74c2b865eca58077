/* -j, of the verbs that read or write a database with several connections. */
#ifndef BELAY_CLI_JOBS_H
#define BELAY_CLI_JOBS_H

#include <limits.h>

#include "cli/commands.h"

/* clang-format off */
#define BELAY_JOBS_OPTION(number)                                                              \
    {"jobs", 'j', "N", "connections to use at once (default: the key jobs)", BELAY_OPT_INT, &(number)} /* BELAY_JOBS_UNSET before */
/* clang-format on */

#define BELAY_JOBS_UNSET LLONG_MIN

/* Before belay_cli_target or after it: takes the place of the target's key. */
static inline bool belay_cli_jobs(belay_cli *cli, long long number, belay_error *err)
{
    enum { JOBS_MAX = 64 };
    if (number == BELAY_JOBS_UNSET)
        return true;
    if (number < 1 || number > JOBS_MAX)
        return belay_fail(err, BELAY_E_USAGE, "--jobs takes a number from 1 to %d", JOBS_MAX);
    cli->jobs = cli->target.jobs = (int)number;
    return true;
}

#endif
