#include "restore/watch.h"

#include "restore/restore.sql.h"
#include "util/clock.h"

enum { LOOK_EVERY_MS = 1000 };

enum { PID, USER, APPLICATION, WHAT, QUERY };

static void tell(belay_watch *watch, const belay_rows *rows, size_t i, belay_reporter *reporter)
{
    const char *pid = belay_rows_text(rows, i, PID);
    if (belay_list_has(&watch->told, pid))
        return;
    belay_list_add(&watch->told, pid);
    belay_say(reporter, BELAY_WARN,
        "the restore waits for a lock on %s, which %s %s (user %s, application %s) holds: %s",
        belay_rows_text(rows, i, WHAT), belay_equal(pid, "0") ? "a prepared transaction," : "pid", pid,
        belay_rows_text(rows, i, USER), belay_rows_text(rows, i, APPLICATION),
        belay_rows_text(rows, i, QUERY));
}

void belay_watch_look(belay_watch *watch, belay_pg *pg, const belay_restore_options *options)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    int64_t now_ms = belay_now_ms();
    if (now_ms - watch->looked_ms < LOOK_EVERY_MS)
        return;
    watch->looked_ms = now_ms;
    if (!belay_pg_queryp(pg, sql_blockers, &rows, NULL, options->run_id))
        return;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        tell(watch, rows, i, options->reporter);
}

void belay_watch_done(belay_watch *watch)
{
    belay_list_done(&watch->told);
}
