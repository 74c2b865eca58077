/* What the verbs that start a run share: options of the call to belay_run_options, a person's yes at the
 * terminal. */
#ifndef BELAY_CLI_RUNS_H
#define BELAY_CLI_RUNS_H

#include "cli/commands.h"
#include "pipeline/run.h"

/* Resolves target and store and fills `ret`; `store` is the caller's to free. */
bool belay_cli_run_options(belay_cli *cli, belay_store **store, belay_run_options *ret, belay_error *err);
/* belay_run_options.open_from; the context is the cli. */
bool belay_cli_open_from(void *cli, const char *target, belay_store **ret, belay_error *err);
/* belay_run_options.same_config; the context is the cli. Reads the configuration again as it was read at
 * first; BELAY_E_POLICY names the first key of the target that has another value than it had. */
bool belay_cli_same_config(void *cli, belay_error *err);
/* Prints the answer with --json and frees it; NULL: nothing. Returns `status`. */
int belay_cli_run_answer(belay_cli *cli, int status, json_t *json);

#endif
