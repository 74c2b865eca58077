#include "cli/followers.h"
#include "cli/jobs.h"
#include "cli/rate.h"
#include "cli/runs.h"
#include "cli/server_space.h"
#include "pipeline/restore_run.h"
#include "pipeline/restore_tables.h"

static struct {
    const char *revision;
    const char *from;
    bool yes, create_roles;
    long long jobs;
    belay_cli_followers followers;
    const char *server_space;
    const char *rate;
    belay_list tables, schemas;
    const char *into_schema, *into_table;
} o = {.jobs = BELAY_JOBS_UNSET};

static const belay_option options[] = {
    {"revision", 0, "REV",
        "the newest snapshot at that revision, or the nearest below it and the migrations up to it",
        BELAY_OPT_TEXT, &o.revision},
    {"from", 0, "TARGET", "a snapshot of that target, as staging from production", BELAY_OPT_TEXT, &o.from},
    {"table", 0, "NAME", "only this table, beside what there is; again for each", BELAY_OPT_LIST, &o.tables},
    {"schema", 0, "NAME", "only the tables of this schema; again for each", BELAY_OPT_LIST, &o.schemas},
    {"into-schema", 0, "NAME", "where they go (default: restored_ and the end of the snapshot's id)",
        BELAY_OPT_TEXT, &o.into_schema},
    {"into-table", 0, "NAME", "what the one table is called then, as orders_old or audit.orders",
        BELAY_OPT_TEXT, &o.into_table},
    {"create-roles", 0, NULL, "create the roles that the server lacks, without passwords", BELAY_OPT_FLAG,
        &o.create_roles},
    {"yes", 'y', NULL, "go on without asking", BELAY_OPT_FLAG, &o.yes}, BELAY_FOLLOWER_OPTIONS(o.followers),
    BELAY_SERVER_SPACE_OPTION(o.server_space), BELAY_JOBS_OPTION(o.jobs), BELAY_RATE_OPTION(o.rate),
    BELAY_OPT_END};

/* The other target's snapshots may lie in a store of its own. */
static bool open_from(belay_cli *cli, belay_store **store, belay_run_options *how, belay_error *err)
{
    if (o.from == NULL || belay_equal(o.from, cli->target.name))
        return true;
    how->from = o.from;
    bool ok = belay_cli_open_from(cli, o.from, store, err);
    how->from_store = *store;
    return ok;
}

static bool wants_tables(void)
{
    return o.tables.count + o.schemas.count > 0;
}

static bool check_words(const char *id, belay_error *err)
{
    if (!wants_tables() && (o.into_schema != NULL || o.into_table != NULL))
        return belay_fail(err, BELAY_E_USAGE, "--into-schema and --into-table go with --table or --schema");
    if (o.into_schema != NULL && o.into_table != NULL)
        return belay_fail(err, BELAY_E_USAGE, "--into-schema or --into-table, not both");
    if (wants_tables() && id == NULL)
        return belay_fail(err, BELAY_E_USAGE, "--table and --schema want a snapshot's id");
    return (id == NULL) != (o.revision == NULL) ||
           belay_fail(err, BELAY_E_USAGE, "say what to restore: a snapshot's id, or --revision REV");
}

static int restore_tables(const belay_run_options *how, const char *id, json_t **ret_json)
{
    const belay_restore_tables_wish wish = {.id = id,
        .tables = &o.tables,
        .schemas = &o.schemas,
        .into_schema = o.into_schema,
        .into_table = o.into_table,
        .publish = o.followers.ignore};
    return belay_restore_tables(how, &wish, ret_json);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_store_free) belay_store *from_store = NULL;
    belay_run_options how = {.verb = "restore", .yes = o.yes, .create_roles = o.create_roles};
    json_t *json = NULL;
    const char *id = cli->words.count > 0 ? cli->words.items[0] : NULL;
    if (!check_words(id, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    if (!belay_cli_jobs(cli, o.jobs, &err) || !belay_cli_rate(cli, o.rate, &err) ||
        !belay_cli_followers_read(&o.followers, &how.followers, &err) ||
        !belay_cli_server_space(o.server_space, &how.server_space_bytes, &err) ||
        !belay_cli_run_options(cli, &store, &how, &err) || !open_from(cli, &from_store, &how, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    int status =
        wants_tables() ? restore_tables(&how, id, &json) : belay_restore_run(&how, id, o.revision, &json);
    return belay_cli_run_answer(cli, status, json);
}

const belay_command belay_cmd_restore = {
    .name = "restore",
    .group = "Runs",
    .usage = "restore ID [--table NAME...] | restore --revision REV [options]",
    .summary = "put a snapshot in the place of the database, stamped",
    .details =
        "Builds a new database from the snapshot beside the present one, compares it, stamps it, and "
        "swaps the\n"
        "names in one transaction. The present database is kept as <name>__belay_failed_<run>.\n"
        "Rights, room, extensions, roles and tablespaces are looked at before: what is missing refuses\n"
        "with exit status 3. Another target's snapshot wants --from TARGET; the database then keeps its\n"
        "own owner, rights and settings.\n\n"
        "With --table or --schema the database stays as it is: those tables come beside what there is, with\n"
        "their rows, sequences, indexes and the keys between them, in one transaction, compared; never over\n"
        "an existing one.",
    .options = options,
    .max_words = 1,
    .answer = BELAY_ANSWER_RUN,
    .run = run,
};
