#include "cli/runs.h"

#include "cli/confirm.h"
#include "config/difference.h"

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

bool belay_cli_open_from(void *context, const char *target, belay_store **ret, belay_error *err)
{
    belay_cli *cli = context;
    BELAY_AUTO(belay_free) char *url = NULL;
    BELAY_AUTO(belay_ssh_login_done) belay_ssh_login login = {0};
    if (!belay_config_store(cli->config, target, &url, &login, err))
        return false;
    const belay_store_options how = {.login = &login};
    return url == NULL || belay_equal(url, cli->target.store_url) ||
           belay_cli_open_store(cli, url, &how, ret, err);
}

bool belay_cli_same_config(void *context, belay_error *err)
{
    belay_cli *cli = context;
    const belay_config_sources sources = {cli->config_path, cli->env_file};
    BELAY_AUTO(belay_config_free) belay_config *config = NULL;
    belay_target target = {0};
    if (!belay_config_load(&sources, &config, err) ||
        !belay_config_target(config, cli->target_name, &target, err))
        return belay_error_prefix(err, "after pull_command");
    if (cli->jobs > 0)
        target.jobs = cli->jobs;
    BELAY_AUTO(belay_free) char *key = belay_target_difference(&cli->target, &target);
    belay_target_done(&target);
    if (key == NULL)
        return true;
    belay_fail(err, BELAY_E_POLICY, "pull_command brought another configuration of target %s: %s has changed",
        cli->target.name, key);
    belay_error_hint(err, "nothing was changed; run the command again, which then begins with the new one");
    return belay_error_place(err, belay_config_path(config), 0);
}

int belay_cli_run_answer(belay_cli *cli, int status, json_t *json)
{
    if (cli->json && json != NULL)
        belay_cli_print_json(json);
    else
        json_decref(json);
    return status;
}
