#include "cli/jobs.h"
#include "cli/lock.h"
#include "rehearse/rehearse.h"
#include "util/clock.h"

static struct {
    bool fresh, cluster, create_roles;
    const char *to;
    long long jobs;
} o = {.jobs = BELAY_JOBS_UNSET};

static const belay_option options[] = {
    {"to", 0, "REV", "revision to go to (default: head)", BELAY_OPT_TEXT, &o.to},
    {"fresh", 0, NULL, "take a snapshot now, even when there is a verified one", BELAY_OPT_FLAG, &o.fresh},
    {"cluster", 0, NULL, "use a private server on this machine, not a scratch database on the target's",
        BELAY_OPT_FLAG, &o.cluster},
    {"create-roles", 0, NULL, "create the roles that the server lacks, without passwords", BELAY_OPT_FLAG,
        &o.create_roles},
    BELAY_JOBS_OPTION(o.jobs), BELAY_OPT_END};

/* The target is untouched either way: only a copy was migrated. */
static json_t *answer(
    const belay_cli *cli, const char *run_id, const belay_rehearsal *r, bool ok, const belay_error *err)
{
    const char *outcome = ok ? "succeeded" : err->code == BELAY_E_LOCKED ? "refused" : "untouched";
    return json_pack(
        "{s:s, s:s?, s:s, s:o, s:o, s:s?, s:n, s:n, s:o, s:i, s:i, s:s?, s:o, s:s?, s:b, s:s?, s:o}", "run",
        run_id, "target", cli->target.name, "outcome", outcome, "from", belay_json_of_list(&r->from), "to",
        belay_json_of_list(&r->to), "snapshot", r->snapshot_id, "twin", "kept", "stages",
        belay_rehearsal_stages(r), "steps", (int)r->steps, "downgraded", (int)r->downgraded, "irreversible",
        r->irreversible, "schema_equal", r->schema_compared ? json_boolean(r->schema_equal) : json_null(),
        "schema_difference", r->schema_difference, "private_server", r->private_server, "record", r->record,
        "warnings", belay_json_of_list(&r->warnings));
}

static const char *schema_verdict(const belay_rehearsal *r)
{
    if (!r->schema_compared)
        return r->irreversible != NULL ? "not compared: a revision is irreversible" : "not compared";
    return r->schema_equal ? "equals the one before" : "DIFFERS from the one before";
}

static void print_report(const belay_cli *cli, const belay_rehearsal *r)
{
    for (size_t i = 0; i < r->stage_count; i++)
        belay_cli_print(
            cli, "%-14s %-8s %8.2f s", r->stages[i].name, r->stages[i].outcome, r->stages[i].seconds);
    belay_cli_print(cli, "rehearsed %zu revision%s on snapshot %s; the schema after the downgrade: %s",
        r->steps, r->steps == 1 ? "" : "s", r->snapshot_id, schema_verdict(r));
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_rehearsal_done) belay_rehearsal rehearsal = {0};
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    if (!belay_cli_jobs(cli, o.jobs, &err) || !belay_cli_store(cli, &store, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    const belay_rehearse_options how = {.dialer = cli->dialer,
        .target = &cli->target,
        .store = store,
        .run_id = run_id,
        .to = o.to,
        .fresh = o.fresh,
        .cluster = o.cluster,
        .create_roles = o.create_roles,
        .reporter = cli->reporter};
    bool ok = belay_rehearse(&how, &rehearsal, &err);
    if (ok)
        print_report(cli, &rehearsal);
    belay_cli_explain_missing(cli, &err);
    return belay_cli_finish(cli, ok, answer(cli, run_id, &rehearsal, ok, &err), &err);
}

const belay_command belay_cmd_rehearse = {
    .name = "rehearse",
    .group = "Runs",
    .usage = "rehearse [options] [TARGET]",
    .summary = "run the pending migrations on a restored copy, and back again",
    .details =
        "Restores the newest verified snapshot (or a fresh one) into a scratch database, compares it, runs\n"
        "the pending migrations as a deploy would, verifies, takes them back, applies them again, and drops\n"
        "the copy. What went well is recorded in the target's store: a deploy with require_rehearsal = yes\n"
        "looks for it. The target is not changed. Exit status 0: all went well; 1: something failed.",
    .options = options,
    .target_word = true,
    .answer = BELAY_ANSWER_RUN,
    .run = run,
};
