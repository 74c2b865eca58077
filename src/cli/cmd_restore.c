#include "cli/followers.h"
#include "cli/runs.h"
#include "pipeline/restore_run.h"

static struct {
    const char *revision;
    bool yes;
    belay_cli_followers followers;
} o;

static const belay_option options[] = {
    {"revision", 0, "REV",
        "the newest snapshot at that revision, or the nearest below it and the migrations up to it",
        BELAY_OPT_TEXT, &o.revision},
    {"yes", 'y', NULL, "go on without asking", BELAY_OPT_FLAG, &o.yes}, BELAY_FOLLOWER_OPTIONS(o.followers),
    BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_run_options how = {.verb = "restore", .yes = o.yes};
    json_t *json = NULL;
    const char *id = cli->words.count > 0 ? cli->words.items[0] : NULL;
    if ((id == NULL) == (o.revision == NULL)) {
        belay_fail(&err, BELAY_E_USAGE, "say what to restore: a snapshot's id, or --revision REV");
        return belay_cli_finish(cli, false, NULL, &err);
    }
    if (!belay_cli_followers_read(&o.followers, &how.followers, &err) ||
        !belay_cli_run_options(cli, &store, &how, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    int status = belay_restore_run(&how, id, o.revision, &json);
    return belay_cli_run_answer(cli, status, json);
}

const belay_command belay_cmd_restore = {
    .name = "restore",
    .group = "Runs",
    .usage = "restore ID | restore --revision REV",
    .summary = "put a snapshot in the place of the database, stamped",
    .details = "Builds a new database from the snapshot beside the present one, compares it, stamps it, and "
               "swaps the\n"
               "names in one transaction. The present database is kept as <name>__belay_failed_<run>.",
    .options = options,
    .max_words = 1,
    .answer = BELAY_ANSWER_RUN,
    .run = run,
};
