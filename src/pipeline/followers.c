#include "pipeline/followers.h"

#include "pipeline/bring_subscriptions.h"
#include "pipeline/followers.sql.h"
#include "pipeline/move_subscription.h"
#include "util/clock.h"

enum { WORKERS_END_MS = 30 * 1000, POLL_MS = 20, STANDBY_TIMEOUT_MS = 60 * 1000, SLOT_FREE_MS = 10 * 1000 };

bool belay_followers_wants_subscriptions(const belay_run *run)
{
    return run->gate_known && run->followers.subscriptions == BELAY_FOLLOWERS_ACT;
}

bool belay_followers_wants_resume(const belay_run *run)
{
    return run->disabled.count > 0;
}

bool belay_followers_wants_standbys(const belay_run *run)
{
    return run->gate_known && run->followers.standbys == BELAY_FOLLOWERS_ACT;
}

/* A worker notices by itself; rows that it commits after the copy would be lost by a restore. */
static bool wait_for_workers(belay_pg *pg, belay_error *err)
{
    for (int64_t end = belay_now_ms() + WORKERS_END_MS;;) {
        BELAY_AUTO(belay_free) char *count = NULL;
        if (!belay_pg_value(pg, sql_workers, NULL, 0, &count, err))
            return false;
        if (count != NULL && belay_equal(count, "0"))
            return true;
        if (belay_now_ms() >= end) {
            belay_fail(err, BELAY_E_DEADLINE, "%s replication workers did not end", count);
            return belay_error_hint(
                err, "pg_stat_subscription shows what they wait for, the server's log says more");
        }
        belay_sleep_ms(POLL_MS);
    }
}

bool belay_followers_disable(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_run_connect(run, run->dbname, BELAY_PG_PINNED, &pg, err) ||
        !belay_pg_query0(pg, sql_enabled, &rows, err))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(&run->disabled, belay_rows_text(rows, i, 0));
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "subscriptions.disable",
            json_pack("{s:o}", "names", belay_json_of_list(&run->disabled)), err))
        return false;
    for (size_t i = 0; i < run->disabled.count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_quote_ident(run->disabled.items[i]);
        if (!belay_pg_execf(pg, err, "ALTER SUBSCRIPTION %s DISABLE", name))
            return false;
        belay_say(run->how.reporter, BELAY_INFO, "subscription %s is disabled for the run", name);
    }
    return wait_for_workers(pg, err);
}

bool belay_followers_end_sessions(belay_run *run, belay_error *err)
{
    return belay_standbys_end_sessions(
        run->keeper, run->how.target, &run->followers, run->gate.oid, STANDBY_TIMEOUT_MS, err);
}

static bool note_resumed(belay_run *run, belay_error *err)
{
    belay_list_done(&run->disabled);
    return belay_record(belay_run_recorder(run), BELAY_RECORD_DONE, "subscriptions.disable", NULL, err);
}

bool belay_followers_resume(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (run->disabled.count == 0)
        return true;
    if (!belay_run_connect(run, run->dbname, BELAY_PG_PINNED, &pg, err))
        return belay_error_prefix(err, "enabling the subscriptions again");
    for (size_t i = 0; i < run->disabled.count; i++) {
        BELAY_AUTO(belay_free) char *enable = NULL;
        if (!belay_pg_value(pg, sql_enable, (const char *const[]){run->disabled.items[i]}, 1, &enable, err) ||
            (enable != NULL && !belay_pg_exec(pg, enable, err))) {
            belay_error_hint(
                err, "in %s: ALTER SUBSCRIPTION \"%s\" ENABLE", run->dbname, run->disabled.items[i]);
            return belay_error_prefix(err, "subscription %s is still disabled", run->disabled.items[i]);
        }
        belay_say(run->how.reporter, BELAY_INFO,
            enable != NULL ? "subscription %s is enabled again" : "subscription %s is gone",
            run->disabled.items[i]);
    }
    run->resumed = true;
    return note_resumed(run, err);
}

bool belay_followers_disable_again(belay_run *run, belay_error *err)
{
    return !run->resumed || belay_followers_disable(run, err);
}

/* A deploy comes back to the moment at which the subscription was disabled, so it can go on from there. An
 * older snapshot cannot, nor can one that received more meanwhile: what came since is in the old one only. */
static bool moves_subscriptions(const belay_run *run)
{
    return run->followers.subscriptions == BELAY_FOLLOWERS_ACT && !run->resumed &&
           !belay_equal(run->how.verb, "restore");
}

static void tell_left_behind(belay_run *run, const char *name)
{
    BELAY_AUTO(belay_free) char *sql = NULL;
    belay_pg_value(belay_keeper_pg(run->keeper), sql_create_by_hand, (const char *const[]){run->kept, name},
        2, &sql, NULL);
    belay_say(run->how.reporter, BELAY_WARN, "subscription %s stays with %s; in %s it would be: %s", name,
        run->kept, run->dbname, sql == NULL ? "CREATE SUBSCRIPTION ..." : sql);
}

/* False: it stays where it is. */
static bool move(belay_run *run, const char *name)
{
    belay_error why = {0};
    bool enabled = belay_list_has(&run->disabled, name);
    if (!moves_subscriptions(run))
        return false;
    if (!belay_subscription_move(run, name, enabled, &why)) {
        belay_say(
            run->how.reporter, BELAY_WARN, "subscription %s could not be moved along: %s", name, why.message);
        return false;
    }
    belay_say(run->how.reporter, BELAY_INFO, "subscription %s goes on in the restored database%s", name,
        enabled ? "" : ", disabled as it was");
    return true;
}

/* What does not move from the old database comes from the snapshot, if that has it. */
static void settle_subscriptions(belay_run *run)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list left = {0};
    BELAY_AUTO(belay_list_done) belay_list made = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(belay_keeper_pg(run->keeper), sql_names_of, &rows, &err, run->kept))
        belay_say(run->how.reporter, BELAY_WARN, "subscriptions of %s: %s", run->kept, err.message);
    for (size_t i = 0; rows != NULL && i < belay_rows_count(rows); i++) {
        if (!move(run, belay_rows_text(rows, i, 0)))
            belay_list_add(&left, belay_rows_text(rows, i, 0));
    }
    belay_subscriptions_bring(run, &left, &made);
    for (size_t i = 0; i < left.count; i++) {
        if (!belay_list_has(&made, left.items[i]))
            tell_left_behind(run, left.items[i]);
    }
    if (run->disabled.count > 0 && !note_resumed(run, &err))
        belay_say(run->how.reporter, BELAY_WARN, "%s", err.message);
}

/* Its consumer may be knocking, which makes it active for a moment. */
static bool drop_slot(belay_run *run, const char *name, belay_error *err)
{
    for (int64_t end = belay_now_ms() + SLOT_FREE_MS;;) {
        belay_error local = {0};
        if (belay_pg_queryp(belay_keeper_pg(run->keeper), sql_drop_slot, NULL, &local, name))
            return true;
        if (!belay_equal(local.sqlstate, "55006") || belay_now_ms() >= end) {
            if (err != NULL)
                *err = local;
            return false;
        }
        belay_sleep_ms(POLL_MS);
    }
}

static void settle_slot(belay_run *run, const char *name, const char *again, const char *confirmed)
{
    belay_error err = {0};
    belay_reporter *reporter = run->how.reporter;
    if (run->followers.slots != BELAY_FOLLOWERS_ACT) {
        belay_say(reporter, BELAY_WARN,
            "logical replication slot %s stays with %s and holds back WAL; SELECT "
            "pg_drop_replication_slot('%s') ends that",
            name, run->kept, name);
        return;
    }
    if (!belay_record(belay_run_recorder(run), BELAY_RECORD_INTENT, "slot.drop",
            json_pack("{s:s, s:s, s:s}", "slot", name, "again", again, "confirmed_flush_lsn", confirmed),
            &err) ||
        !drop_slot(run, name, &err) ||
        !belay_record(belay_run_recorder(run), BELAY_RECORD_DONE, "slot.drop",
            json_pack("{s:s}", "slot", name), &err)) {
        belay_say(reporter, BELAY_WARN, "logical replication slot %s: %s", name, err.message);
        return;
    }
    belay_say(reporter, BELAY_WARN,
        "logical replication slot %s (confirmed up to %s) is dropped, as asked; its consumer wants a fresh "
        "copy. In %s: %s",
        name, confirmed, run->dbname, again);
}

static void settle_slots(belay_run *run)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(belay_keeper_pg(run->keeper), sql_slots_of, &rows, &err, run->kept)) {
        belay_say(run->how.reporter, BELAY_WARN, "logical slots of %s: %s", run->kept, err.message);
        return;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        settle_slot(
            run, belay_rows_text(rows, i, 0), belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 2));
}

static void settle_standbys(belay_run *run)
{
    belay_error err = {0};
    uint32_t oid = 0;
    BELAY_AUTO(belay_standbys_done) belay_standbys found = {0};
    if (!belay_standbys_find(belay_keeper_pg(run->keeper), &found, &err) ||
        !belay_gate_oid_of(belay_keeper_pg(run->keeper), run->kept, &oid, &err) ||
        (oid != 0 && belay_followers_wants_standbys(run) &&
            !belay_standbys_end_sessions(
                run->keeper, run->how.target, &run->followers, oid, STANDBY_TIMEOUT_MS, &err)))
        belay_say(run->how.reporter, BELAY_WARN, "%s", err.message);
    if (oid == 0 || (belay_followers_wants_standbys(run) && err.code == BELAY_E_NONE))
        return;
    for (size_t i = 0; i < found.count; i++)
        belay_say(run->how.reporter, BELAY_WARN,
            "sessions on standby %s may still read the old database; there: SELECT pg_terminate_backend(pid) "
            "FROM pg_stat_activity WHERE datid = %u",
            found.items[i].name, oid);
}

bool belay_followers_after_swap(belay_run *run, belay_error *err)
{
    (void)err;
    settle_subscriptions(run);
    if (run->kept[0] == '\0')
        return true;
    settle_slots(run);
    settle_standbys(run);
    return true;
}
