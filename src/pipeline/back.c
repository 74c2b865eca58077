#include "pipeline/back.h"

#include "migrate/version.h"
#include "pipeline/assess.h"
#include "pipeline/followers.h"
#include "pipeline/loss.h"
#include "pipeline/replace.h"
#include "pipeline/stages.h"
#include "util/stop.h"

enum { END_RUN_TIMEOUT_MS = 60 * 1000 };

/* Whatever went wrong on the way back: the state is named, and who goes on is too. */
static void needs_recovery(belay_run *run, const belay_error *why)
{
    run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
    /* Another one has the run or the target: it is not this one's to go on. */
    if (why->code == BELAY_E_LOCKED) {
        run->error = *why;
        belay_say_error(run->how.reporter, why);
        return;
    }
    belay_say(run->how.reporter, BELAY_ERROR, "the way back failed: %s", why->message);
    if (why->hint[0] != '\0')
        belay_say(run->how.reporter, BELAY_ERROR, "  hint      %s", why->hint);
    belay_say(run->how.reporter, BELAY_ERROR, "type: belay recover --target %s", run->how.target->name);
    belay_error_hint(&run->error, "the way back failed (%s); type: belay recover --target %s", why->message,
        run->how.target->name);
}

/* The database is as it should be; what the stages did around it is taken back. */
static void end_undone(belay_run *run, belay_outcome outcome)
{
    belay_error err = {0};
    if (belay_run_undo(run, belay_deploy_stages, belay_deploy_stage_count, &err))
        run->outcome = outcome;
    else
        needs_recovery(run, &err);
}

static void end_restored(belay_run *run)
{
    belay_error err = {0};
    if (!belay_replace(run, &err)) {
        needs_recovery(run, &err);
        return;
    }
    run->outcome = BELAY_OUTCOME_RESTORED;
    if (!belay_run_undo(run, belay_deploy_stages, belay_deploy_stage_count, &err))
        belay_say(
            run->how.reporter, BELAY_WARN, "the database is restored, but not all is tidy: %s", err.message);
}

/* The gate stays closed: a person decides. */
static void end_stopped(belay_run *run, const char *why)
{
    run->outcome = BELAY_OUTCOME_STOPPED;
    run->undecided = true;
    belay_say(run->how.reporter, BELAY_ERROR, "stopped, %s; the database is %s", why, belay_run_dbname(run));
    belay_say(run->how.reporter, BELAY_ERROR, "to restore it, type: belay recover --target %s --accept-loss",
        run->how.target->name);
    belay_say(run->how.reporter, BELAY_ERROR,
        "to keep what was migrated, type: belay recover --target %s --keep", run->how.target->name);
}

/* Only whole steps can be taken back: what a step without a transaction did before it failed has no record
 * that a downgrade section would undo. */
static bool refuse_half_steps(belay_run *run, belay_pg *pg, const belay_plan *plan, belay_error *err)
{
    int64_t statements = 0;
    if (!belay_progress_count_run(pg, run->id, &statements, err))
        return false;
    if (statements > 0 || plan->step_count == 0)
        return belay_fail(err, BELAY_E_IRREVERSIBLE,
            "part of a revision was committed, which its downgrade section does not undo");
    return true;
}

/* The downgrade sections, from what stands now to `from`. */
static bool downgrade(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_plan_done) belay_plan plan = {0};
    belay_apply_result result = {0};
    BELAY_AUTO(belay_free)
    char *to = run->from.count == 0 ? belay_strdup("base") : belay_list_join(&run->from, ",");
    if (run->from.count > 1)
        return belay_fail(err, BELAY_E_REVISION_RANGE, "a downgrade to several heads is not one target");
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, err) ||
        !run->engine->heads(run->engine, pg, &heads, err) ||
        !run->engine->plan(run->engine, &heads, to, true, &plan, err) ||
        !refuse_half_steps(run, pg, &plan, err))
        return false;
    bool ok = belay_run_apply(run, belay_run_dbname(run), &plan, &result, err);
    belay_apply_result_done(&result);
    return ok;
}

/* False: the downgrade failed, and the caller restores; it may have lost the lock. */
static bool end_downgraded(belay_run *run)
{
    belay_error err = {0};
    if (!downgrade(run, &err)) {
        belay_say(run->how.reporter, BELAY_WARN, "no downgrade (%s); restoring instead", err.message);
        return false;
    }
    end_undone(run, BELAY_OUTCOME_DOWNGRADED);
    return true;
}

void belay_run_settle(belay_run *run, belay_effect effect)
{
    if (effect == BELAY_EFFECT_NONE) {
        if (run->known_by != NULL)
            belay_say(run->how.reporter, BELAY_INFO, "untouched: %s", run->known_by);
        end_undone(run, BELAY_OUTCOME_UNTOUCHED);
        return;
    }
    belay_error err = {0};
    belay_on_failure policy = run->how.target->on_failure;
    if (policy == BELAY_ON_FAILURE_STOP && !run->how.accept_loss) {
        end_stopped(run, "as on_failure = stop asks for");
        return;
    }
    if (policy == BELAY_ON_FAILURE_DOWNGRADE && effect == BELAY_EFFECT_COMMITTED && end_downgraded(run))
        return;
    if (!belay_keeper_hold(run->keeper, &err)) {
        needs_recovery(run, &err);
        return;
    }
    if (!run->gate.closed && !belay_loss_accept(run, &err)) {
        belay_error_hint(&run->error, "%s", err.hint);
        run->outcome = BELAY_OUTCOME_NEEDS_RECOVERY;
        belay_say(run->how.reporter, BELAY_ERROR, "%s", err.message);
        belay_say(run->how.reporter, BELAY_ERROR, "  hint      %s", err.hint);
        return;
    }
    end_restored(run);
}

/* Somebody, or the configuration, said yes: written down first, so that recover asks nobody again. */
static bool agree_to_restore(belay_run *run, belay_error *err)
{
    if (run->restoring)
        return true;
    return run->how.target->on_unhealthy == BELAY_ON_UNHEALTHY_RESTORE && belay_loss_accept(run, err) &&
           belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "unhealthy.restore", NULL, err);
}

void belay_run_settle_unhealthy(belay_run *run)
{
    belay_error err = {0};
    if (agree_to_restore(run, &err)) {
        end_restored(run);
        return;
    }
    run->outcome = BELAY_OUTCOME_STOPPED;
    if (!belay_run_drop_twin(run, &err))
        belay_say(run->how.reporter, BELAY_WARN, "the twin %s is left over: %s", run->twin, err.message);
    belay_say(run->how.reporter, BELAY_ERROR,
        "the database is migrated, verified and open, but unhealthy; look at the application, or go back "
        "with: "
        "belay restore %s --target %s",
        run->snapshot.id == NULL ? "ID" : run->snapshot.id, run->how.target->name);
}

/* Migrated, verified and open: a signal, a start_command that fails or a twin that cannot be dropped is told,
 * and is no reason to throw the migration and what was written since away. */
static void end_delivered(belay_run *run)
{
    belay_error err = {0};
    if (!belay_followers_resume(run, &err) || !belay_run_start_app(run, &err)) {
        needs_recovery(run, &err);
        return;
    }
    if (!belay_run_drop_twin(run, &err))
        belay_say(run->how.reporter, BELAY_WARN, "the twin %s is left over: %s", run->twin, err.message);
    if (run->stage_count > 0 && belay_equal(run->stages[run->stage_count - 1].name, "health")) {
        run->outcome = BELAY_OUTCOME_STOPPED;
        belay_say(run->how.reporter, BELAY_WARN,
            "the database is migrated, verified and open; whether the application is well was not found out");
        return;
    }
    belay_say(run->how.reporter, BELAY_WARN, "the database is migrated, verified and open nevertheless");
    belay_error_clear(&run->error);
    run->outcome = BELAY_OUTCOME_SUCCEEDED;
}

/* What the engine knows, as far as the run got. */
static belay_effect engine_effect(const belay_run *run)
{
    return run->engine->owns_transactions ? run->applied.effect : BELAY_EFFECT_COMMITTED;
}

/* Another one writes to the journal: whoever that is, and whatever the lock says. */
static void end_taken_over(belay_run *run)
{
    belay_error err = {0};
    if (run->error.code != BELAY_E_LOCKED)
        belay_say_error(run->how.reporter, &run->error);
    if (belay_journal_require_own(run->journal, &err))
        belay_store_fail_not_own(belay_journal_path(run->journal), &err);
    needs_recovery(run, &err);
}

void belay_run_back(belay_run *run)
{
    belay_error err = {0};
    if (belay_journal_is_foreign(run->journal)) {
        end_taken_over(run);
        return;
    }
    belay_stop_mask(true);
    belay_journal_be_lenient(run->journal);
    belay_say_error(run->how.reporter, &run->error);
    bool reachable = belay_keeper_hold(run->keeper, &err);
    if (reachable && run->gate_known)
        reachable = belay_gate_end_run(run->keeper, run->id, END_RUN_TIMEOUT_MS, &err);
    if (reachable && run->unhealthy)
        belay_run_settle_unhealthy(run);
    else if (reachable && run->delivered)
        end_delivered(run);
    else if (reachable)
        belay_run_settle(run, run->migrating ? belay_assess(run, engine_effect(run)) : BELAY_EFFECT_NONE);
    else
        needs_recovery(run, &err);
    belay_stop_mask(false);
}
