#include "pipeline/restore_run.h"

#include "pipeline/back.h"
#include "pipeline/deploy.h"
#include "pipeline/followers.h"
#include "pipeline/origin.h"
#include "pipeline/replace.h"
#include "pipeline/restore_check.h"
#include "pipeline/restore_recover.h"
#include "pipeline/stages.h"
#include "restore/choose.h"
#include "restore/estimate.h"
#include "util/stop.h"

typedef struct restore_wish {
    const char *id;
    const char *revision;
} restore_wish;

/* Version rows of the present database, for relative identifiers; none when it does not exist, or cannot be
 * read: that may be why it is to be replaced. */
static void read_present(belay_run *run)
{
    belay_error err = {0};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!run->gate_known || (belay_run_connect(run, run->dbname, BELAY_PG_USER, &pg, &err) &&
                                run->engine->heads(run->engine, pg, &run->from, &err)))
        return;
    belay_list_done(&run->from);
    belay_say(run->how.reporter, BELAY_WARN, "the revision of the present database cannot be read: %s",
        err.message);
}

/* An id that is another target's must not slip through: it has to be asked for. */
bool belay_restore_find(belay_run *run, const char *id, belay_error *err)
{
    const char *own = run->how.target->name;
    belay_error why = {0};
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info other = {0};
    belay_store *store = belay_run_snapshot_store(run);
    if (belay_snapshot_find(store, run->how.from == NULL ? own : run->how.from, id, &run->snapshot, &why))
        return true;
    if (why.code != BELAY_E_NOT_FOUND || run->how.from != NULL ||
        !belay_snapshot_find(store, NULL, id, &other, NULL)) {
        *err = why;
        return false;
    }
    belay_fail(
        err, BELAY_E_POLICY, "snapshot %s is one of target %s, not of %s", other.id, other.target, own);
    return belay_error_hint(err, "add --from %s when that is meant", other.target);
}

/* The person named a revision, and has to know which data that means. */
static void tell_choice(const belay_run *run, const char *revision, const belay_choice *choice)
{
    for (size_t i = 0; i < choice->passed_over.count; i++)
        belay_say(run->how.reporter, BELAY_WARN,
            "snapshot %s is newer and cannot be read, so it is passed over (`belay verify %s` says why)",
            choice->passed_over.items[i], choice->passed_over.items[i]);
    size_t steps = choice->plan.step_count;
    BELAY_AUTO(belay_free)
    char *migrations =
        steps == 0 ? belay_strdup("") : belay_format(", and %zu migration%s", steps, steps == 1 ? "" : "s");
    belay_say(run->how.reporter, BELAY_INFO, "for revision %s: snapshot %s of %s%s", revision,
        choice->info.id, choice->info.created_at, migrations);
}

/* Finds the snapshot and what has to be applied on top of it. */
static bool choose(belay_run *run, const restore_wish *wish, belay_error *err)
{
    if (!belay_engine_open(run->how.target, &run->engine, err))
        return false;
    read_present(run);
    if (wish->id != NULL) {
        if (!belay_restore_find(run, wish->id, err))
            return false;
    } else {
        const belay_graph *graph = run->engine->graph;
        if (graph == NULL) {
            belay_fail(err, BELAY_E_UNSUPPORTED, "the engine %s cannot tell a snapshot by revision",
                run->engine->name);
            return belay_error_hint(err, "name it by its id: `belay snapshots` lists them");
        }
        BELAY_AUTO(belay_choice_done) belay_choice choice = {0};
        const char *whose = run->how.from == NULL ? run->how.target->name : run->how.from;
        if (!belay_choose_snapshot(
                belay_run_snapshot_store(run), whose, graph, &run->from, wish->revision, &choice, err))
            return false;
        tell_choice(run, wish->revision, &choice);
        run->snapshot = choice.info;
        choice.info = (belay_snapshot_info){0};
        run->plan = choice.plan;
        choice.plan = (belay_plan){0};
    }
    const belay_list *revisions = &run->snapshot.revisions;
    for (size_t i = 0; i < (run->plan.step_count > 0 ? run->plan.to_count : revisions->count); i++)
        belay_list_add(&run->to, run->plan.step_count > 0 ? run->plan.to[i] : revisions->items[i]);
    return true;
}

/* Before anybody is asked: how long it will take. A store that cannot be listed keeps nobody from restoring.
 */
static void tell_estimate(const belay_run *run)
{
    BELAY_AUTO(belay_estimate_done) belay_estimate estimate = {0};
    if (!belay_estimate_restore(belay_run_snapshot_store(run), &run->snapshot, &estimate, NULL))
        return;
    BELAY_AUTO(belay_free) char *text = belay_estimate_text(&estimate);
    belay_say(run->how.reporter, BELAY_INFO, "the restore will take %s", text);
}

/* A person, or the script, must have said yes where there is something to lose, and in production always, by
 * the database's name. */
static bool agree(belay_run *run, belay_error *err)
{
    const belay_run_options *how = &run->how;
    bool production = how->target->environment == BELAY_PRODUCTION;
    tell_estimate(run);
    bool foreign = belay_origin_is_foreign(run);
    if (how->yes ||
        (!production && !foreign && (!run->gate_known || how->accept_loss || how->target->accept_loss)))
        return true;
    if (run->gate_known)
        belay_say(how->reporter, BELAY_WARN,
            "%s will be replaced by snapshot %s of %s; everything written since is kept only in the old "
            "database",
            run->dbname, run->snapshot.id, run->snapshot.created_at);
    BELAY_AUTO(belay_free)
    char *question = production
                         ? belay_format("%s is a production target. To restore database %s, type its name:",
                               how->target->name, run->dbname)
                         : belay_strdup("Go on? Type yes:");
    if (how->confirm != NULL &&
        how->confirm(how->confirm_context, question, production ? run->dbname : "yes"))
        return true;
    belay_fail(
        err, BELAY_E_POLICY, "nobody agreed to %s %s", run->gate_known ? "replace" : "create", run->dbname);
    return belay_error_hint(err, "add --yes");
}

static bool migrate_up(belay_run *run, const char *dbname, belay_error *err)
{
    belay_apply_result result = {0};
    if (run->plan.step_count == 0)
        return true;
    bool ok = belay_run_apply(run, dbname, &run->plan, &result, err);
    belay_apply_result_done(&result);
    return ok;
}

static void new_name(const belay_run *run, char name[static BELAY_DBNAME_SIZE])
{
    belay_gate_name(run->dbname, "new", run->id, name);
}

static bool needs_build(const belay_run *run)
{
    return run->made != BELAY_MADE_ALL;
}

/* A run that died behind its closed gate had disabled them. */
static bool wants_subscriptions(const belay_run *run)
{
    return belay_followers_wants_subscriptions(run) && !run->gate.closed;
}

/* By `belay recover`, while the connection and with it the lock were lost: what it decided stands. The lock
 * is held when this is asked. */
static bool was_recovered(const belay_run *run)
{
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    return !run->recovers &&
           belay_journal_read(run->how.store, run->how.target->name, run->id, &records, NULL) &&
           belay_journal_last(records, "end", "run") != NULL;
}

static bool require_own(const belay_run *run, belay_error *err)
{
    return !was_recovered(run) ||
           belay_fail(err, BELAY_E_NEEDS_RECOVERY, "the run was ended while the server was away");
}

static bool stage_build(belay_run *run, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    char schema_hash[BELAY_SHA256_HEX_SIZE] = "";
    new_name(run, name);
    return (run->made == BELAY_MADE_LOADED || belay_build_from_snapshot(run, name, true, schema_hash, err)) &&
           require_own(run, err) &&
           belay_stamp_and_check(run, name, &run->snapshot.revisions, schema_hash, err) &&
           migrate_up(run, name, err) && belay_run_verify(run, name, err);
}

/* Nothing was swapped: the new database goes. */
static bool drop_new(belay_run *run, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    new_name(run, name);
    run->gate.keeper = run->keeper;
    run->gate.public_name = run->dbname;
    return belay_gate_drop(&run->gate, name, err);
}

static bool exists(const belay_run *run)
{
    return run->gate_known;
}

static bool is_missing(const belay_run *run)
{
    return !run->gate_known;
}

static bool stage_swap(belay_run *run, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    new_name(run, name);
    belay_gate_name(run->dbname, "failed", run->id, run->kept);
    if (belay_gate_swap(&run->gate, name, run->kept, err))
        return true;
    /* An open gate: the swap was committed, and only its record failed. */
    if (run->gate.closed)
        run->kept[0] = '\0';
    return false;
}

/* The target's database is gone: the new one gets its name. */
static bool stage_name(belay_run *run, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    new_name(run, name);
    BELAY_AUTO(belay_free) char *from = belay_quote_ident(name);
    BELAY_AUTO(belay_free) char *to = belay_quote_ident(run->dbname);
    BELAY_AUTO(belay_free) char *oid = NULL;
    return belay_pg_value(belay_keeper_pg(run->keeper),
               "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", (const char *const[]){name}, 1,
               &oid, err) &&
           belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "restore.name",
               json_pack("{s:s?}", "oid", oid), err) &&
           belay_gate_end_sessions(run->keeper, name, 30000, err) &&
           belay_pg_execf(belay_keeper_pg(run->keeper), err, "ALTER DATABASE %s RENAME TO %s", from, to) &&
           belay_record(belay_run_recorder(run), BELAY_RECORD_DONE, "restore.name", NULL, err);
}

static const belay_stage before_stages[] = {
    {.name = "preflight", .run = belay_restore_preflight},
};

static const belay_stage restore_stages[] = {
    {.name = "build", .run = stage_build, .wanted = needs_build, .undo = drop_new},
    {.name = "stop", .run = belay_run_stop_app},
    {.name = "subscriptions", .run = belay_followers_disable, .wanted = wants_subscriptions},
    {.name = "gate", .run = belay_run_close_gate, .wanted = exists},
    {.name = "swap", .run = stage_swap, .wanted = exists},
    {.name = "name", .run = stage_name, .wanted = is_missing},
    {.name = "followers", .run = belay_followers_after_swap},
    {.name = "start", .run = belay_run_start_app},
};

/* The new database goes, the old one gets its name back; unless the names are swapped already. */
static void go_back(belay_run *run)
{
    belay_error err = {0};
    if (belay_journal_is_foreign(run->journal)) { /* the new database may be the other one's by now */
        belay_run_back(run);
        return;
    }
    belay_stop_mask(true);
    bool held = belay_keeper_hold(run->keeper, &err);
    if (was_recovered(run)) {
        belay_error_hint(&run->error, "the run was recovered meanwhile; this one changes nothing more");
        belay_say_error(run->how.reporter, &run->error);
        run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
    } else if (run->kept[0] != '\0') {
        belay_error_hint(&run->error, "the names are swapped already; type: belay recover --target %s",
            run->how.target->name);
        belay_say_error(run->how.reporter, &run->error);
        run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
    } else {
        if (!held || !belay_run_undo(run, restore_stages, BELAY_COUNT(restore_stages), &err))
            belay_say(run->how.reporter, BELAY_WARN, "%s", err.message);
        belay_run_back(run);
    }
    belay_stop_mask(false);
}

void belay_restore_work(belay_run *run)
{
    if (!belay_run_stages(run, restore_stages, BELAY_COUNT(restore_stages), &run->error)) {
        go_back(run);
        return;
    }
    belay_error_clear(&run->error);
    run->outcome = BELAY_OUTCOME_RESTORED;
}

int belay_restore_run(const belay_run_options *how, const char *id, const char *revision, json_t **ret_json)
{
    BELAY_AUTO(belay_run_done) belay_run run;
    restore_wish wish = {id, revision};
    belay_run_init(&run, how);
    if (!belay_run_take(&run, true, &run.error) || !choose(&run, &wish, &run.error) ||
        !belay_run_stages(&run, before_stages, BELAY_COUNT(before_stages), &run.error) ||
        !agree(&run, &run.error) ||
        !belay_run_begin(&run, belay_restore_begin_details(&run, revision), &run.error)) {
        run.outcome = belay_code_exit(run.error.code) == BELAY_EXIT_FAILED ? BELAY_OUTCOME_UNTOUCHED
                                                                           : BELAY_OUTCOME_REFUSED;
        belay_say_error(how->reporter, &run.error);
        return belay_run_finish(&run, ret_json);
    }
    belay_restore_work(&run);
    int status = belay_run_finish(&run, ret_json);
    return status == BELAY_EXIT_RESTORED ? BELAY_EXIT_OK : status;
}
