#include "cli/runs.h"

#include <stdio.h>
#include <unistd.h>

/* The line typed at the terminal is the wanted answer. */
static bool ask(void *context, const char *question, const char *answer)
{
    (void)context;
    char line[256] = "";
    fprintf(stderr, "%s ", question);
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return belay_equal(line, answer);
}

bool belay_cli_run_options(belay_cli *cli, belay_store **store, belay_run_options *ret, belay_error *err)
{
    if (!belay_cli_target(cli, err) || !belay_cli_store(cli, store, err))
        return false;
    ret->target = &cli->target;
    ret->dialer = cli->dialer;
    ret->store = *store;
    ret->reporter = cli->reporter;
    ret->confirm = isatty(0) == 1 && isatty(2) == 1 ? ask : NULL;
    return true;
}

int belay_cli_run_answer(belay_cli *cli, int status, json_t *json)
{
    if (cli->json && json != NULL) {
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    }
    json_decref(json);
    return status;
}
