#include "cli/runs.h"

#include "cli/confirm.h"

bool belay_cli_run_options(belay_cli *cli, belay_store **store, belay_run_options *ret, belay_error *err)
{
    if (!belay_cli_target(cli, err) || !belay_cli_store(cli, store, err))
        return false;
    ret->target = &cli->target;
    ret->dialer = cli->dialer;
    ret->store = *store;
    ret->reporter = cli->reporter;
    ret->confirm = belay_cli_is_attended() ? belay_cli_ask : NULL;
    return true;
}

int belay_cli_run_answer(belay_cli *cli, int status, json_t *json)
{
    if (cli->json && json != NULL)
        belay_cli_print_json(json);
    else
        json_decref(json);
    return status;
}
