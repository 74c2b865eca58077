#include "cli/apply.h"

static belay_apply_options o = {.downgrade = false};

static const belay_option options[] = {
    {"plan", 0, NULL, "show the steps, change nothing", BELAY_OPT_FLAG, &o.plan},
    {"sql", 0, NULL, "print the script for psql instead; REVISION may be a range a:b", BELAY_OPT_FLAG,
        &o.sql},
    {"without-snapshot", 0, NULL, "on a production target: go on although there is no way back",
        BELAY_OPT_FLAG, &o.without_snapshot},
    {"yes", 'y', NULL, "do not ask", BELAY_OPT_FLAG, &o.yes}, BELAY_OPT_END};

static int run(belay_cli *cli)
{
    return belay_cli_apply(cli, &o);
}

const belay_command belay_cmd_upgrade = {
    .name = "upgrade",
    .group = "Revisions",
    .usage = "upgrade [options] REVISION",
    .summary = "apply revisions up to REVISION, without snapshot and gate",
    .details =
        "The bare verb: on failure the revisions that were committed before stand, and are named (exit 1).\n"
        "`belay deploy` takes a snapshot first and puts the database back when it fails.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
