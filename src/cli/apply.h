/* What `upgrade` and `downgrade` share: the bare verbs, without snapshot and gate. */
#ifndef BELAY_CLI_APPLY_H
#define BELAY_CLI_APPLY_H

#include "cli/commands.h"
#include "gate/keeper.h"
#include "migrate/engine.h"

typedef struct belay_apply_options {
    bool downgrade;
    bool plan; /* show the steps only */
    bool sql;  /* print the script only */
    bool without_snapshot, yes;
} belay_apply_options;

/* Their rows in a command's table. */
/* clang-format off */
#define BELAY_APPLY_OPTIONS(o)                                                                             \
    {"plan", 0, NULL, "show the steps, change nothing", BELAY_OPT_FLAG, &(o).plan},                        \
    {"sql", 0, NULL, "print the script for psql instead; REVISION may be a range a:b", BELAY_OPT_FLAG,     \
        &(o).sql},                                                                                         \
    {"without-snapshot", 0, NULL, "on a production target: go on although there is no way back",           \
        BELAY_OPT_FLAG, &(o).without_snapshot},                                                            \
    {"yes", 'y', NULL, "do not ask", BELAY_OPT_FLAG, &(o).yes}
/* clang-format on */

#define BELAY_APPLY_DETAILS                                                                                  \
    "The bare verb: on failure the revisions that were committed before stand, and are named (exit 1).\n"    \
    "`belay deploy` takes a snapshot first and puts the database back when it fails."

/* The whole body; the first word is the revision, or a:b with sql. Returns the exit status. */
int belay_cli_apply(belay_cli *cli, const belay_apply_options *options);

/* Applies a plan (nothing when it has no steps) while the keeper holds the target's lock; a failure says
 * which revisions stand, and is BELAY_E_NEEDS_RECOVERY when that is not known. */
bool belay_cli_run_plan(belay_cli *cli, belay_engine *engine, belay_keeper *keeper, const char *run_id,
    const belay_plan *plan, belay_apply_result *ret, belay_error *err);

/* belay_cli_finish behind it. What a revision of the call left is never behind a status that says nothing was
 * changed.
 */
int belay_cli_finish_plan(
    belay_cli *cli, bool ok, json_t *json, const belay_apply_result *result, const belay_error *err);

/* Prints the offline script of a plan on stdout (cli/offline.c). */
bool belay_cli_print_script(const belay_target *target, const belay_plan *plan, belay_error *err);
/* Prints what `stamp` would do as a script; a plan from nowhere forgets all rows that there are. */
void belay_cli_print_stamp(const belay_target *target, const belay_plan *plan);

#endif
