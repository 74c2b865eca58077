#include "cli/jobs.h"
#include "cli/rate.h"
#include "restore/prove.h"
#include "util/clock.h"

static struct {
    bool create_roles;
    long long jobs;
    const char *rate;
} o = {.jobs = BELAY_JOBS_UNSET};

static const belay_option options[] = {
    {"create-roles", 0, NULL, "create the roles that the server lacks, without passwords", BELAY_OPT_FLAG,
        &o.create_roles},
    BELAY_JOBS_OPTION(o.jobs), BELAY_RATE_OPTION(o.rate), BELAY_OPT_END};

/* The snapshot that the word names, or the target's newest one that is whole. */
static bool find_snapshot(
    const belay_cli *cli, belay_store *store, belay_snapshot_info *ret, belay_error *err)
{
    if (cli->words.count > 0)
        return belay_snapshot_find(store, cli->target.name, cli->words.items[0], ret, err);
    bool found = false;
    if (!belay_snapshot_newest(store, cli->target.name, ret, &found, err))
        return false;
    if (found)
        return true;
    belay_fail(err, BELAY_E_NOT_FOUND, "target %s has no snapshot to prove", cli->target.name);
    return belay_error_hint(err, "take one with `belay snapshot -t %s`", cli->target.name);
}

static json_t *answer(const belay_snapshot_info *info, const belay_proof *proof)
{
    return json_pack("{s:b, s:s, s:s, s:I, s:f, s:f, s:f, s:o}", "ok", 1, "id", info->id, "target",
        info->target, "rows", (json_int_t)proof->rows, "seconds", proof->seconds, "seconds_load",
        proof->seconds_load, "seconds_compare", proof->seconds_compare, "warnings",
        belay_json_of_list(&proof->warnings));
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_proof_done) belay_proof proof = {0};
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    bool ok = belay_cli_jobs(cli, o.jobs, &err) && belay_cli_rate(cli, o.rate, &err) &&
              belay_cli_store(cli, &store, &err) && find_snapshot(cli, store, &info, &err);
    const belay_prove_options how = {.dialer = cli->dialer,
        .target = &cli->target,
        .create_roles = o.create_roles,
        .run_id = run_id,
        .reporter = cli->reporter};
    ok = ok && belay_prove(&how, store, &info, &proof, &err);
    if (ok)
        belay_cli_print(cli, "snapshot %s is proven: %llu rows restored and compared in %.1f s", info.id,
            (unsigned long long)proof.rows, proof.seconds);
    return belay_cli_finish(cli, ok, ok ? answer(&info, &proof) : NULL, &err);
}

const belay_command belay_cmd_prove = {
    .name = "prove",
    .group = "Snapshots",
    .usage = "prove [options] [ID]",
    .summary = "restore a snapshot into a scratch database, compare, and drop it",
    .details =
        "Without ID the target's newest snapshot is proven. The target itself is not touched; its server\n"
        "needs room for one more copy, and the role the right to create databases. A unique prefix of\n"
        "the ID suffices.",
    .options = options,
    .max_words = 1,
    .run = run,
};
