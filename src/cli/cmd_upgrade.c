#include "cli/apply.h"

static belay_apply_options o = {.downgrade = false};

static const belay_option options[] = {BELAY_APPLY_OPTIONS(o), BELAY_OPT_END};

static int run(belay_cli *cli)
{
    return belay_cli_apply(cli, &o);
}

const belay_command belay_cmd_upgrade = {
    .name = "upgrade",
    .group = "Revisions",
    .usage = "upgrade [options] REVISION",
    .summary = "apply revisions up to REVISION, without snapshot and gate",
    .details = BELAY_APPLY_DETAILS,
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
