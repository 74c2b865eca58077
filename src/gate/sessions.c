/* Ending sessions: of a database, of a run, and all the time while a rename waits. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "gate/gate.sql.h"
#include "gate/gate_internal.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/stop.h"

enum { SWEEP_PAUSE_MS = 5, POLL_PAUSE_MS = 10, RENAME_LOCK_MS = 10000, FIRST_SWEEP_MS = 100 };

typedef struct sweep_result {
    int64_t sessions; /* that were there */
    char *stubborn;   /* those that this role may not end; NULL: none */
} sweep_result;

void belay_oids(uint32_t first, uint32_t second, char ret[static BELAY_OIDS_SIZE])
{
    if (second == 0)
        snprintf(ret, BELAY_OIDS_SIZE, "{%" PRIu32 "}", first);
    else
        snprintf(ret, BELAY_OIDS_SIZE, "{%" PRIu32 ",%" PRIu32 "}", first, second);
}

static bool sweep_once(belay_pg *pg, const char *sql, const char *const *params, size_t param_count,
    sweep_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query(pg, sql, params, param_count, &rows, err))
        return false;
    ret->sessions = belay_rows_int(rows, 0, 0);
    free(ret->stubborn);
    ret->stubborn = belay_rows_is_null(rows, 0, 2) ? NULL : belay_strdup(belay_rows_text(rows, 0, 2));
    return true;
}

static bool fail_sessions(const char *what, const sweep_result *left, int64_t timeout_ms, belay_error *err)
{
    if (left->stubborn != NULL) {
        belay_fail(err, BELAY_E_PREFLIGHT, "%s: sessions are left that this role may not end: %s", what,
            left->stubborn);
        return belay_error_hint(err, "close them, or GRANT pg_signal_backend to belay's role (sessions of "
                                     "superusers need a superuser)");
    }
    belay_fail(err, BELAY_E_DEADLINE, "%s: %" PRId64 " sessions did not end within %" PRId64 " s", what,
        left->sessions, timeout_ms / 1000);
    return belay_error_hint(err,
        "pg_stat_activity shows them (datname, application_name, backend_type); stop "
        "what connects, then run the command again");
}

static bool sweep_until_gone(belay_pg *pg, const char *sql, const char *const *params, size_t param_count,
    const char *what, int64_t timeout_ms, belay_error *err)
{
    int64_t end = belay_now_ms() + timeout_ms;
    sweep_result left = {0};
    bool ok = true;
    for (;;) {
        ok = sweep_once(pg, sql, params, param_count, &left, err);
        if (!ok || left.sessions == 0)
            break;
        ok = belay_now_ms() < end || fail_sessions(what, &left, timeout_ms, err);
        if (!ok)
            break;
        belay_sleep_ms(POLL_PAUSE_MS);
    }
    free(left.stubborn);
    return ok;
}

bool belay_gate_end_sessions(belay_keeper *keeper, const char *dbname, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(belay_keeper_pg(keeper), sql_database_by_name, &rows, err, dbname))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    BELAY_AUTO(belay_free) char *oids = belay_format("{%s}", belay_rows_text(rows, 0, 0));
    BELAY_AUTO(belay_free) char *what = belay_format("database \"%s\"", dbname);
    const char *params[] = {oids};
    return sweep_until_gone(belay_keeper_pg(keeper), sql_end_sessions, params, 1, what, timeout_ms, err);
}

bool belay_gate_end_run(belay_keeper *keeper, const char *run_id, int64_t timeout_ms, belay_error *err)
{
    if (*run_id == '\0')
        return belay_fail(err, BELAY_E_INTERNAL, "end_run without a run id would end every session");
    BELAY_AUTO(belay_free) char *what = belay_format("run %s", run_id);
    const char *params[] = {run_id, belay_keeper_pids(keeper)};
    return sweep_until_gone(belay_keeper_pg(keeper), sql_end_run, params, 2, what, timeout_ms, err);
}

bool belay_gate_end_orphans(
    belay_pg *pg, const char *dbname, const char *run_id, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_free) char *what = belay_format("database \"%s\"", dbname);
    const char *params[] = {dbname, run_id};
    return sweep_until_gone(pg, sql_end_orphans, params, 2, what, timeout_ms, err);
}

bool belay_gate_end_backend(
    belay_keeper *keeper, int pid, const char *backend_start, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_free) char *number = belay_format("%d", pid);
    BELAY_AUTO(belay_free) char *what = belay_format("server process %d of the run", pid);
    const char *params[] = {number, backend_start};
    return sweep_until_gone(belay_keeper_pg(keeper), sql_end_one, params, 2, what, timeout_ms, err);
}

bool belay_gate_no_prepared(belay_keeper *keeper, const char *oids, belay_error *err)
{
    BELAY_AUTO(belay_free) char *names = NULL;
    if (!belay_pg_value(belay_keeper_pg(keeper), sql_prepared, &oids, 1, &names, err))
        return false;
    if (names == NULL)
        return true;
    return belay_fail(err, BELAY_E_PREFLIGHT,
               "prepared transactions hold the database, so it cannot be renamed: %s", names) ||
           belay_error_hint(
               err, "COMMIT PREPARED or ROLLBACK PREPARED each of them in that database, then try again");
}

/* The sweeper: a thread with the keeper's second connection. */
typedef struct sweeper {
    pthread_t thread;
    belay_pg *pg;
    const char *oids;
    int stop_fd; /* an eventfd; readable: end */
    sweep_result last;
} sweeper;

static void *sweep_thread(void *context)
{
    sweeper *self = context;
    struct pollfd wait = {.fd = self->stop_fd, .events = POLLIN};
    do {
        if (!sweep_once(self->pg, sql_end_sessions, &self->oids, 1, &self->last, NULL))
            break; /* the rename then fails by its own means, and says why */
    } while (poll(&wait, 1, SWEEP_PAUSE_MS) == 0);
    return NULL;
}

/* Usually all are gone before the server looks: it looks again only 100 ms later. Those that come back
 * meanwhile are the thread's. */
static bool sweep_first(sweeper *self, belay_error *err)
{
    int64_t end = belay_now_ms() + FIRST_SWEEP_MS;
    do {
        if (!sweep_once(self->pg, sql_end_sessions, &self->oids, 1, &self->last, err))
            return false;
        if (self->last.sessions == 0)
            return true;
        belay_sleep_ms(1);
    } while (self->last.stubborn == NULL && belay_now_ms() < end);
    return true;
}

static bool sweeper_start(sweeper *self, belay_keeper *keeper, const char *oids, belay_error *err)
{
    self->oids = oids;
    if (!belay_keeper_second(keeper, &self->pg, err) || !sweep_first(self, err))
        return false;
    self->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (self->stop_fd < 0)
        return belay_fail_errno(err, errno, "cannot make an eventfd");
    int failed = pthread_create(&self->thread, NULL, sweep_thread, self);
    if (failed != 0) {
        close(self->stop_fd);
        return belay_fail_errno(err, failed, "cannot start a thread");
    }
    return true;
}

static void sweeper_end(sweeper *self)
{
    eventfd_write(self->stop_fd, 1);
    pthread_join(self->thread, NULL);
    close(self->stop_fd);
}

/* Sessions or locks in the way: worth another try. */
static bool in_the_way(const belay_error *err)
{
    return belay_equal(err->sqlstate, "55006") || belay_equal(err->sqlstate, "55P03") ||
           belay_equal(err->sqlstate, "40P01");
}

static bool try_transaction(belay_pg *pg, const char *sql, int64_t lock_ms, belay_error *err)
{
    if (belay_pg_execf(pg, err, "BEGIN; SET LOCAL lock_timeout = %" PRId64 "; %s; COMMIT", lock_ms, sql))
        return true;
    if (belay_pg_in_transaction(pg))
        belay_pg_exec(pg, "ROLLBACK", NULL);
    return false;
}

static bool try_alone(belay_pg *pg, const char *sql, int64_t lock_ms, belay_error *err)
{
    (void)lock_ms; /* what it waits for (an ALTER DATABASE of the source) is over at once */
    return belay_pg_exec(pg, sql, err);
}

static int64_t lock_ms_until(int64_t end)
{
    int64_t left = end - belay_now_ms();
    return left < 100 ? 100 : left < RENAME_LOCK_MS ? left : RENAME_LOCK_MS;
}

typedef bool attempt(belay_pg *pg, const char *sql, int64_t lock_ms, belay_error *err);

/* Each attempt has a sweeper of its own, since its connection may be lost as well. */
static bool run_swept(belay_gate *gate, attempt *try, const char *sql, const char *oids, int64_t timeout_ms,
    const char *what, belay_error *err)
{
    belay_error local = {0};
    int64_t end = belay_now_ms() + timeout_ms;
    sweep_result left = {0};
    bool ok = false;
    for (;;) {
        sweeper sweeping = {.stop_fd = -1};
        if (!sweeper_start(&sweeping, gate->keeper, oids, err))
            return false;
        ok = try(belay_keeper_pg(gate->keeper), sql, lock_ms_until(end), &local);
        sweeper_end(&sweeping);
        left = sweeping.last;
        if (ok || !in_the_way(&local) || belay_now_ms() >= end || belay_stop_requested())
            break;
        free(left.stubborn);
    }
    if (!ok && err != NULL)
        *err = local;
    if (!ok && in_the_way(&local) && left.sessions > 0)
        fail_sessions(what, &left, timeout_ms, err);
    free(left.stubborn);
    return ok;
}

bool belay_gate_run_swept(
    belay_gate *gate, const char *sql, const char *oids, int64_t timeout_ms, belay_error *err)
{
    return run_swept(gate, try_transaction, sql, oids, timeout_ms, "the gate cannot close", err);
}

bool belay_gate_run_swept_alone(
    belay_gate *gate, const char *sql, const char *oids, int64_t timeout_ms, belay_error *err)
{
    return run_swept(gate, try_alone, sql, oids, timeout_ms, "no copy can be made", err);
}
