#include "cli/apply.h"

#include "cli/lock.h"
#include "pg/pg.h"
#include "preflight/preflight.h"
#include "util/clock.h"

typedef struct work {
    belay_cli *cli;
    const belay_apply_options *options;
    belay_engine *engine;
    belay_keeper *keeper; /* held from before the plan is made until the work is done */
    char run_id[BELAY_RUN_ID_SIZE];
    belay_pg *pg;
    belay_list heads;
    belay_plan plan;
    belay_apply_result result;
} work;

static void work_done_p(work *w)
{
    belay_apply_result_done(&w->result);
    belay_plan_done(&w->plan);
    belay_list_done(&w->heads);
    belay_pg_close(w->pg);
    belay_keeper_close(w->keeper);
    belay_engine_free(w->engine);
}

static bool allow(const work *w, belay_error *err)
{
    const belay_apply_options *options = w->options;
    if (w->cli->target.environment != BELAY_PRODUCTION || options->plan || options->sql ||
        (options->without_snapshot && options->yes))
        return true;
    belay_fail(err, BELAY_E_POLICY, "%s is a production target, and this verb takes no snapshot",
        w->cli->target.name);
    return belay_error_hint(err,
        "use `belay deploy %s`; or, if there must be no way back, add --without-snapshot --yes",
        w->cli->target.name);
}

/* "a:b" with --sql: from a, without asking the database; without a range from base (downgrade needs one). */
static bool plan_offline(work *w, const char *word, belay_error *err)
{
    const belay_graph *graph = w->engine->graph;
    const char *colon = strchr(word, ':');
    if (colon == NULL && w->options->downgrade) {
        belay_fail(err, BELAY_E_USAGE, "downgrade --sql needs a range: <from>:<to>");
        return false;
    }
    if (graph == NULL)
        return belay_fail(err, BELAY_E_UNSUPPORTED, "engine %s prints no script", w->engine->name);
    BELAY_AUTO(belay_free) char *from = belay_strndup(word, colon == NULL ? 0 : (size_t)(colon - word));
    if (*from != '\0' && !belay_graph_resolve(graph, from, NULL, &w->heads, err))
        return false;
    return w->engine->plan(
        w->engine, &w->heads, colon == NULL ? word : colon + 1, w->options->downgrade, &w->plan, err);
}

static void warn_of_untracked(const work *w)
{
    enum { MOST = 3 };
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_preflight_tracked(&w->plan, "tracked", &report);
    for (size_t i = 0; i < report.count && i < MOST; i++)
        belay_say(w->cli->reporter, BELAY_WARN, "%s", report.items[i].message);
    if (report.count > MOST)
        belay_say(w->cli->reporter, BELAY_WARN, "git lacks %zu more pending files", report.count - MOST);
}

/* Alembic's words, and where it begins: which of the heads "-1" is counted from is belay's choice. */
static void warn_of_heads(const work *w, const char *word)
{
    if (!w->options->downgrade || word[0] != '-' || w->heads.count < 2 || w->plan.step_count == 0)
        return;
    belay_say(w->cli->reporter, BELAY_WARN,
        "downgrade %s from multiple heads is ambiguous; it begins at %s: <branchname>@%s says which branch",
        word, w->plan.steps[0].revision->id, word);
}

static bool plan_online(work *w, const char *word, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    if (!belay_cli_connect(w->cli, BELAY_PG_USER, &w->pg, err) ||
        !w->engine->heads(w->engine, w->pg, &w->heads, err) ||
        !w->engine->check(w->engine, w->pg, &w->heads, &warnings, err))
        return false;
    for (size_t i = 0; i < warnings.count; i++)
        belay_say(w->cli->reporter, BELAY_WARN, "%s", warnings.items[i]);
    if (!w->engine->plan(w->engine, &w->heads, word, w->options->downgrade, &w->plan, err))
        return false;
    warn_of_heads(w, word);
    if (!w->options->downgrade)
        warn_of_untracked(w);
    return true;
}

static json_t *plan_json(const belay_plan *plan)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < plan->step_count; i++)
        json_array_append_new(steps, json_pack("{s:s, s:s}", "revision", plan->steps[i].revision->id,
                                         "direction", plan->steps[i].upgrade ? "upgrade" : "downgrade"));
    return json_pack("{s:o, s:o, s:o}", "from", belay_json_of_texts(plan->from, plan->from_count), "to",
        belay_json_of_texts(plan->to, plan->to_count), "steps", steps);
}

static void print_plan(const work *w)
{
    if (w->plan.step_count == 0)
        belay_cli_print(w->cli, "nothing to do");
    for (size_t i = 0; i < w->plan.step_count; i++) {
        const belay_step *step = &w->plan.steps[i];
        belay_cli_print(w->cli, "%s %s  %s%s", step->upgrade ? "upgrade" : "downgrade", step->revision->id,
            step->revision->message, step->revision->transaction ? "" : " (no transaction)");
    }
}

/* On failure: which revisions of this call stand. */
static void tell_what_stands(const belay_apply_result *result, belay_error *err)
{
    BELAY_AUTO(belay_free) char *done = belay_list_join(&result->done, ", ");
    char said[sizeof err->detail];
    memcpy(said, err->detail, sizeof said);
    const char *text =
        result->effect == BELAY_EFFECT_NONE ? "nothing was committed" : "these revisions stand";
    if (result->effect != BELAY_EFFECT_NONE && result->done.count == 0)
        text = result->effect == BELAY_EFFECT_UNKNOWN ? "what was committed is not known"
                                                      : "part of the failed revision stands";
    belay_error_detail(
        err, "%s%s%s%s%s", said, said[0] == '\0' ? "" : "\n", text, result->done.count > 0 ? ": " : "", done);
    if (result->effect == BELAY_EFFECT_UNKNOWN)
        err->code = BELAY_E_NEEDS_RECOVERY;
}

bool belay_cli_run_plan(belay_cli *cli, belay_engine *engine, belay_keeper *keeper, const char *run_id,
    const belay_plan *plan, belay_apply_result *ret, belay_error *err)
{
    belay_apply how = {.dialer = cli->dialer,
        .dbname = belay_target_dbname(&cli->target),
        .run_id = run_id,
        .target = &cli->target,
        .reporter = cli->reporter,
        .may_commit = belay_keeper_may_commit,
        .may_commit_context = keeper};
    if (plan->step_count == 0 || engine->apply(engine, &how, plan, ret, err))
        return true;
    tell_what_stands(ret, err);
    return false;
}

int belay_cli_finish_plan(
    belay_cli *cli, bool ok, json_t *json, const belay_apply_result *result, const belay_error *err)
{
    int status = belay_cli_finish(cli, ok, json, err);
    bool nothing_changed = status == BELAY_EXIT_USAGE || status == BELAY_EXIT_REFUSED;
    return nothing_changed && result->effect != BELAY_EFFECT_NONE ? BELAY_EXIT_FAILED : status;
}

static bool run(work *w, json_t **ret_json, belay_error *err)
{
    const char *word = w->cli->words.items[0];
    if (w->options->sql && w->cli->json)
        return belay_fail(err, BELAY_E_USAGE, "one of --json and --sql, not both");
    if (!w->options->sql && strchr(word, ':') != NULL)
        return belay_fail(err, BELAY_E_USAGE, "a range (%s) is for --sql only", word);
    if (!belay_cli_target(w->cli, err) || !allow(w, err) ||
        !belay_engine_open(&w->cli->target, &w->engine, err))
        return false;
    belay_new_run_id(w->run_id);
    bool changes = !w->options->sql && !w->options->plan;
    if (changes && !belay_cli_lock(w->cli, w->run_id, 0, &w->keeper, err))
        return false;
    if (!(w->options->sql ? plan_offline(w, word, err) : plan_online(w, word, err)))
        return false;
    if (w->options->sql && !w->engine->check_plan(w->engine, &w->plan, err))
        return false;
    if (w->options->sql)
        return belay_cli_print_script(&w->cli->target, &w->plan, err);
    *ret_json = plan_json(&w->plan);
    if (w->options->plan) {
        print_plan(w);
        return true;
    }
    if (w->plan.step_count == 0) {
        BELAY_AUTO(belay_free) char *at = belay_list_join(&w->heads, ", ");
        belay_say(w->cli->reporter, BELAY_INFO, "%s is at %s: nothing to do", w->cli->target.name,
            at[0] == '\0' ? "base" : at);
    }
    belay_pg_close(belay_take(w->pg));
    bool ok = belay_cli_run_plan(w->cli, w->engine, w->keeper, w->run_id, &w->plan, &w->result, err);
    json_object_set_new(*ret_json, "ok", json_boolean(ok));
    json_object_set_new(*ret_json, "done", belay_json_of_list(&w->result.done));
    return ok;
}

int belay_cli_apply(belay_cli *cli, const belay_apply_options *options)
{
    belay_error err = {0};
    json_t *json = NULL;
    BELAY_AUTO(work_done) work w = {.cli = cli, .options = options};
    bool ok = run(&w, &json, &err);
    if (options->sql && ok)
        return BELAY_EXIT_OK;
    return belay_cli_finish_plan(cli, ok, json, &w.result, &err);
}
