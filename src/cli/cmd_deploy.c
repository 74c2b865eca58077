#include "cli/followers.h"
#include "cli/runs.h"
#include "cli/server_space.h"
#include "pipeline/deploy.h"

static struct {
    const char *to;
    bool yes;
    bool accept_loss;
    belay_cli_followers followers;
    const char *server_space;
} o;

static const belay_option options[] = {
    {"to", 0, "REV", "revision to go to (default: head)", BELAY_OPT_TEXT, &o.to},
    {"yes", 'y', NULL, "go on without asking, on a production target too", BELAY_OPT_FLAG, &o.yes},
    {"accept-loss", 0, NULL, "with gate = none: a restore may lose what others wrote meanwhile",
        BELAY_OPT_FLAG, &o.accept_loss},
    BELAY_FOLLOWER_OPTIONS(o.followers), BELAY_SERVER_SPACE_OPTION(o.server_space), BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_run_options how = {.verb = "deploy",
        .to = o.to,
        .yes = o.yes,
        .accept_loss = o.accept_loss,
        .same_config = belay_cli_same_config,
        .same_config_context = cli};
    json_t *json = NULL;
    if (!belay_cli_followers_read(&o.followers, &how.followers, &err) ||
        !belay_cli_server_space(o.server_space, &how.server_space_bytes, &err) ||
        !belay_cli_run_options(cli, &store, &how, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    int status = belay_deploy(&how, &json);
    return belay_cli_run_answer(cli, status, json);
}

const belay_command belay_cmd_deploy = {
    .name = "deploy",
    .group = "Runs",
    .usage = "deploy [TARGET] [options]",
    .summary = "snapshot, migrate, verify; on failure put everything back",
    .details =
        "Takes the target's lock, looks whether everything is fit for it, closes the gate, makes a twin and "
        "a\n"
        "snapshot, migrates, verifies and opens the gate. When anything fails the database is put back and\n"
        "stamped with the revision it came from; the failed database is kept.\n"
        "Exit status: 0 succeeded, 1 untouched, 3 refused, 4 restored, 5 type `belay recover`, 6 locked.",
    .options = options,
    .target_word = true,
    .answer = BELAY_ANSWER_RUN,
    .run = run,
};
