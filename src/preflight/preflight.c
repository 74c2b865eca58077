#include "preflight/preflight.h"

#include "preflight/checks.h"
#include "preflight/preflight.sql.h"

/* What a query's $1 is. */
typedef enum check_parameter { DBNAME, WAY_BACK } check_parameter;

typedef struct check {
    const char *name;
    const char *sql; /* or */
    belay_preflight_check *function;
    check_parameter parameter;
    bool restores;   /* before a manual restore too */
    bool renames;    /* matters only where databases are made and renamed: by the gate, or to restore */
    bool gate_only;  /* matters only where the gate is a rename */
    bool production; /* production targets only */
} check;

static const check checks[] = {
    {.name = "server_version", .function = belay_check_server_version, .restores = true},
    {.name = "policy", .function = belay_check_policy, .production = true, .restores = true},
    {.name = "window", .function = belay_check_window},
    {.name = "revisions", .function = belay_check_revisions},
    {.name = "read_only", .sql = sql_read_only},
    {.name = "records", .function = belay_check_records},
    {.name = "tracked", .function = belay_check_tracked},
    {.name = "rehearsal", .function = belay_check_rehearsal},
    {.name = "verify_sql", .function = belay_check_verify_sql},
    {.name = "ownership", .sql = sql_ownership, .renames = true, .restores = true},
    {.name = "rights", .function = belay_check_rights, .renames = true, .restores = true},
    {.name = "connections", .function = belay_preflight_connections, .restores = true},
    {.name = "sessions", .sql = sql_sessions, .gate_only = true, .restores = true},
    {.name = "background_workers", .sql = sql_background_workers, .gate_only = true, .restores = true},
    {.name = "prepared_transactions", .sql = sql_prepared_transactions, .restores = true},
    {.name = "long_transactions", .function = belay_check_long_transactions, .restores = true},
    {.name = "blocked", .sql = sql_blocked},
    {.name = "readable", .sql = sql_readable, .parameter = WAY_BACK},
    {.name = "owners", .sql = sql_owners, .parameter = WAY_BACK},
    {.name = "recreatable", .sql = sql_recreatable, .parameter = WAY_BACK},
    {.name = "extensions", .sql = sql_extensions},
    {.name = "followers", .function = belay_check_followers, .restores = true},
    {.name = "standbys", .sql = sql_standbys, .restores = true},
    {.name = "archiver", .sql = sql_archiver, .restores = true},
    {.name = "lock_table", .function = belay_check_lock_table},
    {.name = "invalid_indexes", .sql = sql_invalid_indexes},
    {.name = "pg_dump", .function = belay_check_pg_dump},
    {.name = "libraries", .function = belay_check_libraries},
    {.name = "keys", .function = belay_check_keys},
    {.name = "hosts", .function = belay_check_hosts, .restores = true},
    {.name = "store_space", .function = belay_check_store_space},
    {.name = "server_space", .function = belay_check_server_space, .restores = true},
};

static const char *parameter_of(const belay_preflight *context, check_parameter parameter)
{
    if (parameter == WAY_BACK)
        return belay_preflight_wants_snapshot(context) ? "snapshot" : "twin";
    return belay_target_dbname(context->target);
}

void belay_preflight_add_rows(const belay_preflight *context, belay_check_report *report, const char *name,
    const char *sql, const char *const *params, size_t param_count)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query(context->pg, sql, params, param_count, &rows, &err)) {
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
        return;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_check_report_add(report, name,
            belay_equal(belay_rows_text(rows, i, 0), "warn") ? BELAY_WARNING : BELAY_REFUSE,
            belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 2));
}

static bool applies(const belay_preflight *context, const check *one)
{
    const belay_target *target = context->target;
    /* A manual restore makes and swaps databases whatever the target's gate. */
    bool restore = context->kind == BELAY_PREFLIGHT_RESTORE;
    bool gate = target->gate == BELAY_GATE_RENAME || restore;
    return !(restore && !one->restores) && !(one->gate_only && !gate) &&
           !(one->renames && !gate && target->on_failure != BELAY_ON_FAILURE_RESTORE) &&
           !(one->production && target->environment != BELAY_PRODUCTION);
}

static void look(const belay_preflight *context, const check *one, belay_check_report *report)
{
    const char *const params[] = {parameter_of(context, one->parameter)};
    if (one->sql != NULL)
        belay_preflight_add_rows(context, report, one->name, one->sql, params, 1);
    else
        one->function(context, report, one->name);
}

const char *belay_preflight_name(size_t index)
{
    return index < BELAY_COUNT(checks) ? checks[index].name : NULL;
}

bool belay_preflight_is_for(size_t index, belay_preflight_run_kind kind)
{
    return kind == BELAY_PREFLIGHT_DEPLOY || checks[index].restores;
}

bool belay_preflight_run(const belay_preflight *context, belay_check_report *ret, belay_error *err)
{
    belay_say(context->reporter, BELAY_INFO, "pre-flight: database \"%s\" on %s, PostgreSQL %d",
        context->kind == BELAY_PREFLIGHT_RESTORE ? belay_target_dbname(context->target)
                                                 : belay_pg_dbname(context->pg),
        belay_pg_address(context->pg), belay_pg_server_version(context->pg) / 10000);
    /* Somebody's lock must not make the checks hang: a check that cannot be carried out is a finding. */
    if (!belay_pg_exec(context->pg, "SET lock_timeout = '3s'", err))
        return false;
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        if (!applies(context, &checks[i]))
            continue;
        size_t before = ret->count;
        look(context, &checks[i], ret);
        if (!belay_keeper_check(context->keeper, err))
            return false;
        belay_check_report_settle(ret, checks[i].name, before, context->reporter);
    }
    return belay_pg_exec(context->pg, "RESET lock_timeout", err);
}
