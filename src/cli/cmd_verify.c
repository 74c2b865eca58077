#include "cli/rate.h"
#include "cli/verify.h"

static struct {
    const char *rate;
} o;

static const belay_option options[] = {BELAY_RATE_OPTION(o.rate), BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    if (!belay_cli_rate(cli, o.rate, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    return cli->words.count == 0 ? belay_cli_verify_target(cli)
                                 : belay_cli_verify_snapshot(cli, cli->words.items[0]);
}

const belay_command belay_cmd_verify = {
    .name = "verify",
    .group = "Snapshots",
    .usage = "verify [options] [ID]",
    .summary = "read a snapshot again, every byte of it; without ID: check the target",
    .details =
        "With an ID (a unique prefix suffices): checks each member's SHA-256 from header to padding, "
        "decodes\n"
        "every frame, and looks that nothing else is in the file. Exit status 0: whole; 7: damaged, and the\n"
        "damage is named; 1: it could not be read.\n\n"
        "Without: is the target at the files' heads, and do the verify sections of its revisions and its "
        "verify_sql\n"
        "hold? Warns of invalid indexes and unvalidated constraints. Changes nothing. Exit status 7: no.",
    .options = options,
    .max_words = 1,
    .answer = BELAY_ANSWER_CHECKS,
    .run = run,
};
