#include "cli/commands.h"
#include "pipeline/journal.h"
#include "pipeline/runs.h"

static const char *text(const json_t *run, const char *key)
{
    const char *value = belay_json_text(run, key);
    return value == NULL ? "-" : value;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    bool ok = belay_cli_store(cli, &store, &err) && belay_runs_list(store, cli->target.name, &ids, &err);
    json_t *runs = json_array();
    if (ok && ids.count == 0)
        belay_say(cli->reporter, BELAY_INFO, "target %s has no runs in %s", cli->target.name, store->url);
    if (ok && ids.count > 0)
        belay_cli_print(cli, "%-25s %-8s %-15s %-21s %s", "RUN", "VERB", "OUTCOME", "STARTED", "HOST");
    for (size_t i = 0; ok && i < ids.count; i++) {
        json_t *one = NULL;
        ok = belay_runs_read(store, cli->target.name, ids.items[i], &one, &err);
        if (!ok)
            break;
        belay_cli_print(cli, "%-25s %-8s %-15s %-21s %s", text(one, "run"), text(one, "verb"),
            text(one, "outcome"), text(one, "started_at"), text(one, "host"));
        json_array_append_new(runs, one);
    }
    return belay_cli_finish(cli, ok, json_pack("{s:b, s:o}", "ok", ok, "runs", runs), &err);
}

const belay_command belay_cmd_runs = {
    .name = "runs",
    .group = "Runs",
    .usage = "runs",
    .summary = "list the runs of a target, newest first",
    .run = run,
};
