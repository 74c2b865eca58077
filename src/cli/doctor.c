#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/doctor.sql.h"
#include "cli/lock.h"
#include "migrate/engine.h"
#include "pg/pg.h"
#include "pipeline/prune.h"
#include "pipeline/runs.h"
#include "preflight/preflight.h"
#include "seal/keyring.h"
#include "snapshot/dump.h"
#include "util/clock.h"
#include "util/crew.h"

typedef struct doctor {
    belay_cli *cli;
    belay_check_report *report;
    const char *name; /* of the check at work */
    belay_store *store;
    belay_engine *engine;
    belay_pg *maintenance; /* NULL: not reached */
    belay_pg *pg;          /* to the target itself; NULL: not reached */
    belay_code unreached;  /* why pg is NULL */
} doctor;

static void say(doctor *d, belay_verdict verdict, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void say(doctor *d, belay_verdict verdict, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length >= 0)
        belay_check_report_add(d->report, d->name, verdict, text, hint);
    free(text);
}

static void say_error(doctor *d, const belay_error *err)
{
    belay_error placed = *err;
    if (err->file[0] != '\0' && err->line > 0)
        belay_error_prefix(&placed, "%s:%ld", err->file, err->line);
    else if (err->file[0] != '\0')
        belay_error_prefix(&placed, "%s", err->file);
    belay_check_report_add_error(d->report, d->name, BELAY_REFUSE, &placed);
}

static void check_config(doctor *d)
{
    belay_error err = {0};
    if (!belay_cli_target(d->cli, &err)) {
        say_error(d, &err);
        return;
    }
    const char *path = belay_config_path(d->cli->config);
    say(d, BELAY_OK, NULL, "target %s (%s) from %s", d->cli->target.name,
        belay_environment_name(d->cli->target.environment), path == NULL ? "the environment" : path);
}

static void check_migrations(doctor *d)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    if (!belay_engine_open(&d->cli->target, &d->engine, &err)) {
        say_error(d, &err);
        return;
    }
    const belay_graph *graph = d->engine->graph;
    if (graph == NULL)
        return;
    belay_graph_real_heads(graph, &heads);
    BELAY_AUTO(belay_free) char *names = belay_list_join(&heads, ", ");
    if (belay_graph_count(graph) == 0)
        say(d, BELAY_WARNING, "`belay revision -m \"...\"` begins the first one", "%s has no migration files",
            d->cli->target.migrations);
    else if (heads.count > 1)
        say(d, BELAY_WARNING,
            "`belay branches` shows where they part, `belay merge -m \"...\" heads` joins them",
            "%zu revisions with %zu heads: %s", belay_graph_count(graph), heads.count, names);
    else
        say(d, BELAY_OK, NULL, "%zu revision%s, head %s", belay_graph_count(graph),
            belay_graph_count(graph) == 1 ? "" : "s", names);
}

/* Tried, since rights, quotas and mounts have many ways to say no. */
static bool try_store(doctor *d, belay_error *err)
{
    char id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(id);
    BELAY_AUTO(belay_free) char *name = belay_format("%s/doctor-%s.part", d->cli->target.name, id);
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    if (!belay_cli_store(d->cli, &d->store, err) || !d->store->create(d->store, name, &sink, err))
        return false;
    bool ok = sink->write(sink, "doctor\n", 7, err) && sink->sync(sink, err);
    belay_sink_close(belay_take(sink));
    return d->store->remove(d->store, name, ok ? err : NULL) && ok;
}

static void check_store(doctor *d)
{
    belay_error err = {0};
    uint64_t free_bytes = UINT64_MAX;
    if (!try_store(d, &err)) {
        if (err.code == BELAY_E_IO && !belay_starts_with(d->cli->target.store_url, "sftp://"))
            belay_error_hint(&err,
                "snapshots and journals are written to %s: give this user the right to write there, or "
                "change the target's store",
                d->cli->target.store_url);
        say_error(d, &err);
        return;
    }
    if (d->store->free_space(d->store, &free_bytes, NULL) && free_bytes != UINT64_MAX)
        say(d, BELAY_OK, NULL, "%s is writable, %.1f GB free", d->store->url, (double)free_bytes / 1e9);
    else
        say(d, BELAY_OK, NULL, "%s is writable", d->store->url);
    if (d->store->caveat != NULL)
        say(d, BELAY_WARNING, "docs/remote-store.md tells what belay asks of a server", "%s: %s",
            d->store->url, d->store->caveat);
}

/* Files of snapshots that were killed, and what belongs to no snapshot. */
static void check_leftovers(doctor *d)
{
    belay_error err = {0};
    BELAY_AUTO(belay_prune_done) belay_prune plan = {0};
    const belay_prune_options how = {.target = &d->cli->target,
        .store = d->store,
        .reporter = d->cli->reporter,
        .retention = belay_retention_of(&d->cli->target)};
    size_t count = 0;
    if (!belay_prune_plan(&how, &plan, &err)) {
        say_error(d, &err);
        return;
    }
    for (size_t i = 0; i < plan.count; i++) {
        const belay_prune_item *one = &plan.items[i];
        if (belay_equal(one->kind, "part") && count++ == 0)
            say(d, BELAY_WARNING,
                "`belay prune` removes what is left over, and `belay prune --dry-run` lists it", "%s: %s",
                one->name, one->why);
    }
    if (count > 1)
        say(d, BELAY_WARNING, NULL, "and %zu more files like it", count - 1);
    if (count == 0)
        say(d, BELAY_OK, NULL, "nothing in the store is left over");
}

/* Whether those that are configured can be read, and what is signed here would be used here; pre-flight's
 * check of that name asks whether a run could go back to what it writes. */
static void check_keys(doctor *d)
{
    const belay_target *target = &d->cli->target;
    const belay_age_recipients *recipients = NULL;
    const belay_age_identities *identities = NULL;
    const belay_signer *signer = NULL;
    belay_error err = {0};
    BELAY_AUTO(belay_keyring_free) belay_keyring *keyring = belay_keyring_new(target);
    if (!belay_keyring_recipients(keyring, &recipients, &err) ||
        (target->identity.count > 0 && !belay_keyring_identities(keyring, &identities, &err)) ||
        !belay_keyring_signer(keyring, &signer, &err) || !belay_keyring_check_signer(keyring, &err))
        say_error(d, &err);
    else if (signer == NULL && target->require_signature.count > 0)
        say(d, BELAY_WARNING, "let sign_with name the private key of a key in require_signature",
            "require_signature wants signed snapshots, and target %s signs none", target->name);
    else
        say(d, BELAY_OK, NULL, "snapshots are %s and %s",
            recipients->count > 0 ? "encrypted" : "not encrypted", signer != NULL ? "signed" : "not signed");
}

/* Behind a gate, or how to create what is not there, with the names filled in. */
static void explain_missing(const belay_cli *cli, belay_error *err)
{
    const belay_target *target = &cli->target;
    belay_cli_explain_missing(cli, err);
    if (err->code != BELAY_E_NO_DATABASE)
        return;
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(belay_target_dbname(target));
    if (target->environment == BELAY_DEVELOPMENT)
        belay_error_hint(err, "`belay dev %s` creates it and applies the migrations", target->name);
    else
        belay_error_hint(err,
            "check dbname of target %s; `belay runs` shows whether an unfinished run renamed it; for a new "
            "one: CREATE DATABASE %s",
            target->name, quoted);
}

static void check_maintenance(doctor *d)
{
    belay_error err = {0};
    const belay_target *target = &d->cli->target;
    belay_pg_options options = {.dbname = target->maintenance_db, .profile = BELAY_PG_PINNED};
    if (belay_equal(target->maintenance_db, belay_target_dbname(target))) {
        say(d, BELAY_REFUSE, "set maintenance_db to another database, usually postgres",
            "maintenance_db is the target's own database \"%s\": a session there blocks the renames of a run",
            target->maintenance_db);
        return;
    }
    if (belay_pg_open(d->cli->dialer, &options, &d->maintenance, &err)) {
        say(d, BELAY_OK, NULL, "\"%s\" on %s, where locks are held from", target->maintenance_db,
            belay_pg_address(d->maintenance));
        return;
    }
    bool of_database = err.code == BELAY_E_PERMISSION || err.code == BELAY_E_NO_DATABASE;
    if (err.code == d->unreached && !of_database)
        return; /* the same server, the same reason */
    const char *user = belay_conninfo_get(&target->connection, "user");
    BELAY_AUTO(belay_free) char *role = belay_quote_ident(user == NULL ? "" : user);
    BELAY_AUTO(belay_free) char *database = belay_quote_ident(target->maintenance_db);
    if (err.code == BELAY_E_PERMISSION)
        belay_error_hint(&err,
            "GRANT CONNECT ON DATABASE %s TO %s, or set maintenance_db to another database", database, role);
    else if (err.code == BELAY_E_NO_DATABASE)
        belay_error_hint(&err, "set maintenance_db of target %s to a database that exists (not the target's)",
            target->name);
    say_error(d, &err);
}

static void check_connection(doctor *d)
{
    belay_error err = {0};
    if (belay_cli_connect(d->cli, BELAY_PG_USER, &d->pg, &err)) {
        const char *user = belay_conninfo_get(&d->cli->target.connection, "user");
        int version = belay_pg_server_version(d->pg);
        say(d, BELAY_OK, NULL, "database \"%s\" on %s as %s, PostgreSQL %d.%d, no pooler in between",
            belay_pg_dbname(d->pg), belay_pg_address(d->pg), user, version / 10000, version % 10000);
        return;
    }
    d->unreached = err.code;
    explain_missing(d->cli, &err);
    say_error(d, &err);
}

static belay_pg *any(doctor *d)
{
    return d->pg != NULL ? d->pg : d->maintenance;
}

/* Adds the rows of a query as findings; true when there were none. */
static bool none_found(doctor *d, belay_pg *pg, const char *sql, const char *param)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query(pg, sql, &param, strstr(sql, "$1") == NULL ? 0 : 1, &rows, &err)) {
        say_error(d, &err);
        return false;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        say(d, belay_equal(belay_rows_text(rows, i, 0), "refuse") ? BELAY_REFUSE : BELAY_WARNING,
            belay_rows_text(rows, i, 2), "%s", belay_rows_text(rows, i, 1));
    return belay_rows_count(rows) == 0;
}

static void check_server(doctor *d)
{
    int version = belay_pg_server_version(any(d));
    if (none_found(d, any(d), sql_doctor_server, NULL))
        say(d, BELAY_OK, NULL, "PostgreSQL %d.%d, a primary", version / 10000, version % 10000);
}

/* The version table's name as SQL writes it. */
static char *quoted_version_table(const belay_target *target)
{
    BELAY_AUTO(belay_free) char *table = belay_quote_ident(target->version_table);
    if (target->version_table_schema == NULL)
        return belay_take(table);
    BELAY_AUTO(belay_free) char *schema = belay_quote_ident(target->version_table_schema);
    return belay_format("%s.%s", schema, table);
}

static void check_rights(doctor *d)
{
    BELAY_AUTO(belay_free) char *version_table = quoted_version_table(&d->cli->target);
    const belay_target *target = &d->cli->target;
    bool ok = none_found(d, any(d), sql_doctor_rights, belay_target_dbname(target));
    if (d->pg != NULL) {
        ok = none_found(d, d->pg, sql_doctor_database_rights, target->version_table_schema) && ok;
        ok = none_found(d, d->pg, sql_doctor_records, version_table) && ok;
    }
    if (ok)
        say(d, BELAY_OK, NULL, "the role may do what a deploy and a restore need");
}

static void check_connections(doctor *d)
{
    const belay_preflight context = {.pg = any(d), .target = &d->cli->target, .store = d->store};
    size_t before = d->report->count;
    belay_preflight_connections(&context, d->report, d->name);
    if (d->report->count == before)
        say(d, BELAY_OK, NULL, "room for what a run opens at once, with %zu job%s",
            belay_crew_size(d->cli->target.jobs), belay_crew_size(d->cli->target.jobs) == 1 ? "" : "s");
}

static void check_dump(doctor *d)
{
    belay_error err = {0};
    BELAY_AUTO(belay_dump_programs_done) belay_dump_programs programs = {0};
    if (belay_dump_find(belay_pg_server_version(any(d)), &programs, &err))
        say(d, BELAY_OK, NULL, "%s", programs.dump);
    else
        say_error(d, &err);
}

static void check_runs(doctor *d)
{
    belay_error err = {0};
    const char *dbname = belay_target_dbname(&d->cli->target);
    if (d->maintenance != NULL && !belay_keeper_require_free(d->maintenance, dbname, &err))
        say(d, BELAY_WARNING, err.hint, "%s", err.message);
    else if (belay_runs_refuse_unfinished(d->store, d->cli->target.name, &err))
        say(d, BELAY_OK, NULL, "no unfinished run");
    else
        say_error(d, &err);
}

/* A database that was made without migrations looks like one at base. */
static void judge_unversioned(doctor *d)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *count = NULL;
    if (!belay_pg_value(d->pg, sql_doctor_tables, NULL, 0, &count, &err))
        say_error(d, &err);
    else if (count == NULL || belay_equal(count, "0"))
        say(d, BELAY_OK, NULL, "the database is empty, nothing was applied yet");
    else
        say(d, BELAY_WARNING,
            "if its schema is that of a known revision, record it: `belay stamp REVISION`; else write a "
            "migration that makes it so",
            "the database has %s tables, but no record of an applied revision", count);
}

static void check_revision(doctor *d)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    BELAY_AUTO(belay_plan_done) belay_plan plan = {0};
    if (!d->engine->heads(d->engine, d->pg, &heads, &err) ||
        !d->engine->check(d->engine, d->pg, &heads, &warnings, &err) ||
        !d->engine->plan(d->engine, &heads, "heads", false, &plan, &err)) {
        say_error(d, &err);
        return;
    }
    for (size_t i = 0; i < warnings.count; i++)
        say(d, BELAY_WARNING, NULL, "%s", warnings.items[i]);
    if (heads.count == 0) {
        judge_unversioned(d);
        return;
    }
    BELAY_AUTO(belay_free) char *names = belay_list_join(&heads, ", ");
    if (plan.step_count == 0)
        say(d, BELAY_OK, NULL, "at %s, which is head", names);
    else
        say(d, BELAY_OK, NULL, "at %s, %zu to apply", names, plan.step_count);
}

enum {
    NEEDS_NOTHING = 0,
    NEEDS_TARGET = 1,
    NEEDS_SERVER = 2,
    NEEDS_DATABASE = 4,
    NEEDS_STORE = 8,
    NEEDS_FILES = 16
};

static const struct {
    const char *name;
    void (*look)(doctor *d);
    unsigned needs; /* without it there is nothing to look at, and the reason is a finding already */
} checks[] = {
    {"config", check_config, NEEDS_NOTHING},
    {"migrations", check_migrations, NEEDS_TARGET},
    {"store", check_store, NEEDS_TARGET},
    {"leftovers", check_leftovers, NEEDS_STORE},
    {"keys", check_keys, NEEDS_TARGET},
    {"connection", check_connection, NEEDS_TARGET},
    {"maintenance_db", check_maintenance, NEEDS_TARGET},
    {"server", check_server, NEEDS_SERVER},
    {"rights", check_rights, NEEDS_SERVER},
    {"connections", check_connections, NEEDS_SERVER},
    {"pg_dump", check_dump, NEEDS_SERVER},
    {"runs", check_runs, NEEDS_STORE},
    {"revision", check_revision, NEEDS_DATABASE | NEEDS_FILES},
};

static unsigned has(doctor *d)
{
    return (d->cli->dialer == NULL ? 0U : NEEDS_TARGET) | (any(d) == NULL ? 0U : NEEDS_SERVER) |
           (d->pg == NULL ? 0U : NEEDS_DATABASE) | (d->store == NULL ? 0U : NEEDS_STORE) |
           (d->engine == NULL ? 0U : NEEDS_FILES);
}

void belay_doctor(belay_cli *cli, belay_check_report *ret)
{
    doctor d = {.cli = cli, .report = ret};
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        d.name = checks[i].name;
        if ((checks[i].needs & ~has(&d)) == 0)
            checks[i].look(&d);
    }
    belay_pg_close(d.pg);
    belay_pg_close(d.maintenance);
    belay_engine_free(d.engine);
    belay_store_free(d.store);
}
