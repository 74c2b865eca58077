#include <string.h>

#include "cli/apply.h"
#include "cli/lock.h"
#include "pg/pg.h"
#include "util/clock.h"

static struct {
    bool purge, sql, yes;
} o;

static const belay_option options[] = {
    {"purge", 0, NULL, "forget the present version rows first", BELAY_OPT_FLAG, &o.purge},
    {"sql", 0, NULL, "print the script for psql instead; REVISION may be a range a:b", BELAY_OPT_FLAG,
        &o.sql},
    {"yes", 'y', NULL, "on a production target: go on", BELAY_OPT_FLAG, &o.yes}, BELAY_OPT_END};

static bool allow(const belay_cli *cli, belay_error *err)
{
    if (cli->target.environment != BELAY_PRODUCTION || o.yes || o.sql)
        return true;
    belay_fail(err, BELAY_E_POLICY,
        "%s is a production target: stamping changes what belay believes about it", cli->target.name);
    return belay_error_hint(err, "check `belay current` and `belay history`; then add --yes");
}

/* The rows of one list that the other one has not. */
static void list_without(
    const char *const *rows, size_t count, const char *const *others, size_t other_count, belay_list *ret)
{
    BELAY_AUTO(belay_list_done) belay_list known = {0};
    for (size_t i = 0; i < other_count; i++)
        belay_list_add(&known, others[i]);
    for (size_t i = 0; i < count; i++) {
        if (!belay_list_has(&known, rows[i]))
            belay_list_add(ret, rows[i]);
    }
}

/* In Alembic's words. */
static void say_steps(const belay_cli *cli, const belay_plan *plan)
{
    BELAY_AUTO(belay_list_done) belay_list gone = {0};
    BELAY_AUTO(belay_list_done) belay_list come = {0};
    list_without(plan->from, plan->from_count, plan->to, plan->to_count, &gone);
    list_without(plan->to, plan->to_count, plan->from, plan->from_count, &come);
    BELAY_AUTO(belay_free) char *from = belay_list_join(&gone, ", ");
    for (size_t i = 0; i < come.count; i++)
        belay_say(cli->reporter, BELAY_INFO, "Running stamp_revision %s -> %s", from, come.items[i]);
    if (come.count == 0 && gone.count > 0)
        belay_say(cli->reporter, BELAY_INFO, "Running stamp_revision %s -> ", from);
    if (come.count == 0 && gone.count == 0)
        belay_say(cli->reporter, BELAY_INFO, "%s is stamped so already", cli->target.name);
}

static bool stamp(belay_cli *cli, belay_engine *engine, belay_keeper *keeper, const char *run_id,
    const belay_plan *plan, belay_error *err)
{
    const belay_stamp what = {.heads = plan->to,
        .head_count = plan->to_count,
        .reason = "stamp",
        .run_id = run_id,
        .may_commit = belay_keeper_may_commit,
        .may_commit_context = keeper};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    say_steps(cli, plan);
    return belay_cli_connect(cli, BELAY_PG_USER, &pg, err) && engine->stamp(engine, pg, &what, err);
}

static bool read_heads(belay_cli *cli, belay_engine *engine, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    return belay_cli_connect(cli, BELAY_PG_USER, &pg, err) && engine->heads(engine, pg, ret, err);
}

/* Where to: the words; of a range "a:b", which needs --sql, the part behind the colon. The rows that the
 * stamp begins with are the database's, of a range those of a, else unknown to a script. */
static bool make_plan(
    belay_cli *cli, const belay_graph *graph, belay_list *heads, belay_plan *ret, belay_error *err)
{
    const char *word = cli->words.items[0];
    const char *colon = cli->words.count == 1 ? strchr(word, ':') : NULL;
    if (colon == NULL)
        return belay_graph_plan_stamp(graph, heads, &cli->words, o.purge || o.sql, ret, err);
    BELAY_AUTO(belay_free) char *from = belay_strndup(word, (size_t)(colon - word));
    BELAY_AUTO(belay_list_done) belay_list to = {0};
    belay_list_add(&to, colon + 1);
    return (*from == '\0' || belay_graph_resolve(graph, from, NULL, heads, err)) &&
           belay_graph_plan_stamp(graph, heads, &to, o.purge, ret, err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    BELAY_AUTO(belay_engine_free) belay_engine *engine = NULL;
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_plan_done) belay_plan plan = {0};
    bool ok = !(o.sql && cli->json) || belay_fail(&err, BELAY_E_USAGE, "one of --json and --sql, not both");
    if (ok && !o.sql && strchr(cli->words.items[0], ':') != NULL)
        ok = belay_fail(&err, BELAY_E_USAGE, "a range (%s) is for --sql only", cli->words.items[0]);
    ok = ok && belay_cli_target(cli, &err) && allow(cli, &err) &&
         belay_engine_open(&cli->target, &engine, &err) &&
         (o.sql || (belay_cli_lock(cli, run_id, 0, &keeper, &err) && read_heads(cli, engine, &heads, &err)));
    const belay_graph *graph = ok ? engine->graph : NULL;
    if (ok && graph == NULL)
        ok = belay_fail(&err, BELAY_E_UNSUPPORTED, "engine %s has no revisions to stamp", engine->name);
    ok = ok && make_plan(cli, graph, &heads, &plan, &err);
    if (ok && o.sql) {
        belay_cli_print_stamp(&cli->target, &plan);
        return BELAY_EXIT_OK;
    }
    ok = ok && stamp(cli, engine, keeper, run_id, &plan, &err);
    return belay_cli_finish(cli, ok, NULL, &err);
}

const belay_command belay_cmd_stamp = {
    .name = "stamp",
    .group = "Revisions",
    .usage = "stamp [options] REVISION...",
    .summary = "record REVISION as the database's, without running anything",
    .options = options,
    .min_words = 1,
    .max_words = -1,
    .run = run,
};
