#include "cli/runs.h"
#include "pipeline/recover.h"

static struct {
    bool accept_loss;
    bool keep;
} o;

static const belay_option options[] = {
    {"accept-loss", 0, NULL, "restore, also where the policy was to stop or the gate was open",
        BELAY_OPT_FLAG, &o.accept_loss},
    {"keep", 0, NULL, "keep the database as it stands and open the gate: a person looked at it",
        BELAY_OPT_FLAG, &o.keep},
    BELAY_OPT_END};

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_run_options how = {.verb = "recover",
        .accept_loss = o.accept_loss,
        .keep = o.keep,
        .open_from = belay_cli_open_from,
        .open_from_context = cli};
    json_t *json = NULL;
    if (o.accept_loss && o.keep) {
        belay_fail(&err, BELAY_E_USAGE, "--accept-loss restores and --keep does not: give one of them");
        return belay_cli_finish(cli, false, NULL, &err);
    }
    if (!belay_cli_run_options(cli, &store, &how, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    int status = belay_recover(&how, &json);
    return belay_cli_run_answer(cli, status, json);
}

const belay_command belay_cmd_recover = {
    .name = "recover",
    .group = "Runs",
    .usage = "recover [options]",
    .summary = "bring a run that died to a named state",
    .details = "Ends the dead run's sessions, looks what it committed, and ends it as succeeded, untouched "
               "or restored.\n"
               "A restore that died is gone on with in its half-made database; with --keep that is dropped.\n"
               "Exit status: 0, or 5 when a person is needed still.",
    .options = options,
    .answer = BELAY_ANSWER_RUN,
    .run = run,
};
