#include "cli/verify_snapshot.h"

static int run(belay_cli *cli)
{
    return belay_cli_verify_snapshot(cli, cli->words.items[0]);
}

const belay_command belay_cmd_verify = {
    .name = "verify",
    .group = "Snapshots",
    .usage = "verify [options] ID",
    .summary = "read a snapshot again, every byte of it",
    .details = "Checks each member's SHA-256 from header to padding, decodes every frame, and looks that "
               "nothing else\n"
               "is in the file. Exit status 0: whole; 1: damaged, and the damage is named. A unique prefix "
               "of the ID\n"
               "suffices.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
