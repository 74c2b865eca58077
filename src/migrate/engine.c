#include "migrate/engine.h"

#include "migrate/native.h"
#include "util/file.h"

typedef struct native_engine {
    belay_engine base;
    const belay_target *target;
} native_engine;

static belay_version_table table_of(const belay_engine *engine)
{
    const belay_target *target = ((const native_engine *)engine)->target;
    return (belay_version_table){target->version_table_schema, target->version_table};
}

static bool native_heads(belay_engine *self, belay_pg *pg, belay_list *ret, belay_error *err)
{
    belay_version_table table = table_of(self);
    return belay_version_read(pg, &table, ret, err);
}

static bool native_plan(belay_engine *self, const belay_list *heads, const char *to, bool downgrade,
    belay_plan *ret, belay_error *err)
{
    const belay_graph *graph = self->graph;
    if (!belay_graph_check_known(graph, heads, err))
        return false;
    return downgrade ? belay_graph_plan_downgrade(graph, heads, to, ret, err)
                     : belay_graph_plan_upgrade(graph, heads, to, ret, err);
}

/* What a step without a transaction left half-done is no change by somebody else. */
static void warn_of_drift(belay_pg *pg, belay_list *ret_warnings)
{
    BELAY_AUTO(belay_free) char *begun = NULL;
    if (belay_progress_begun(pg, &begun, NULL) && begun != NULL)
        belay_list_add_owned(ret_warnings,
            belay_format("the schema is not the one that belay recorded: %s was begun and not finished, and "
                         "an upgrade continues it",
                begun));
    else
        belay_list_add(ret_warnings,
            "the schema is not the one that belay recorded: somebody changed it outside of migrations");
}

static bool native_check(
    belay_engine *self, belay_pg *pg, const belay_list *heads, belay_list *ret_warnings, belay_error *err)
{
    const belay_graph *graph = self->graph;
    bool drifted = false;
    if (!belay_graph_check_known(graph, heads, err) ||
        !belay_ledger_check(pg, graph, heads, ret_warnings, err))
        return false;
    belay_error why = {0};
    if (!belay_ledger_drifted(pg, heads, &drifted, &why)) {
        if (why.code == BELAY_E_CONNECTION_LOST || why.code == BELAY_E_CANCELLED) {
            if (err != NULL)
                *err = why;
            return false;
        }
        belay_list_add(ret_warnings, why.message);
    }
    if (drifted)
        warn_of_drift(pg, ret_warnings);
    return true;
}

static bool native_check_records(belay_engine *self, belay_pg *pg, belay_error *err)
{
    belay_version_table table = table_of(self);
    return belay_version_check(pg, &table, err);
}

static bool native_apply(belay_engine *self, const belay_apply *how, const belay_plan *plan,
    belay_apply_result *ret, belay_error *err)
{
    (void)self;
    return belay_native_apply(how, plan, ret, err);
}

static bool native_verify(belay_engine *self, belay_pg *pg, const belay_list *revisions, belay_error *err)
{
    return belay_native_verify(self->graph, pg, revisions, err);
}

static bool native_stamp(belay_engine *self, belay_pg *pg, const belay_stamp *what, belay_error *err)
{
    belay_version_table table = table_of(self);
    return belay_version_stamp(pg, &table, what, err);
}

static void native_free(belay_engine *self)
{
    belay_graph_free(self->graph);
    free(self);
}

static bool open_native(const belay_target *target, belay_engine **ret, belay_error *err)
{
    native_engine *engine = belay_alloc(sizeof *engine);
    engine->base = (belay_engine){
        .name = "sql",
        .owns_transactions = true,
        .heads = native_heads,
        .plan = native_plan,
        .check_plan = belay_native_check_plan,
        .check_records = native_check_records,
        .check = native_check,
        .apply = native_apply,
        .verify = native_verify,
        .stamp = native_stamp,
        .free = native_free,
    };
    engine->target = target;
    if (!belay_graph_load(target->migrations, &engine->base.graph, err)) {
        free(engine);
        return false;
    }
    *ret = &engine->base;
    return true;
}

static const struct {
    const char *name;
    bool (*open)(const belay_target *target, belay_engine **ret, belay_error *err);
} engines[] = {
    {"sql", open_native},
};

bool belay_engine_open(const belay_target *target, belay_engine **ret, belay_error *err)
{
    const char *name = target->engine == NULL ? "sql" : target->engine;
    for (size_t i = 0; i < BELAY_COUNT(engines); i++) {
        if (belay_equal(engines[i].name, name))
            return engines[i].open(target, ret, err);
    }
    belay_fail(err, BELAY_E_CONFIG, "there is no engine \"%s\"", name);
    return belay_error_hint(err, "engine = sql applies SQL files");
}

void belay_engine_reached(const belay_plan *plan, belay_list *ret)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const char *id = plan->steps[i].revision->id;
        for (size_t k = 0; plan->steps[i].upgrade && k < plan->to_count; k++) {
            if (belay_equal(plan->to[k], id))
                belay_list_add(ret, id);
        }
    }
}

void belay_apply_result_done(belay_apply_result *result)
{
    belay_list_done(&result->done);
    free(result->failed_revision);
    *result = (belay_apply_result){0};
}
