/* The connection that holds the snapshot together: it exported it, and has every table's lock.
 *
 *     coordinator's --lend--> a worker's, for one piece --take back--> coordinator's
 *     coordinator's --renew--> another connection, with the locks of what is still to be read
 *
 * Who asks for a table's lock behind somebody else's ALTER TABLE waits for both. A worker that comes to such
 * a table therefore reads it here, where the lock is held already. Such tables are read first; then another
 * connection takes over, and the ALTER TABLE goes on while the snapshot does.
 */
#include "pg/names.h"
#include "snapshot/flow.h"
#include "snapshot/plan.sql.h"
#include "util/clock.h"
#include "util/condition.h"
#include "util/stop.h"

enum { LOCKS_PER_STATEMENT = 200, CHECK_EVERY_MS = 1000, WAIT_MS = 100, RENEW_PAUSE_MS = 1000 };

bool belay_holder_lend(belay_flow *flow, belay_pg **ret, belay_error *err)
{
    pthread_mutex_lock(&flow->mutex);
    while (flow->is_lent && !atomic_load(&flow->t->given_up) && !belay_stop_requested())
        belay_condition_wait(&flow->returned, &flow->mutex, WAIT_MS);
    bool ok = !flow->is_lent && !atomic_load(&flow->t->given_up);
    flow->is_lent = flow->is_lent || ok;
    pthread_mutex_unlock(&flow->mutex);
    if (!ok)
        return belay_flow_given_up(err);
    *ret = flow->t->pg;
    belay_pg_give_up_on(*ret, &flow->t->given_up);
    if (belay_pg_execf(*ret, err,
            "SAVEPOINT piece; %s; SET LOCAL lock_timeout = 0; SET LOCAL client_encoding = '%s'",
            sql_plan_worker_settings, flow->t->encoding))
        return true;
    belay_holder_take_back(flow, NULL);
    return false;
}

bool belay_holder_take_back(belay_flow *flow, belay_error *err)
{
    belay_pg *pg = flow->t->pg;
    belay_pg_give_up_on(pg, NULL);
    belay_pg_cancel(pg);
    bool ok = belay_pg_exec(pg,
        atomic_load(&flow->t->given_up) ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece",
        err);
    pthread_mutex_lock(&flow->mutex);
    flow->is_lent = false;
    pthread_cond_signal(&flow->returned);
    pthread_mutex_unlock(&flow->mutex);
    return ok;
}

/* Without waiting for a worker that has it. */
static bool take(belay_flow *flow)
{
    pthread_mutex_lock(&flow->mutex);
    bool mine = !flow->is_lent;
    flow->is_lent = true;
    pthread_mutex_unlock(&flow->mutex);
    return mine;
}

static void put_back(belay_flow *flow)
{
    pthread_mutex_lock(&flow->mutex);
    flow->is_lent = false;
    pthread_cond_signal(&flow->returned);
    pthread_mutex_unlock(&flow->mutex);
}

bool belay_holder_check(belay_flow *flow, belay_error *err)
{
    int64_t now_ms = belay_now_ms();
    if (now_ms - flow->checked_ms < CHECK_EVERY_MS || !take(flow))
        return true;
    flow->checked_ms = now_ms;
    bool alive = belay_pg_is_alive(flow->t->pg);
    put_back(flow);
    return alive || belay_fail(err, BELAY_E_CONNECTION_LOST,
                        "the connection that holds the snapshot together was lost, and with it the snapshot");
}

void belay_holder_let_go(belay_flow *flow)
{
    if (!take(flow))
        return; /* who has it ends the transaction */
    belay_pg_exec(flow->t->pg, "ROLLBACK", NULL);
    put_back(flow);
}

/* Of the tables that are not read yet. NOWAIT: somebody may wait for one of them by now. */
static bool lock_rest(const belay_taking *t, belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    size_t count = 0;
    for (size_t i = 0; i < t->table_count; i++) {
        if (atomic_load(&t->planned[i].pieces_left) == 0)
            continue;
        BELAY_AUTO(belay_free) char *name = belay_quote_qualified(t->tables[i].schema, t->tables[i].name);
        bool first = count++ % LOCKS_PER_STATEMENT == 0;
        belay_str_appendf(&sql, "%s%s",
            !first       ? ", ONLY "
            : count == 1 ? "LOCK TABLE ONLY "
                         : " IN ACCESS SHARE MODE NOWAIT; LOCK TABLE ONLY ",
            name);
    }
    if (count > 0)
        belay_str_append(&sql, " IN ACCESS SHARE MODE NOWAIT");
    return count == 0 || belay_pg_exec(pg, belay_str_text(&sql), err);
}

/* *ret_lost: there is no snapshot any more to take over. */
static bool open_next(
    const belay_flow *flow, belay_pg **ret, char **ret_snapshot, bool *ret_lost, belay_error *err)
{
    const belay_taking *t = flow->t;
    const belay_pg_options how = {
        .dbname = t->options->dbname, .application_name = t->run_id, .profile = BELAY_PG_PINNED};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_open(t->options->dialer, &how, ret, err))
        return false;
    if (!belay_pg_execf(*ret, err, "%s; SET TRANSACTION SNAPSHOT '%s'", sql_plan_begin, t->snapshot)) {
        *ret_lost = err->code == BELAY_E_SQL;
        return false;
    }
    if (!lock_rest(t, *ret, err) || !belay_pg_query0(*ret, sql_plan_export, &rows, err))
        return false;
    *ret_snapshot = belay_strdup(belay_rows_text(rows, 0, 0));
    return true;
}

static void replace(belay_flow *flow, belay_pg *next, char *snapshot)
{
    belay_taking *t = flow->t;
    pthread_mutex_lock(&flow->mutex);
    free(t->snapshot);
    t->snapshot = snapshot;
    atomic_fetch_add(&flow->generation, 1);
    pthread_mutex_unlock(&flow->mutex);
    belay_pg_exec(t->pg, "COMMIT", NULL);
    belay_pg_close(t->pg);
    t->pg = next;
}

/* Somebody who waits for a table that is not read yet stops it as well: that one is read next, and nothing is
 * said of it. */
static void tell_of_failure(belay_flow *flow, const belay_error *fault)
{
    if (flow->told_of_renew || belay_equal(fault->sqlstate, "55P03"))
        return;
    flow->told_of_renew = true;
    belay_say(flow->t->options->reporter, BELAY_WARN,
        "the tables that others wait for are read, but their locks cannot be given back, since no other "
        "connection can take over the snapshot (it is tried again): %s",
        fault->message);
}

bool belay_holder_renew(belay_flow *flow, belay_error *err)
{
    belay_pg *next = NULL;
    char *snapshot = NULL;
    bool is_lost = false;
    belay_error fault = {0};
    if (belay_now_ms() < flow->renew_after_ms || !take(flow))
        return true;
    if (open_next(flow, &next, &snapshot, &is_lost, &fault)) {
        replace(flow, next, snapshot);
        belay_say(flow->t->options->reporter, BELAY_INFO,
            "the tables that others wait for are read: the snapshot gives their locks back and goes on");
    } else {
        belay_pg_close(next);
        flow->renew_after_ms = belay_now_ms() + RENEW_PAUSE_MS;
    }
    put_back(flow);
    if (is_lost)
        *err = fault;
    else if (fault.code != BELAY_E_NONE)
        tell_of_failure(flow, &fault);
    return !is_lost || belay_error_prefix(err, "the snapshot was lost");
}
