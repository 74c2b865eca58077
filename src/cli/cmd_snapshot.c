#include "cli/jobs.h"
#include "cli/rate.h"
#include "cli/snapshots.h"
#include "restore/lint.h"

static struct {
    long long jobs;
    const char *format;
    long long level;
    bool look_far;
    const char *lock_wait;
    bool no_lint;
    const char *rate;
} o = {.jobs = BELAY_JOBS_UNSET};

static const belay_option options[] = {BELAY_JOBS_OPTION(o.jobs),
    {"format", 0, "NAME", "of rows: auto, text or binary (default: the key format)", BELAY_OPT_TEXT,
        &o.format},
    {"level", 0, "N", "zstd level, -50 to 19 (default: 1)", BELAY_OPT_INT, &o.level},
    {"long", 0, NULL, "look for what repeats itself over 8 MB, not half of one", BELAY_OPT_FLAG, &o.look_far},
    {"lock-wait", 0, "TIME", "how long to wait for locks of others, and others for its own (default: 10s)",
        BELAY_OPT_TEXT, &o.lock_wait},
    {"no-lint", 0, NULL, "do not try whether it can be restored", BELAY_OPT_FLAG, &o.no_lint},
    BELAY_RATE_OPTION(o.rate), BELAY_OPT_END};

static bool read_options(belay_snapshot_options *how, belay_error *err)
{
    enum { LEVEL_MIN = -50, LEVEL_MAX = 19 };
    long long wait_ms = 0;
    if (o.level < LEVEL_MIN || o.level > LEVEL_MAX)
        return belay_fail(err, BELAY_E_USAGE, "--level takes a number from %d to %d", LEVEL_MIN, LEVEL_MAX);
    if (o.lock_wait != NULL && (!belay_parse_duration_ms(o.lock_wait, &wait_ms) || wait_ms <= 0))
        return belay_fail(err, BELAY_E_USAGE, "--lock-wait takes a time such as 500ms, 10s or 2min");
    how->level = (int)o.level;
    how->look_far = o.look_far;
    how->lock_wait_ms = wait_ms;
    return true;
}

static bool read_format(belay_cli *cli, belay_error *err)
{
    return o.format == NULL || belay_copy_format_find(o.format, &cli->target.format) ||
           belay_fail(err, BELAY_E_USAGE, "--format takes auto, text or binary, not \"%s\"", o.format);
}

/* The snapshot is there; what keeps the lint from an answer is said. False: it cannot be restored. */
static bool lint(belay_cli *cli, belay_store *store, const belay_snapshot_info *info, belay_check_report *ret,
    belay_error *err)
{
    const belay_lint_options how = {.prove = {.dialer = cli->dialer,
                                        .target = &cli->target,
                                        .run_id = info->id,
                                        .reporter = cli->reporter},
        .dbname = belay_target_dbname(&cli->target)};
    belay_error why = {0};
    /* Who only takes snapshots need not have the key that reads them. */
    if (!belay_lint(&how, store, info, ret, &why))
        belay_say(cli->reporter, why.code == BELAY_E_KEY ? BELAY_INFO : BELAY_WARN,
            "whether it can be restored was not found out: %s", why.message);
    return belay_check_report_require(ret, BELAY_E_VERIFY, err) ||
           belay_error_prefix(err, "the snapshot %s is kept, but cannot be restored", info->id);
}

/* It can be signed later, by minisign on another machine. */
static void warn_of_unsigned(const belay_cli *cli, const belay_snapshot_info *info)
{
    const belay_target *target = &cli->target;
    if (target->require_signature.count > 0 && target->sign_with == NULL)
        belay_say(cli->reporter, BELAY_WARN,
            "snapshot %s is not signed, and target %s has require_signature: nothing uses it until "
            "`minisign -S -W` has signed it",
            info->id, target->name);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_snapshot_options how = {.reporter = cli->reporter};
    bool ok = read_options(&how, &err) && belay_cli_target(cli, &err) && read_format(cli, &err) &&
              belay_cli_jobs(cli, o.jobs, &err) && belay_cli_rate(cli, o.rate, &err) &&
              belay_cli_store(cli, &store, &err);
    how.dialer = cli->dialer;
    how.target = &cli->target;
    if (ok)
        how.dbname = how.public_name = belay_target_dbname(&cli->target);
    ok = ok && belay_snapshot_take(&how, store, &info, &err);
    if (ok)
        belay_cli_print(cli,
            "snapshot %s: %llu table%s, %llu row%s, %.1f MB (from %.1f MB) in %.1f s, verified\n%s", info.id,
            (unsigned long long)info.tables, info.tables == 1 ? "" : "s", (unsigned long long)info.rows,
            info.rows == 1 ? "" : "s", (double)info.bytes / 1e6, (double)info.raw_bytes / 1e6, info.seconds,
            info.path);
    if (ok)
        warn_of_unsigned(cli, &info);
    json_t *json = ok ? belay_cli_snapshot_json(&info) : NULL;
    if (ok && !o.no_lint) {
        ok = lint(cli, store, &info, &report, &err);
        json_object_set_new(json, "lint", belay_check_report_json(&report));
    }
    return belay_cli_finish(cli, ok, json, &err);
}

const belay_command belay_cmd_snapshot = {
    .name = "snapshot",
    .group = "Snapshots",
    .usage = "snapshot [options] [TARGET]",
    .summary = "take a snapshot of the target, read it back, publish it",
    .details = "Nothing is changed in the database. Others may read and write meanwhile, but not drop or\n"
               "alter tables. Then the schema, without rows, is restored once into a scratch database, and\n"
               "what would stand in a restore's way is named; exit status 1 when it cannot be restored.",
    .options = options,
    .target_word = true,
    .run = run,
};
