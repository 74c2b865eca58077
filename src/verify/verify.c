#include "verify/verify.h"

#include "migrate/check_sql.h"
#include "util/file.h"
#include "verify/verify.sql.h"

typedef bool check_function(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err);

static bool check_revision(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    if (context->wanted == NULL)
        return true;
    if (!context->engine->heads(context->engine, context->pg, &heads, err))
        return false;
    if (belay_list_same(&heads, context->wanted))
        return true;
    belay_error unknown = {0};
    const belay_graph *graph = context->engine->graph;
    if (context->at_rest && graph != NULL && !belay_graph_check_known(graph, &heads, &unknown)) {
        belay_check_report_add_error(report, name, BELAY_REFUSE, &unknown);
        return true;
    }
    BELAY_AUTO(belay_free) char *have = belay_list_join(&heads, ", ");
    BELAY_AUTO(belay_free) char *want = belay_list_join(context->wanted, ", ");
    BELAY_AUTO(belay_free)
    char *message = belay_format(
        "the database is at %s, not at %s", have[0] == '\0' ? "base" : have, want[0] == '\0' ? "base" : want);
    belay_check_report_add(report, name, BELAY_REFUSE, message,
        context->at_rest ? "`belay upgrade heads --plan` shows what is pending, `belay deploy` applies it"
                         : "a migration, or somebody else, changed the version table");
    return true;
}

static bool was_before(const json_t *before, const char *kind, const char *name)
{
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(before, kind), i, one)
    {
        if (json_is_string(one) && belay_equal(json_string_value(one), name))
            return true;
    }
    return false;
}

/* What the run left half done: `kind` is "index" or "constraint". */
static bool check_unfinished(const belay_verify *context, belay_check_report *report, const char *name,
    const char *kind, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    bool index = belay_equal(kind, "index");
    if (!belay_pg_query0(context->pg, sql_unfinished, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        const char *object = belay_rows_text(rows, i, 1);
        if (!belay_equal(belay_rows_text(rows, i, 0), kind) || was_before(context->before, kind, object))
            continue;
        BELAY_AUTO(belay_free)
        char *message = belay_format("%s %s of table %s is %s", kind, object, belay_rows_text(rows, i, 2),
            index ? "invalid" : "not validated");
        belay_check_report_add(report, name, context->before == NULL ? BELAY_WARNING : BELAY_REFUSE, message,
            index ? "build it again: DROP INDEX CONCURRENTLY, then CREATE INDEX CONCURRENTLY"
                  : "add ALTER TABLE ... VALIDATE CONSTRAINT to the migration");
    }
    return true;
}

static bool check_indexes(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err)
{
    return check_unfinished(context, report, name, "index", err);
}

static bool check_constraints(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err)
{
    return check_unfinished(context, report, name, "constraint", err);
}

/* Whether an error says that the question could not be asked at all. */
static bool is_no_answer(const belay_error *err)
{
    return err->code == BELAY_E_CONNECTION_LOST || err->code == BELAY_E_CANCELLED ||
           err->code == BELAY_E_CONNECTION;
}

static bool judge(
    bool holds, belay_check_report *report, const char *name, const belay_error *why, belay_error *err)
{
    if (!holds && is_no_answer(why)) {
        if (err != NULL)
            *err = *why;
        return false;
    }
    if (!holds)
        belay_check_report_add_error(report, name, BELAY_REFUSE, why);
    return true;
}

static bool check_sections(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err)
{
    belay_error why = {0};
    if (context->reached == NULL)
        return true;
    bool holds = context->engine->verify(context->engine, context->pg, context->reached, &why);
    return judge(holds, report, name, &why, err);
}

static bool check_user_files(
    const belay_verify *context, belay_check_report *report, const char *name, belay_error *err)
{
    const belay_list *files = &context->target->verify_sql;
    for (size_t i = 0; i < files->count; i++) {
        belay_error why = {0};
        BELAY_AUTO(belay_free) char *what = belay_format("verify_sql %s", belay_path_base(files->items[i]));
        bool holds = belay_check_sql(context->pg, files->items[i], NULL, what, &why);
        if (!judge(holds, report, name, &why, err))
            return false;
    }
    return true;
}

static const struct {
    const char *name;
    check_function *run;
} checks[] = {
    {"revision", check_revision},
    {"indexes", check_indexes},
    {"constraints", check_constraints},
    {"verify_sections", check_sections},
    {"verify_sql", check_user_files},
};

bool belay_verify_before(belay_pg *pg, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_unfinished, &rows, err))
        return false;
    json_t *before = json_pack("{s:[], s:[]}", "index", "constraint");
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        json_array_append_new(
            json_object_get(before, belay_rows_text(rows, i, 0)), json_string(belay_rows_text(rows, i, 1)));
    *ret = before;
    return true;
}

bool belay_verify_run(const belay_verify *context, belay_check_report *ret, belay_error *err)
{
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        size_t before = ret->count;
        if (!checks[i].run(context, ret, checks[i].name, err))
            return belay_error_prefix(err, "verify: %s", checks[i].name);
        belay_check_report_settle(ret, checks[i].name, before, context->reporter);
    }
    return true;
}
