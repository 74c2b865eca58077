/* Who waits for the locks of a snapshot: DDL of others, and behind it whoever wants that table. They are
 * named as they come, what they wait for is read first (holder.c), and after the time that --lock-wait gives
 * for each lock the snapshot gives way. */
#include "snapshot/parts.h"
#include "snapshot/watch.sql.h"
#include "util/clock.h"

enum { LOOK_EVERY_MS = 1000, LOOK_AGAIN_MS = 200, TELL_AFTER_MS = 1000 };

enum { PID, USER, APPLICATION, RELATION, WAITED_MS, QUERY, OID, IS_AT_HOLDER };

static char *describe(const belay_rows *rows, size_t i)
{
    return belay_format("pid %s (user %s, application %s) waits for %s, which the snapshot reads: %s",
        belay_rows_text(rows, i, PID), belay_rows_text(rows, i, USER), belay_rows_text(rows, i, APPLICATION),
        belay_rows_text(rows, i, RELATION), belay_rows_text(rows, i, QUERY));
}

static bool give_way(const belay_taking *t, const char *who, belay_error *err)
{
    belay_fail(err, BELAY_E_LOCK_TIMEOUT,
        "another session waited for %lld ms for a table that the snapshot reads, and others behind it: the "
        "snapshot gave way",
        (long long)t->lock_wait_ms);
    belay_error_detail(err, "%s", who);
    return belay_error_hint(err,
        "take it when nobody alters tables, or let them wait longer: `belay snapshot --lock-wait 10min`");
}

/* Each session once. */
static void tell(belay_taking *t, const char *pid, const char *who)
{
    if (belay_list_has(&t->told, pid))
        return;
    belay_list_add(&t->told, pid);
    belay_say(t->options->reporter, BELAY_WARN, "%s", who);
}

static void want(belay_taking *t, const belay_rows *rows, size_t i)
{
    const char *oid = belay_rows_text(rows, i, OID);
    t->waiters.at_holder += belay_rows_bool(rows, i, IS_AT_HOLDER);
    for (size_t k = 0; k < t->table_count; k++) {
        belay_planned *planned = &t->planned[k];
        if (!belay_equal(planned->oid, oid) || atomic_load(&planned->pieces_left) == 0)
            continue;
        t->waiters.unread++;
        atomic_store(&planned->is_wanted, true);
        atomic_store(&t->any_wanted, true);
    }
}

/* In a session of its own: that of the coordinator may be lent. One that was lost, or could not be had, is
 * opened anew at the next look. Nobody is seen until then, which may last as long as they may wait. */
static bool look(belay_taking *t, belay_rows **ret, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = t->options->dbname, .application_name = t->run_id, .profile = BELAY_PG_PINNED};
    BELAY_AUTO(belay_free) char *holder = belay_format("%d", belay_pg_backend_pid(t->pg));
    if (t->watcher == NULL && !belay_pg_open(t->options->dialer, &how, &t->watcher, err))
        return belay_now_ms() - t->looked_ms < t->lock_wait_ms;
    if (belay_pg_queryp(t->watcher, sql_waiters, ret, err, t->run_id, holder)) {
        t->looked_ms = belay_now_ms();
        return true;
    }
    if (belay_pg_is_alive(t->watcher))
        return false;
    belay_pg_close(t->watcher);
    t->watcher = NULL;
    return true;
}

bool belay_taking_watch(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    int64_t now_ms = belay_now_ms();
    if (now_ms - t->watched_ms < LOOK_EVERY_MS)
        return true;
    t->watched_ms = now_ms;
    t->waiters = (belay_waiters){0};
    if (!look(t, &rows, err))
        return false;
    size_t count = rows == NULL ? 0 : belay_rows_count(rows);
    if (count > 0)
        t->watched_ms -= LOOK_EVERY_MS - LOOK_AGAIN_MS;
    for (size_t i = 0; i < count; i++) {
        int64_t waited_ms = belay_rows_int(rows, i, WAITED_MS);
        BELAY_AUTO(belay_free) char *who = describe(rows, i);
        if (waited_ms >= t->lock_wait_ms)
            return give_way(t, who, err);
        if (waited_ms >= TELL_AFTER_MS)
            tell(t, belay_rows_text(rows, i, PID), who);
        want(t, rows, i);
    }
    return true;
}
