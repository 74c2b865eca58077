#include "pipeline/recover.h"

#include "pipeline/assess.h"
#include "pipeline/back.h"
#include "pipeline/deploy.h"
#include "pipeline/followers.h"
#include "pipeline/journal_copy.h"
#include "pipeline/restore_recover.h"
#include "pipeline/runs.h"
#include "pipeline/stages.h"
#include "pipeline/writer.h"
#include "restore/scratch.h"
#include "util/stop.h"

enum { LOCK_WAIT_MS = 30 * 1000, END_RUN_TIMEOUT_MS = 60 * 1000 };

static void take_up_followers(belay_run *run, const json_t *records, const json_t *begin)
{
    static const char act[] = "subscriptions.disable";
    belay_followers_done(&run->followers);
    belay_followers_from_json(json_object_get(begin, "followers"), &run->followers);
    run->resumed = belay_journal_last(records, "done", act) != NULL;
    if (belay_journal_open_intent(records, act))
        belay_json_to_list(
            json_object_get(belay_journal_last(records, "intent", act), "names"), &run->disabled);
}

/* What the dead run wrote down, put back into `run`. */
static bool take_up(belay_run *run, const json_t *records, belay_error *err)
{
    const json_t *begin = belay_journal_last(records, "begin", "run");
    if (begin == NULL) {
        belay_fail(err, BELAY_E_NEEDS_RECOVERY, "the journal of run %s has no begin record", run->id);
        return belay_error_hint(err, "the file is damaged: put it back from a copy of the store, or give the "
                                     "database its name back by "
                                     "hand as docs/gate.md says and remove the run's folder");
    }
    const char *verb = belay_json_text(begin, "verb");
    run->how.to = belay_json_text(begin, "wanted");
    if (run->how.to == NULL)
        run->how.to = "head";
    run->how.verb = verb != NULL && belay_equal(verb, "restore") ? "restore" : "deploy";
    belay_json_to_list(json_object_get(begin, "from"), &run->from);
    belay_json_to_list(json_object_get(begin, "to"), &run->to);
    json_t *invalid = json_object_get(begin, "invalid_before");
    run->invalid_before = json_is_null(invalid) ? NULL : json_incref(invalid);
    const json_t *counters = belay_journal_last(records, "note", "counters");
    run->loss_before = json_incref(
        counters == NULL ? json_object_get(begin, "loss_before") : json_object_get(counters, "before"));
    const json_t *migrate = belay_journal_last(records, "intent", "migrate");
    run->migrating = migrate != NULL;
    run->evidence = migrate == NULL ? NULL : json_incref(json_object_get(migrate, "before"));
    run->unhealthy = belay_journal_last(records, "intent", "unhealthy") != NULL;
    run->restoring = belay_journal_last(records, "intent", "unhealthy.restore") != NULL;
    run->app_stopped = belay_journal_open_intent(records, "app.stop");
    run->complete = belay_restore_find_complete(run, records);
    take_up_followers(run, records, begin);
    return true;
}

/* Nobody would notice this recovery: it goes on only when nobody is left who had to. The way back matters
 * more than its records then. */
static bool go_on_without_record(
    belay_run *run, const json_t *records, const belay_error *why, belay_error *err)
{
    const json_t *writer = belay_journal_writer(records);
    const char *host = writer == NULL ? NULL : belay_json_text(writer, "host");
    long long pid = json_integer_value(json_object_get(writer, "pid"));
    BELAY_AUTO(belay_free)
    char *question = belay_format("The journal cannot be written (%s), so process %lld on %s, which has run "
                                  "%s, would not notice this recovery. Is it gone for certain? Type yes:",
        why->message, pid, host == NULL ? "?" : host, run->id);
    if (belay_writer_is_gone(writer)) {
        belay_say(run->how.reporter, BELAY_WARN,
            "the journal cannot be written (%s); process %lld, which had run %s on this machine, is gone, so "
            "nobody else goes on with it",
            why->message, pid, run->id);
    } else if (run->how.confirm == NULL || !run->how.confirm(run->how.confirm_context, question, "yes")) {
        *err = *why;
        belay_error_prefix(err,
            "the takeover of run %s cannot be recorded, and should process %lld on %s live still, it would "
            "not notice this recovery",
            run->id, pid, host == NULL ? "another machine" : host);
        return belay_error_hint(err,
            "nothing was changed. Make room in %s (a few KiB are enough) and type `belay recover --target "
            "%s` again, or type it where that process ran, or at a terminal, where it asks whether that "
            "process is gone",
            run->how.store->url, run->how.target->name);
    }
    belay_journal_be_lenient(run->journal);
    return true;
}

/* The takeover is recorded before the records are read: what another process writes later is not part of what
 * is recovered, and that one notices. */
static bool take_over(belay_run *run, json_t **ret_records, belay_error *err)
{
    belay_error why = {0};
    if (!belay_journal_open(run->how.store, run->how.target->name, run->id, &run->journal, err))
        return false;
    bool recorded = belay_journal_take_over(run->journal, &why);
    if (!recorded && belay_journal_is_foreign(run->journal)) {
        *err = why;
        return false;
    }
    if (!belay_journal_read(run->how.store, run->how.target->name, run->id, ret_records, err) ||
        (!recorded && !go_on_without_record(run, *ret_records, &why, err)))
        return false;
    belay_run_guard(run);
    return true;
}

/* The snapshot: finished ones are found by id; the .part of an unfinished one is removed. */
static bool find_snapshot(belay_run *run, const json_t *records, belay_error *err)
{
    const json_t *intent = belay_journal_last(records, "intent", "snapshot");
    const char *id = intent == NULL ? NULL : belay_json_text(intent, "id");
    if (id == NULL)
        return true;
    belay_error why = {0};
    if (!belay_snapshot_find(run->how.store, run->how.target->name, id, &run->snapshot, &why)) {
        belay_snapshot_info_done(&run->snapshot);
        run->snapshot = (belay_snapshot_info){0};
        if (why.code == BELAY_E_KEY) {
            *err = why;
            return false;
        }
        if (why.code != BELAY_E_NOT_FOUND)
            belay_say(run->how.reporter, BELAY_WARN, "snapshot %s: %s", id, why.message);
    }
    return belay_snapshot_remove_part(run->how.store, run->how.target->name, id, err);
}

static bool drop_kind(belay_run *run, const char *kind, belay_error *err)
{
    char name[BELAY_DBNAME_SIZE];
    belay_gate_name(run->dbname, kind, run->id, name);
    return belay_gate_drop(&run->gate, name, err);
}

static bool is_restore(const belay_run *run)
{
    return belay_equal(run->how.verb, "restore");
}

/* Looks at the run's databases: the twin is noted when it is complete, scratch ones are dropped. */
static bool find_databases(belay_run *run, const json_t *records, belay_error *err)
{
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    char twin[BELAY_DBNAME_SIZE];
    belay_gate_name(run->dbname, "twin", run->id, twin);
    if (!drop_kind(run, "scratch", err) ||
        !belay_gate_find(belay_keeper_pg(run->keeper), run->dbname, &found, err))
        return false;
    bool complete = belay_journal_last(records, "done", "gate.twin") != NULL;
    for (size_t i = 0; i < found.count; i++) {
        if (belay_equal(found.items[i].name, twin) && complete)
            memcpy(run->twin, twin, sizeof run->twin);
    }
    return complete || belay_gate_drop(&run->gate, twin, err);
}

/* The run's own database under a name of a kept one: the swap's commit was reached. */
static bool was_swapped(belay_run *run, uint32_t oid, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    BELAY_AUTO(belay_free) char *text = belay_format("%u", oid);
    char kept[BELAY_DBNAME_SIZE];
    belay_gate_name(run->dbname, "failed", run->id, kept);
    if (!belay_pg_value(belay_keeper_pg(run->keeper),
            "SELECT datname FROM pg_catalog.pg_database WHERE oid = $1", (const char *const[]){text}, 1,
            &name, err))
        return false;
    *ret = name != NULL && belay_equal(name, kept);
    if (*ret)
        memcpy(run->kept, kept, sizeof run->kept);
    return true;
}

/* The sessions that the journal names by pid and start: a migration file may have set another
 * application_name, and such a backend could still commit. */
static bool end_work_sessions(belay_run *run, const json_t *records, belay_error *err)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)(uintptr_t)records, i, one)
    {
        const char *act = belay_json_text(one, "act");
        const char *start = belay_json_text(one, "backend_start");
        if (act == NULL || start == NULL || !belay_equal(act, "session"))
            continue;
        if (!belay_gate_end_backend(run->keeper, (int)json_integer_value(json_object_get(one, "pid")), start,
                END_RUN_TIMEOUT_MS, err))
            return false;
    }
    return true;
}

/* Version rows of now against before and after, and what the run left in the ledger. */
static bool assess(
    belay_run *run, const json_t *records, belay_effect *ret, bool *ret_complete, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    int64_t rows = 0;
    *ret = BELAY_EFFECT_NONE;
    *ret_complete = false;
    if (!run->migrating)
        return true;
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, err) ||
        !run->engine->heads(run->engine, pg, &heads, err) || !belay_ledger_count_run(pg, run->id, &rows, err))
        return false;
    bool before = belay_list_same(&heads, &run->from);
    bool after = belay_list_same(&heads, &run->to);
    bool unsure = belay_journal_last(records, "note", "unsure") != NULL;
    bool outside =
        belay_journal_last(records, "intent", "statement") != NULL || !run->engine->owns_transactions;
    if (!before || rows > 0 || outside)
        *ret = BELAY_EFFECT_COMMITTED;
    if (unsure)
        *ret = BELAY_EFFECT_UNKNOWN;
    *ret_complete = after && !before;
    return true;
}

/* Plan again from the revisions of before, so that the verify sections of what was applied are known. */
static bool replan(belay_run *run, belay_error *err)
{
    return run->engine->plan(run->engine, &run->from, run->how.to, false, &run->plan, err);
}

static void succeed(belay_run *run)
{
    belay_error err = {0};
    if (!belay_run_complete(run, belay_deploy_stages, belay_deploy_stage_count, &err)) {
        run->error = err;
        run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
        return;
    }
    run->outcome = BELAY_OUTCOME_SUCCEEDED;
}

static void end_swapped(belay_run *run, const json_t *records)
{
    belay_error err = {0};
    run->outcome = BELAY_OUTCOME_RESTORED;
    if (is_restore(run)) {
        belay_restore_recover_swapped(run, records);
    } else {
        if (!find_snapshot(run, records, &err))
            belay_say(run->how.reporter, BELAY_WARN, "%s", err.message);
        belay_followers_after_swap(run, NULL);
    }
    if (!belay_run_undo(run, belay_deploy_stages, belay_deploy_stage_count, &err))
        belay_say(run->how.reporter, BELAY_WARN, "%s", err.message);
}

/* `to` is what stands, which may be less than what was wanted. */
static void note_what_stands(belay_run *run)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    belay_error err = {0};
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, &err) ||
        !run->engine->heads(run->engine, pg, &heads, &err)) {
        belay_say(run->how.reporter, BELAY_WARN, "which revisions stand is not known: %s", err.message);
        return;
    }
    belay_list_done(&run->to);
    run->to = heads;
    heads = (belay_list){0};
}

/* Keep what stands: a person said so. */
static bool kept_by_a_person(belay_run *run, belay_effect effect)
{
    if (!run->how.keep || effect == BELAY_EFFECT_NONE)
        return false;
    note_what_stands(run);
    belay_say(run->how.reporter, BELAY_WARN,
        "keeping what was migrated, as asked; run `belay verify` and `belay current`");
    succeed(run);
    return true;
}

/* The gate's surroundings, for a run whose database did not or does not exist. */
static void know_no_gate(belay_run *run)
{
    run->gate = (belay_gate){.keeper = run->keeper,
        .recorder = belay_run_recorder(run),
        .reporter = run->how.reporter,
        .run_id = run->id,
        .public_name = run->dbname};
}

/* Somebody dropped the run's database: there is nothing to put back, and `restore` must not be refused for
 * this run. */
static bool end_without_database(belay_run *run, const json_t *records, belay_error *err)
{
    know_no_gate(run);
    run->error = *err;
    if (!find_snapshot(run, records, err) || !find_databases(run, records, err))
        return false;
    belay_error_hint(&run->error,
        "the run's database was dropped meanwhile; type: belay restore %s --target %s",
        run->snapshot.id == NULL ? "ID" : run->snapshot.id, run->how.target->name);
    if (run->twin[0] != '\0') /* with the database gone it may be the only copy: never dropped here */
        belay_error_hint(&run->error,
            "the run's database was dropped meanwhile; its copy of before is the database \"%s\": ALTER "
            "DATABASE ... ALLOW_CONNECTIONS true and RENAME TO bring it back",
            run->twin);
    belay_say_error(run->how.reporter, &run->error);
    run->outcome = BELAY_OUTCOME_STOPPED;
    return true;
}

/* The configuration may have changed since. On another server the run's database seems to be gone, or its OID
 * is another database's: neither may be acted on. */
static bool same_target(belay_run *run, const json_t *begin, belay_error *err)
{
    const char *dbname = belay_json_text(begin, "dbname");
    const char *before = belay_json_text(begin, "system_identifier");
    const char *host = belay_json_text(begin, "host");
    BELAY_AUTO(belay_free) char *now = belay_run_server(run);
    if (dbname != NULL && !belay_equal(dbname, run->dbname)) {
        belay_fail(err, BELAY_E_PREFLIGHT, "run %s worked on database \"%s\", and target %s is \"%s\" now",
            run->id, dbname, run->how.target->name, run->dbname);
        return belay_error_hint(err, "point the target at \"%s\" again for the recovery", dbname);
    }
    if (before == NULL || now == NULL || belay_equal(before, now))
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT,
        "run %s worked on another server: the one that is reached now (%s) is system %s, it was system %s",
        run->id, belay_pg_address(belay_keeper_pg(run->keeper)), now, before);
    return belay_error_hint(err,
        "the run was begun on %s; point the target at the server that it had then (`belay targets` shows it)",
        host == NULL ? "another machine" : host);
}

/* An OID alone could be any database's, after the server was loaded anew from a dump: a wrong one would be
 * renamed. */
static bool is_of_run(belay_run *run, bool swapped, belay_error *err)
{
    char expected[BELAY_DBNAME_SIZE];
    const char *name = run->gate.closed ? run->gate.private_name : run->dbname;
    belay_gate_name(run->dbname, NULL, run->id, expected);
    if (swapped || belay_equal(name, run->dbname) || belay_equal(name, expected))
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT,
        "the database of run %s (OID %u) is called \"%s\" now, which is a name that the run did not give it",
        run->id, run->gate.oid, name);
    return belay_error_hint(
        err, "if it is the one, rename it to \"%s\" and run `belay recover` again", run->dbname);
}

/* The target's database was missing, and the restored one has its name: only the record of it is not there.
 */
static bool was_named(belay_run *run, const json_t *records, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *oid = NULL;
    *ret = false;
    const json_t *intent = belay_journal_last(records, "intent", "restore.name");
    const char *expected = intent == NULL ? NULL : belay_json_text(intent, "oid");
    if (expected == NULL)
        return true;
    if (!belay_pg_value(belay_keeper_pg(run->keeper),
            "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", (const char *const[]){run->dbname},
            1, &oid, err))
        return false;
    *ret = oid != NULL && belay_equal(oid, expected);
    return true;
}

/* The dead run verified, and may have opened the gate: what others wrote since is not to be judged. */
static bool verified_before(const json_t *records)
{
    const json_t *stage = belay_journal_last(records, "stage", "verify");
    const char *state = stage == NULL ? NULL : belay_json_text(stage, "state");
    return state != NULL && belay_equal(state, "ok");
}

/* The dead run had found the application unhealthy, and may have begun to restore. */
static void settle_unhealthy(belay_run *run)
{
    belay_fail(&run->error, BELAY_E_HEALTH, "the health check had failed before the run died");
    belay_say_error(run->how.reporter, &run->error);
    belay_run_settle_unhealthy(run);
}

static bool settle_run(belay_run *run, const json_t *records, belay_error *err)
{
    const json_t *begin = belay_journal_last(records, "begin", "run");
    uint32_t oid = (uint32_t)json_integer_value(json_object_get(begin, "oid"));
    bool swapped = false;
    bool complete = false;
    belay_effect effect = BELAY_EFFECT_UNKNOWN;
    if (!same_target(run, begin, err) || !belay_gate_end_run(run->keeper, run->id, END_RUN_TIMEOUT_MS, err) ||
        !end_work_sessions(run, records, err))
        return false;
    know_no_gate(run);
    if (oid != 0 ? !was_swapped(run, oid, &swapped, err) : !was_named(run, records, &swapped, err))
        return false;
    if (oid != 0 && !belay_gate_attach(&run->gate, run->keeper, oid, run->dbname, run->id,
                        belay_run_recorder(run), run->how.reporter, err)) {
        if (err->code != BELAY_E_NO_DATABASE)
            return false;
        return end_without_database(run, records, err);
    }
    if (oid != 0 && !is_of_run(run, swapped, err))
        return false;
    run->gate_known = oid != 0;
    if (swapped) {
        run->gate.closed = false;
        end_swapped(run, records);
        return true;
    }
    if (!find_snapshot(run, records, err) || !find_databases(run, records, err) ||
        !assess(run, records, &effect, &complete, err))
        return false;
    if (is_restore(run))
        return belay_restore_recover(run, records, err);
    if (run->migrating && !complete && !run->how.keep)
        effect = belay_assess(run, effect); /* what stands as a whole was committed, and needs no proof */
    if (kept_by_a_person(run, effect))
        return true;
    if (complete && run->unhealthy) {
        settle_unhealthy(run);
        return true;
    }
    if (complete && verified_before(records)) {
        succeed(run);
        return true;
    }
    if (complete && replan(run, err) && belay_run_verify(run, belay_run_dbname(run), err)) {
        succeed(run);
        return true;
    }
    if (complete) {
        run->error = *err;
        belay_say_error(run->how.reporter, err);
    }
    belay_run_settle(run, effect);
    return true;
}

/* What was half-made goes at the end, unless the next recovery may need it. */
static bool recover_run(belay_run *run, const json_t *records, belay_error *err)
{
    return settle_run(run, records, err) &&
           (run->outcome == BELAY_OUTCOME_NEEDS_RECOVERY || drop_kind(run, "new", err));
}

/* 0 for each of the named ends, also when the run's own exit status was another; 5 when a person is needed
 * still. */
static int finish(belay_run *run, json_t **ret_json)
{
    bool open = run->outcome == BELAY_OUTCOME_NEEDS_RECOVERY || run->outcome == BELAY_OUTCOME_REFUSED ||
                (run->outcome == BELAY_OUTCOME_STOPPED && run->undecided);
    bool lost = run->outcome == BELAY_OUTCOME_STOPPED && run->error.code == BELAY_E_NO_DATABASE;
    int status = belay_run_finish(run, ret_json);
    if (open)
        return status;
    return lost || status == BELAY_EXIT_ATTENTION ? BELAY_EXIT_ATTENTION : BELAY_EXIT_OK;
}

/* No journal in this store, but the target's database is behind a gate: the run is another store's. */
static bool require_no_gate(belay_run *run, belay_error *err)
{
    belay_pg *pg = belay_keeper_pg(run->keeper);
    uint32_t oid = 0;
    if (!belay_gate_oid_of(pg, run->dbname, &oid, err))
        return false;
    if (oid != 0 || belay_gate_fail_missing(pg, run->dbname, err) || err->code != BELAY_E_UNFINISHED_RUN)
        return true;
    return belay_error_hint(err,
        "no whole journal of it is in %s/%s/runs: recover where the run was begun, or copy the run's folder "
        "from "
        "there "
        "and type `belay recover --target %s` again; docs/gate.md says what to do when the journal is lost",
        run->how.store->url, run->how.target->name, run->how.target->name);
}

/* Nothing was done, as where the server does not answer: is there a run that waits for it still? It is the
 * one that the answer names. */
static bool stays_open(belay_run *run)
{
    BELAY_AUTO(belay_free) char *id = NULL;
    if (run->journal != NULL)
        return true;
    if (run->error.code == BELAY_E_LOCKED ||
        !belay_runs_unfinished(run->how.store, run->how.target->name, &id, NULL) || id == NULL)
        return false;
    snprintf(run->id, sizeof run->id, "%s", id);
    return true;
}

int belay_recover(const belay_run_options *how, json_t **ret_json)
{
    BELAY_AUTO(belay_run_done) belay_run run;
    BELAY_AUTO(belay_free) char *id = NULL;
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    belay_run_init(&run, how);
    run.recovers = true;
    bool ok = belay_run_lock(&run, LOCK_WAIT_MS, &run.error) &&
              belay_gate_drop_tries(belay_keeper_pg(run.keeper), run.dbname, &run.error) &&
              belay_scratch_sweep(belay_keeper_pg(run.keeper), run.dbname, how->reporter, &run.error) &&
              belay_journal_copies_catch_up(how->store, how->target->name, &run.error) &&
              belay_runs_unfinished(how->store, how->target->name, &id, &run.error);
    if (ok && id == NULL && require_no_gate(&run, &run.error)) {
        belay_say(
            how->reporter, BELAY_INFO, "no run of %s is unfinished: nothing to recover", how->target->name);
        run.outcome = BELAY_OUTCOME_SUCCEEDED;
        return belay_run_finish(&run, ret_json);
    }
    ok = ok && id != NULL;
    if (ok) {
        snprintf(run.id, sizeof run.id, "%s", id);
        belay_stop_mask(true);
        ok = belay_engine_open(how->target, &run.engine, &run.error) &&
             take_over(&run, &records, &run.error) && take_up(&run, records, &run.error) &&
             recover_run(&run, records, &run.error);
    }
    if (!ok) {
        run.outcome = stays_open(&run) ? BELAY_OUTCOME_NEEDS_RECOVERY : BELAY_OUTCOME_REFUSED;
        belay_say_error(how->reporter, &run.error);
    }
    return finish(&run, ret_json);
}
