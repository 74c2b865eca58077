#include "restore/lint.h"

#include "gate/gate.h"
#include "restore/lint.sql.h"
#include "restore/lint_memory.h"
#include "restore/scratch.h"

typedef struct lint {
    const belay_lint_options *options;
    belay_store *store;
    const belay_snapshot_info *info;
    belay_pg *source, *maintenance;
    belay_check_report *report;
} lint;

/* A query of its own transaction, so that one that fails spoils no other. */
static bool ask(const lint *l, const char *sql, belay_rows **ret, belay_error *err)
{
    return belay_pg_exec(l->source, sql_lint_begin, err) && belay_pg_query0(l->source, sql, ret, err) &&
           belay_pg_exec(l->source, "COMMIT", err);
}

/* The source is only asked: what it does not answer is said, and stops nothing. */
static bool not_found_out(lint *l, const char *name, const char *what, belay_error *why, belay_error *err)
{
    if (why->code == BELAY_E_CANCELLED || why->code == BELAY_E_CONNECTION_LOST ||
        !belay_pg_exec(l->source, "ROLLBACK", NULL)) {
        if (err != NULL)
            *err = *why;
        return false;
    }
    BELAY_AUTO(belay_free) char *text = belay_format("%s was not found out: %s", what, why->message);
    belay_check_report_add(l->report, name, BELAY_WARNING, text, why->hint);
    return true;
}

static bool look(lint *l, const char *name, const char *sql, belay_error *err)
{
    belay_error why = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!ask(l, sql, &rows, &why))
        return not_found_out(l, name, "this", &why, err);
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_check_report_add(l->report, name,
            belay_equal(belay_rows_text(rows, i, 0), "warn") ? BELAY_WARNING : BELAY_REFUSE,
            belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 2));
    return true;
}

/* One constraint of the query lint_suspects. */
static bool probe(lint *l, const char *name, const belay_rows *suspects, size_t i, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    belay_error why = {0};
    const char *what = belay_rows_text(suspects, i, 0);
    const char *reason = belay_rows_text(suspects, i, 1);
    if (belay_rows_is_null(suspects, i, 2))
        return true;
    if (!ask(l, belay_rows_text(suspects, i, 2), &rows, &why)) {
        BELAY_AUTO(belay_free) char *question = belay_format("whether rows violate %s (%s)", what, reason);
        return not_found_out(l, name, question, &why, err);
    }
    if (!belay_rows_bool(rows, 0, 0))
        return true;
    BELAY_AUTO(belay_free) char *text = belay_format("rows violate %s: %s", what, reason);
    belay_check_report_add(l->report, name, BELAY_WARNING, text,
        belay_rows_bool(suspects, i, 3)
            ? "a restore can only add it NOT VALID, or leave it out: correct the rows and enable the triggers"
            : "it comes back NOT VALID: correct the rows, then ALTER TABLE ... VALIDATE CONSTRAINT");
    return true;
}

static bool look_at_constraints(lint *l, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *suspects = NULL;
    belay_error why = {0};
    if (!ask(l, sql_lint_suspects, &suspects, &why))
        return not_found_out(l, name, "which constraints are suspect", &why, err);
    for (size_t i = 0; i < belay_rows_count(suspects); i++) {
        if (!probe(l, name, suspects, i, err))
            return false;
    }
    return true;
}

static belay_restore_options into_scratch(const lint *l, const char *scratch)
{
    const belay_prove_options *o = &l->options->prove;
    return (belay_restore_options){.dialer = o->dialer,
        .maintenance = l->maintenance,
        .keeper = o->keeper,
        .dbname = scratch,
        .run_id = o->run_id,
        .target = o->target,
        .apply_dbstate = true,
        .schema_only = true,
        .recorder = o->recorder,
        .reporter = o->reporter};
}

static bool restore_schema(const lint *l, belay_archive *archive, belay_list *ret_warnings, belay_error *err)
{
    const belay_prove_options *o = &l->options->prove;
    const char *dbname = belay_target_dbname(o->target);
    BELAY_AUTO(belay_restore_result_done) belay_restore_result result = {0};
    char scratch[BELAY_DBNAME_SIZE];
    belay_gate_name(dbname, "scratch", o->run_id, scratch);
    const belay_restore_options how = into_scratch(l, scratch);
    if (!belay_scratch_sweep(l->maintenance, dbname, o->reporter, err) ||
        !belay_restore_into(&how, archive, &result, err))
        return false;
    for (size_t i = 0; i < result.warnings.count; i++)
        belay_list_add(ret_warnings, result.warnings.items[i]);
    return belay_scratch_drop(&how, err);
}

/* What the schema or the role is to blame for, not the moment. */
static bool is_verdict(belay_code code)
{
    return code == BELAY_E_SQL || code == BELAY_E_PERMISSION || code == BELAY_E_PREFLIGHT;
}

/* False: nothing is remembered of this schema on this server. */
static bool is_known(lint *l, const char *name, const char *key)
{
    BELAY_AUTO(belay_free)
    char *id = key[0] == '\0' ? NULL : belay_lint_recall(l->store, l->options->prove.target, key);
    if (id == NULL)
        return false;
    BELAY_AUTO(belay_free)
    char *text = belay_format("as of snapshot %s: a restore of the same schema was tried then", id);
    belay_check_report_add(l->report, name, BELAY_OK, text, NULL);
    belay_say(l->options->prove.reporter, BELAY_INFO, "lint: %s", text);
    return true;
}

static void remember(const lint *l, const char *key)
{
    const belay_prove_options *o = &l->options->prove;
    belay_error err = {0};
    if (key[0] != '\0' && !belay_lint_remember(l->store, o->target, key, l->info->id, &err))
        belay_say(o->reporter, BELAY_INFO, "the next snapshot will try its restore again: %s", err.message);
}

/* Only what is clean is remembered. */
static bool try_or_recall(lint *l, const char *name, belay_error *err)
{
    char key[BELAY_SHA256_HEX_SIZE] = "";
    belay_error unknown = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    if (!belay_archive_open(l->store, l->info->name, &archive, err))
        return false;
    if (!belay_lint_key(archive, l->maintenance, l->options->prove.target, key, &unknown))
        key[0] = '\0';
    if (is_known(l, name, key))
        return true;
    if (!restore_schema(l, archive, &warnings, err))
        return false;
    for (size_t i = 0; i < warnings.count; i++)
        belay_check_report_add(l->report, name, BELAY_WARNING, warnings.items[i], NULL);
    if (warnings.count == 0)
        remember(l, key);
    return true;
}

static bool try_restore(lint *l, const char *name, belay_error *err)
{
    static const char hint[] =
        "a restore as this role would fail there: mend the source, or restore as a superuser; in a "
        "deploy, way_back = twin does without";
    BELAY_AUTO(belay_free) char *may = NULL;
    belay_error why = {0};
    if (l->options->skip_restore)
        return true;
    if (!belay_pg_value(l->maintenance, sql_lint_may_create, NULL, 0, &may, err))
        return false;
    if (may == NULL || !belay_equal(may, "t")) {
        belay_check_report_add(l->report, name, BELAY_WARNING,
            "whether the schema can be restored was not tried: this role may not create databases",
            "ALTER ROLE ... CREATEDB, or --no-lint");
        return true;
    }
    if (try_or_recall(l, name, &why))
        return true;
    if (!is_verdict(why.code)) {
        if (err != NULL)
            *err = why;
        return false;
    }
    belay_error_prefix(&why, "a restore as this role would fail, tried without rows");
    if (why.code != BELAY_E_PREFLIGHT)
        belay_error_hint(&why, "%s", hint);
    belay_check_report_add_error(l->report, name, BELAY_REFUSE, &why);
    return true;
}

static const struct {
    const char *name;
    const char *sql; /* asked of the source; or: */
    bool (*run)(lint *l, const char *name, belay_error *err);
    int since; /* the server's version */
} checks[] = {
    {"lint_functions", sql_lint_functions, NULL, 0},
    {"lint_constraints", NULL, look_at_constraints, 0},
    {"lint_collations", sql_lint_collations, NULL, 0},
    {"lint_database", sql_lint_database_collation, NULL, 150000},
    {"lint_login", sql_lint_event_triggers, NULL, 170000},
    {"lint_restore", NULL, try_restore, 0},
};

const char *belay_lint_name(size_t index)
{
    return index < BELAY_COUNT(checks) ? checks[index].name : NULL;
}

static bool look_all(lint *l, belay_error *err)
{
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        size_t before = l->report->count;
        if (belay_pg_server_version(l->source) < checks[i].since)
            continue;
        if (!(checks[i].sql != NULL ? look(l, checks[i].name, checks[i].sql, err)
                                    : checks[i].run(l, checks[i].name, err)))
            return false;
        belay_check_report_settle(l->report, checks[i].name, before, l->options->prove.reporter);
    }
    return true;
}

bool belay_lint(const belay_lint_options *options, belay_store *store, const belay_snapshot_info *info,
    belay_check_report *ret, belay_error *err)
{
    const belay_prove_options *o = &options->prove;
    BELAY_AUTO(belay_pg_close) belay_pg *source = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *own = NULL;
    const belay_pg_options to_source = {
        .dbname = options->dbname, .application_name = o->run_id, .profile = BELAY_PG_PINNED};
    const belay_pg_options to_own = {
        .dbname = o->target->maintenance_db, .application_name = o->run_id, .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(o->dialer, &to_source, &source, err) ||
        (o->maintenance == NULL && !belay_pg_open(o->dialer, &to_own, &own, err)))
        return false;
    lint l = {options, store, info, source, o->maintenance == NULL ? own : o->maintenance, ret};
    return look_all(&l, err);
}
