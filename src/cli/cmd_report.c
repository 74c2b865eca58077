#include <stdio.h>

#include "cli/commands.h"
#include "pipeline/journal.h"
#include "pipeline/runs.h"
#include "report/run_report.h"

static struct {
    bool markdown;
} o;

static const belay_option options[] = {
    {"markdown", 0, NULL, "Markdown, as for the job summary of a CI service", BELAY_OPT_FLAG, &o.markdown},
    BELAY_OPT_END};

/* What the run kept beside its journal: of the application's logs, and of what its commands said. */
static bool add_kept(belay_cli *cli, belay_store *store, const char *id, json_t *run, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = belay_format("%s/runs/%s/", cli->target.name, id);
    if (!store->list(store, prefix, &listing, err))
        return false;
    json_t *logs = json_array();
    for (size_t i = 0; i < listing.count; i++) {
        const char *rest = listing.items[i].name + strlen(prefix);
        BELAY_AUTO(belay_free) char *path = belay_store_path(store, listing.items[i].name);
        if (belay_starts_with(rest, "logs/"))
            json_array_append_new(logs, json_string(path));
        else if (belay_equal(rest, "commands.log"))
            json_object_set_new(run, "commands", json_string(path));
    }
    if (json_array_size(logs) > 0)
        json_object_set(run, "logs", logs);
    json_decref(logs);
    return true;
}

static bool read_run(belay_cli *cli, belay_store *store, const char *id, json_t **ret, belay_error *err)
{
    if (!belay_runs_read(store, cli->target.name, id, ret, err))
        return false;
    BELAY_AUTO(belay_free) char *name = belay_format("%s/runs/%s/journal.ndjson", cli->target.name, id);
    BELAY_AUTO(belay_free) char *path = belay_store_path(store, name);
    json_object_set_new(*ret, "journal", json_string(path));
    return add_kept(cli, store, id, *ret, err);
}

/* The run that the word names by a unique prefix; "last" or no word: the newest. */
static bool find_run(belay_cli *cli, belay_store *store, json_t **ret, belay_error *err)
{
    const char *word = cli->words.count == 0 ? "last" : cli->words.items[0];
    const char *found = NULL;
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    if (!belay_runs_list(store, cli->target.name, &ids, err))
        return false;
    for (size_t i = 0; i < ids.count; i++) {
        bool meant = belay_equal(word, "last") ? i == 0 : belay_starts_with(ids.items[i], word);
        if (meant && found != NULL) {
            belay_fail(
                err, BELAY_E_USAGE, "several runs begin with \"%s\": %s and %s", word, found, ids.items[i]);
            return belay_error_hint(
                err, "give more characters of the id; `belay runs -t %s` lists them", cli->target.name);
        }
        found = meant ? ids.items[i] : found;
    }
    if (found != NULL)
        return read_run(cli, store, found, ret, err);
    if (ids.count == 0) {
        belay_fail(err, BELAY_E_NOT_FOUND, "target %s has no runs in %s", cli->target.name, store->url);
        return belay_error_hint(
            err, "`belay deploy %s` makes the first; -t names another target", cli->target.name);
    }
    belay_fail(err, BELAY_E_NOT_FOUND, "target %s has no run \"%s\"", cli->target.name, word);
    return belay_error_hint(err, "`belay runs -t %s` lists them", cli->target.name);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    BELAY_AUTO(belay_json_free) json_t *found = NULL;
    bool ok = !(cli->json && o.markdown) ||
              belay_fail(&err, BELAY_E_USAGE, "one of --json and --markdown, not both");
    ok = ok && belay_cli_store(cli, &store, &err) && find_run(cli, store, &found, &err);
    if (ok && !cli->json) {
        (o.markdown ? belay_run_report_markdown : belay_run_report_text)(found, &text);
        BELAY_AUTO(belay_free) char *shown = belay_printable(belay_str_text(&text), "\n\t");
        fputs(shown, stdout);
    }
    return belay_cli_finish(cli, ok, belay_take(found), &err);
}

const belay_command belay_cmd_report = {
    .name = "report",
    .group = "Runs",
    .usage = "report [options] [RUN | last]",
    .summary = "show a run: outcome, stages with their times, error, where snapshot and journal are",
    .details = "Without RUN the newest. A unique prefix of the run's id suffices. In GitHub Actions:\n\n"
               "    belay report --markdown >> \"$GITHUB_STEP_SUMMARY\"",
    .options = options,
    .max_words = 1,
    .run = run,
};
