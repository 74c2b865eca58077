/* Who waits for the locks of a snapshot: DDL of others, and behind it whoever wants that table. They are
 * named as they come, and after the time that --lock-wait gives the snapshot gives way: it never stands in
 * front of the application for longer. */
#include "snapshot/parts.h"
#include "snapshot/watch.sql.h"
#include "util/clock.h"

enum { LOOK_EVERY_MS = 1000, LOOK_AGAIN_MS = 200, TELL_AFTER_MS = 1000 };

static char *describe(const belay_rows *rows, size_t i)
{
    return belay_format("pid %s (user %s, application %s) waits for %s, which the snapshot reads: %s",
        belay_rows_text(rows, i, 0), belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 2),
        belay_rows_text(rows, i, 3), belay_rows_text(rows, i, 5));
}

/* At once, however long the writer still has to do with a slow store. */
static bool give_way(const belay_taking *t, const char *who, belay_error *err)
{
    belay_pg_exec(t->pg, "ROLLBACK", NULL);
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

bool belay_taking_watch(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    int64_t now_ms = belay_now_ms();
    if (now_ms - t->watched_ms < LOOK_EVERY_MS)
        return true;
    t->watched_ms = now_ms;
    if (!belay_pg_exec(t->pg, sql_forget_sessions, err) || !belay_pg_query0(t->pg, sql_waiters, &rows, err))
        return false;
    if (belay_rows_count(rows) > 0)
        t->watched_ms -= LOOK_EVERY_MS - LOOK_AGAIN_MS;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        int64_t waited_ms = belay_rows_int(rows, i, 4);
        BELAY_AUTO(belay_free) char *who = describe(rows, i);
        if (waited_ms >= t->lock_wait_ms)
            return give_way(t, who, err);
        if (waited_ms >= TELL_AFTER_MS)
            tell(t, belay_rows_text(rows, i, 0), who);
    }
    return true;
}
