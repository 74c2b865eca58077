#include "preflight/preflight.h"

#include <inttypes.h>

#include "gate/gate.h"
#include "preflight/preflight.sql.h"

typedef void check_function(const belay_preflight *context, belay_check_report *report, const char *name);

/* What a query's $1 is. */
typedef enum check_parameter { DBNAME, WAY_BACK, WINDOW } check_parameter;

typedef struct check {
    const char *name;
    const char *sql; /* or */
    check_function *function;
    check_parameter parameter;
    bool gate_only;     /* matters only where the gate is a rename */
    bool production;    /* production targets only */
    bool not_followers; /* left out when the user dealt with them */
} check;

static void refuse_error(belay_check_report *report, const char *name, const belay_error *err)
{
    belay_check_report_add_error(report, name, BELAY_REFUSE, err);
}

static void check_policy(const belay_preflight *context, belay_check_report *report, const char *name)
{
    if (!context->confirmed)
        belay_check_report_add(report, name, BELAY_REFUSE,
            "a production target wants --yes, or the database's name typed at a terminal", "add --yes");
    if (context->target->auto_apply)
        belay_check_report_add(report, name, BELAY_REFUSE, "auto_apply is set for a production target",
            "remove auto_apply from the target");
}

/* One head, files known and unchanged: the engine says what is wrong. */
static void check_revisions(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    const belay_graph *graph = belay_engine_graph(context->engine);
    if (!context->engine->heads(context->engine, context->pg, &heads, &err) ||
        (graph != NULL && !belay_graph_check_known(graph, &heads, &err)) ||
        !context->engine->check(context->engine, context->pg, &heads, &warnings, &err))
        refuse_error(report, name, &err);
    for (size_t i = 0; i < warnings.count; i++)
        belay_check_report_add(report, name, BELAY_WARNING, warnings.items[i], "");
    if (heads.count > 1)
        belay_check_report_add(
            report, name, BELAY_WARNING, "the database is at several heads", "`belay merge` joins branches");
}

static void check_space(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *text = NULL;
    uint64_t free_bytes = UINT64_MAX;
    long long data_bytes = 0;
    if (context->store == NULL)
        return;
    if (!belay_pg_value(context->pg, sql_data_bytes, NULL, 0, &text, &err) ||
        !context->store->free_space(context->store, &free_bytes, &err)) {
        refuse_error(report, name, &err);
        return;
    }
    if (text == NULL || !belay_parse_int64(text, &data_bytes) || free_bytes >= (uint64_t)data_bytes)
        return;
    BELAY_AUTO(belay_free)
    char *message =
        belay_format("the store %s has %" PRIu64 " MB free, the tables hold %lld MB: a snapshot may not fit",
            context->store->url, free_bytes >> 20, data_bytes >> 20);
    /* Compression usually saves much more than half. */
    bool hopeless = free_bytes < (uint64_t)data_bytes / 4;
    belay_check_report_add(
        report, name, hopeless ? BELAY_REFUSE : BELAY_WARNING, message, "free space there, or `belay prune`");
}

static bool try_connect(const belay_preflight *context, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_pg_options options = {
        .dbname = dbname, .application_name = context->run_id, .profile = BELAY_PG_PINNED};
    return belay_pg_open(belay_keeper_dialer(context->keeper), &options, &pg, err);
}

/* What a run will do, tried on a database of its own: create, connect, rename, drop. */
static void check_rights(const belay_preflight *context, belay_check_report *report, const char *name)
{
    char made[BELAY_DBNAME_SIZE], renamed[BELAY_DBNAME_SIZE];
    const char *dbname = belay_target_dbname(context->target);
    belay_gate_name(dbname, "try", context->run_id, made);
    belay_gate_name(dbname, "tried", context->run_id, renamed);
    BELAY_AUTO(belay_free) char *first = belay_quote_ident(made);
    BELAY_AUTO(belay_free) char *second = belay_quote_ident(renamed);
    belay_pg *pg = belay_keeper_pg(context->keeper);
    belay_error err = {0};
    bool ok = belay_gate_drop_tries(pg, dbname, &err) &&
              belay_pg_execf(pg, &err, "CREATE DATABASE %s TEMPLATE template0 CONNECTION LIMIT 1", first) &&
              try_connect(context, made, &err) &&
              belay_gate_end_sessions(context->keeper, made, 5000, &err) &&
              belay_pg_execf(pg, &err, "ALTER DATABASE %s RENAME TO %s", first, second);
    bool dropped = belay_pg_execf(pg, ok ? &err : NULL, "DROP DATABASE IF EXISTS %s WITH (FORCE)", second);
    dropped =
        belay_pg_execf(pg, ok ? &err : NULL, "DROP DATABASE IF EXISTS %s WITH (FORCE)", first) && dropped;
    if (ok && dropped)
        return;
    belay_error_prefix(&err, "trying to create, reach, rename and drop database \"%s\"", made);
    refuse_error(report, name, &err);
}

static const check checks[] = {
    {.name = "server_version", .sql = sql_server_version},
    {.name = "policy", .function = check_policy, .production = true},
    {.name = "window", .sql = sql_window, .parameter = WINDOW},
    {.name = "revisions", .function = check_revisions},
    {.name = "ownership", .sql = sql_ownership, .gate_only = true},
    {.name = "rights", .function = check_rights, .gate_only = true},
    {.name = "sessions", .sql = sql_sessions, .gate_only = true},
    {.name = "prepared_transactions", .sql = sql_prepared_transactions},
    {.name = "long_transactions", .sql = sql_long_transactions},
    {.name = "readable", .sql = sql_readable},
    {.name = "recreatable", .sql = sql_recreatable, .parameter = WAY_BACK},
    {.name = "extensions", .sql = sql_extensions},
    {.name = "followers", .sql = sql_followers, .not_followers = true},
    {.name = "standbys", .sql = sql_standbys},
    {.name = "archiver", .sql = sql_archiver},
    {.name = "lock_table", .sql = sql_lock_table},
    {.name = "invalid_indexes", .sql = sql_invalid_indexes},
    {.name = "space", .function = check_space},
};

static const char *parameter_of(const belay_preflight *context, check_parameter parameter)
{
    if (parameter == WAY_BACK)
        return context->target->way_back == BELAY_WAY_BACK_TWIN ? "twin" : "snapshot";
    if (parameter == WINDOW)
        return context->target->window == NULL ? "" : context->target->window;
    return belay_target_dbname(context->target);
}

static void run_query(const belay_preflight *context, const check *one, belay_check_report *report)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(context->pg, one->sql, &rows, &err, parameter_of(context, one->parameter))) {
        refuse_error(report, one->name, &err);
        return;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_check_report_add(report, one->name,
            belay_equal(belay_rows_text(rows, i, 0), "warn") ? BELAY_WARNING : BELAY_REFUSE,
            belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 2));
}

static bool applies(const belay_preflight *context, const check *one)
{
    return !(one->gate_only && context->target->gate != BELAY_GATE_RENAME) &&
           !(one->production && context->target->environment != BELAY_PRODUCTION) &&
           !(one->not_followers && context->ignore_followers);
}

bool belay_preflight_run(const belay_preflight *context, belay_check_report *ret, belay_error *err)
{
    belay_say(context->reporter, BELAY_INFO, "pre-flight: database \"%s\" on %s, PostgreSQL %d",
        belay_pg_dbname(context->pg), belay_pg_address(context->pg),
        belay_pg_server_version(context->pg) / 10000);
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        if (!applies(context, &checks[i]))
            continue;
        size_t before = ret->count;
        if (checks[i].sql != NULL)
            run_query(context, &checks[i], ret);
        else
            checks[i].function(context, ret, checks[i].name);
        if (!belay_keeper_check(context->keeper, err))
            return false;
        belay_check_report_settle(ret, checks[i].name, before, context->reporter);
    }
    return true;
}
