#include "gate/keeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/keeper.sql.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/host_name.h"
#include "util/stop.h"

enum { APPLICATION_NAME_SIZE = 64, KEY_SIZE = 32, OLD_BACKEND_MS = 30000 };

struct belay_keeper {
    belay_pg *pg;
    belay_pg *second;
    belay_dialer *dialer;
    char *maintenance_db;
    char *dbname;
    int64_t wait_ms;
    bool held;    /* the lock, by the session of `pg` */
    int held_pid; /* the backend that took it last */
    char application_name[APPLICATION_NAME_SIZE];
    char key[KEY_SIZE]; /* of the advisory lock, a signed 64-bit number */
    char pids[48];
    bool (*still_ours)(void *context, belay_error *err);
    void *still_ours_context;
};

static void name_application(belay_keeper *keeper, const char *run_id)
{
    char host[BELAY_HOST_NAME_SIZE];
    belay_host_name(host);
    snprintf(keeper->application_name, sizeof keeper->application_name, "belay %s %s", run_id, host);
}

/* The first 64 bits of a hash of the name: the same wherever belay runs. */
static void compute_key(const char *dbname, char ret[static KEY_SIZE])
{
    BELAY_AUTO(belay_free) char *text = belay_format("belay target %s", dbname);
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of(text, strlen(text), hex);
    hex[16] = '\0';
    uint64_t value = strtoull(hex, NULL, 16);
    snprintf(ret, KEY_SIZE, "%" PRId64, (int64_t)value);
}

static bool connect_keeper(belay_keeper *keeper, belay_pg **ret, belay_error *err)
{
    belay_pg_options options = {.dbname = keeper->maintenance_db,
        .application_name = keeper->application_name,
        .profile = BELAY_PG_PINNED};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!belay_pg_open(keeper->dialer, &options, &pg, err))
        return belay_error_prefix(err, "maintenance database \"%s\"", keeper->maintenance_db);
    if (!belay_pg_exec(pg, sql_keeper_settings, err))
        return false;
    *ret = belay_take(pg);
    return true;
}

static bool try_lock(belay_keeper *keeper, bool *ret_got, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(keeper->pg, sql_try_lock, &rows, err, keeper->key))
        return false;
    *ret_got = belay_rows_bool(rows, 0, 0);
    return true;
}

static void describe_age(const belay_rows *rows, char *buffer, size_t size)
{
    int64_t seconds = belay_rows_int(rows, 0, 3);
    if (belay_rows_is_null(rows, 0, 3) || seconds < 0)
        snprintf(buffer, size, "for an unknown time");
    else if (seconds < 120)
        snprintf(buffer, size, "for %" PRId64 " s", seconds);
    else if (seconds < 7200)
        snprintf(buffer, size, "for %" PRId64 " min", seconds / 60);
    else
        snprintf(buffer, size, "for %" PRId64 " h %" PRId64 " min", seconds / 3600, seconds % 3600 / 60);
}

bool belay_keeper_require_free(belay_pg *pg, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    char key[KEY_SIZE];
    compute_key(dbname, key);
    if (!belay_pg_queryp(pg, sql_holder, &rows, err, key))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    char age[64];
    describe_age(rows, age, sizeof age);
    return belay_fail(err, BELAY_E_LOCKED,
        "another run holds database \"%s\": %s, server process %s of role %s, connected from %s %s", dbname,
        belay_rows_text(rows, 0, 1), belay_rows_text(rows, 0, 0), belay_rows_text(rows, 0, 4),
        belay_rows_text(rows, 0, 2), age);
}

static bool fail_locked(belay_keeper *keeper, belay_error *err)
{
    if (!belay_keeper_require_free(keeper->pg, keeper->dbname, err))
        return false;
    return belay_fail(err, BELAY_E_LOCKED,
        "another run held the lock of database \"%s\" until a moment ago; try again", keeper->dbname);
}

static bool take_lock(belay_keeper *keeper, int64_t wait_ms, belay_error *err)
{
    int64_t end = belay_now_ms() + wait_ms;
    for (;;) {
        bool got = false;
        if (!try_lock(keeper, &got, err) || !belay_stop_check(err))
            return false;
        if (got) {
            keeper->held = true;
            keeper->held_pid = belay_pg_backend_pid(keeper->pg);
            return true;
        }
        int64_t left = end - belay_now_ms();
        if (left <= 0)
            return fail_locked(keeper, err);
        int64_t pause = 100 + belay_random_below(150);
        belay_sleep_ms(pause < left ? pause : left);
    }
}

bool belay_keeper_open(
    belay_dialer *dialer, const belay_keeper_options *options, belay_keeper **ret, belay_error *err)
{
    if (belay_equal(options->maintenance_db, options->dbname))
        return belay_fail(err, BELAY_E_CONFIG,
                   "maintenance_db is the target's own database \"%s\": a session there blocks the renames "
                   "of a run",
                   options->dbname) ||
               belay_error_hint(err, "set maintenance_db to another database, usually postgres");
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = belay_alloc(sizeof *keeper);
    keeper->dialer = dialer;
    keeper->maintenance_db = belay_strdup(options->maintenance_db);
    keeper->dbname = belay_strdup(options->dbname);
    keeper->wait_ms = options->wait_ms;
    name_application(keeper, options->run_id);
    compute_key(keeper->dbname, keeper->key);
    if (!connect_keeper(keeper, &keeper->pg, err) || !take_lock(keeper, keeper->wait_ms, err))
        return false;
    *ret = belay_take(keeper);
    return true;
}

void belay_keeper_close(belay_keeper *keeper)
{
    if (keeper == NULL)
        return;
    belay_pg_close(keeper->second);
    belay_pg_close(keeper->pg);
    free(keeper->maintenance_db);
    free(keeper->dbname);
    free(keeper);
}

belay_pg *belay_keeper_pg(belay_keeper *keeper)
{
    return keeper->pg;
}

bool belay_keeper_check(belay_keeper *keeper, belay_error *err)
{
    if (keeper->held && belay_pg_is_alive(keeper->pg))
        return true;
    return belay_fail(err, BELAY_E_CONNECTION_LOST,
               "the connection that holds the lock of database \"%s\" was lost", keeper->dbname) ||
           belay_error_hint(err, "another run may hold the target now, so this one changes nothing more; see "
                                 "the server's log for "
                                 "who ended the session");
}

bool belay_keeper_may_commit(void *keeper, belay_error *err)
{
    return belay_keeper_check(keeper, err);
}

bool belay_keeper_end_lost(belay_pg *pg, int backend_pid, belay_error *err)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", backend_pid);
    int64_t end = belay_now_ms() + OLD_BACKEND_MS;
    for (;;) {
        BELAY_AUTO(belay_rows_free) belay_rows *gone = NULL;
        if (!belay_pg_queryp(pg, sql_end_backend, NULL, err, pid) ||
            !belay_pg_queryp(pg, sql_backend_gone, &gone, err, pid))
            return false;
        if (belay_rows_bool(gone, 0, 0))
            return true;
        if (belay_now_ms() > end)
            break;
        belay_sleep_ms(20);
    }
    belay_fail(err, BELAY_E_DEADLINE, "server process %s of the lost connection does not end", pid);
    return belay_error_hint(
        err, "end it as a superuser: SELECT pg_terminate_backend(%s); then `belay recover`", pid);
}

void belay_keeper_on_regained(
    belay_keeper *keeper, bool (*still_ours)(void *context, belay_error *err), void *context)
{
    keeper->still_ours = still_ours;
    keeper->still_ours_context = context;
}

static bool require_ours(belay_keeper *keeper, belay_error *err)
{
    if (keeper->still_ours == NULL || keeper->still_ours(keeper->still_ours_context, err))
        return true;
    keeper->held = false;
    belay_pg_exec(keeper->pg, sql_give_lock_up, NULL);
    return false;
}

bool belay_keeper_reopen(belay_keeper *keeper, belay_error *err)
{
    keeper->held = false;
    if (!belay_pg_reopen(keeper->pg, err))
        return belay_error_prefix(err, "maintenance database \"%s\"", keeper->maintenance_db);
    return belay_pg_exec(keeper->pg, sql_keeper_settings, err) &&
           belay_keeper_end_lost(keeper->pg, keeper->held_pid, err) &&
           take_lock(keeper, keeper->wait_ms, err) && require_ours(keeper, err);
}

bool belay_keeper_hold(belay_keeper *keeper, belay_error *err)
{
    return belay_keeper_check(keeper, NULL) || belay_keeper_reopen(keeper, err);
}

bool belay_keeper_second(belay_keeper *keeper, belay_pg **ret, belay_error *err)
{
    if (keeper->second != NULL && !belay_pg_is_alive(keeper->second)) {
        belay_pg_close(keeper->second);
        keeper->second = NULL;
    }
    if (keeper->second == NULL && !connect_keeper(keeper, &keeper->second, err))
        return false;
    *ret = keeper->second;
    return true;
}

const char *belay_keeper_pids(belay_keeper *keeper)
{
    if (keeper->second == NULL)
        snprintf(keeper->pids, sizeof keeper->pids, "{%d}", belay_pg_backend_pid(keeper->pg));
    else
        snprintf(keeper->pids, sizeof keeper->pids, "{%d,%d}", belay_pg_backend_pid(keeper->pg),
            belay_pg_backend_pid(keeper->second));
    return keeper->pids;
}

belay_dialer *belay_keeper_dialer(const belay_keeper *keeper)
{
    return keeper->dialer;
}

const char *belay_keeper_maintenance_db(const belay_keeper *keeper)
{
    return keeper->maintenance_db;
}
