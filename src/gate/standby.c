/* Hot standbys: a swap is replayed there like any rename, but the sessions that are connected to the old
 * database stay with it, and nothing on the primary can end them. */
#include <inttypes.h>

#include "gate/followers.h"
#include "gate/followers.sql.h"
#include "util/clock.h"

enum { SWEEP_PAUSE_MS = 20 };

void belay_standbys_done(belay_standbys *standbys)
{
    for (size_t i = 0; i < standbys->count; i++) {
        free(standbys->items[i].name);
        free(standbys->items[i].address);
    }
    free(standbys->items);
    *standbys = (belay_standbys){0};
}

bool belay_standbys_find(belay_pg *pg, belay_standbys *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_standbys, &rows, err))
        return false;
    ret->items = belay_realloc_array(NULL, belay_rows_count(rows) + 1, sizeof *ret->items);
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        ret->items[ret->count++] = (belay_standby){belay_strdup(belay_rows_text(rows, i, 0)),
            belay_rows_is_null(rows, i, 1) ? NULL : belay_strdup(belay_rows_text(rows, i, 1))};
    return true;
}

/* The target's keywords, but for those that say where. */
static bool complete(const belay_target *target, const char *host, belay_conninfo *ret, belay_error *err)
{
    BELAY_AUTO(belay_conninfo_done) belay_conninfo own = {0};
    if (!belay_conninfo_parse(&own, host, err))
        return belay_error_prefix(err, "--standby");
    if (belay_conninfo_get(&own, "password") != NULL)
        return belay_fail(err, BELAY_E_USAGE, "--standby: a password does not belong on a command line") ||
               belay_error_hint(err, "the target's is used, or a password file");
    belay_conninfo_copy(ret, &target->connection);
    belay_conninfo_set(ret, "hostaddr", NULL);
    for (size_t i = 0; i < own.keywords.count; i++)
        belay_conninfo_set(ret, own.keywords.items[i], own.values.items[i]);
    return true;
}

/* What is done with one standby. */
typedef struct act {
    bool (*run)(struct act *self, belay_pg *pg, const char *host, belay_error *err);
    const char *first; /* a parameter of each */
    const char *oid;
    int64_t timeout_ms;
} act;

static bool with_standby(
    belay_keeper *keeper, const belay_target *target, const char *host, act *what, belay_error *err)
{
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_direct_dialer dialer;
    if (!complete(target, host, &info, err))
        return false;
    belay_direct_dialer_init(&dialer, &info);
    const belay_pg_options options = {.dbname = belay_keeper_maintenance_db(keeper),
        .application_name = "belay",
        .profile = BELAY_PG_PINNED};
    return (belay_pg_open(&dialer.base, &options, &pg, err) && what->run(what, pg, host, err)) ||
           belay_error_prefix(err, "standby %s", host);
}

static bool fail_unnamed(const belay_standbys *found, size_t named, belay_error *err)
{
    belay_fail(err, BELAY_E_PREFLIGHT, "%zu standby%s replay%s this server, and %zu can be reached: %s%s",
        found->count, found->count == 1 ? "" : "s", found->count == 1 ? "s" : "", named, found->items[0].name,
        found->count > 1 ? ", ..." : "");
    return belay_error_hint(err, "name each with --standby 'host=... port=...', or say --standbys=keep");
}

/* Those that were named, else those whose address the primary shows. */
static bool hosts_of(
    belay_keeper *keeper, const belay_followers *followers, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_standbys_done) belay_standbys found = {0};
    if (!belay_standbys_find(belay_keeper_pg(keeper), &found, err))
        return false;
    for (size_t i = 0; i < followers->standby_hosts.count; i++)
        belay_list_add(ret, followers->standby_hosts.items[i]);
    for (size_t i = 0; followers->standby_hosts.count == 0 && i < found.count; i++) {
        if (found.items[i].address != NULL)
            belay_list_add_owned(ret, belay_format("host=%s", found.items[i].address));
    }
    return ret->count >= found.count || fail_unnamed(&found, ret->count, err);
}

static bool with_each(belay_keeper *keeper, const belay_target *target, const belay_followers *followers,
    act *what, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list hosts = {0};
    if (!hosts_of(keeper, followers, &hosts, err))
        return false;
    for (size_t i = 0; i < hosts.count; i++) {
        if (!with_standby(keeper, target, hosts.items[i], what, err))
            return false;
    }
    return true;
}

static bool try_one(act *self, belay_pg *pg, const char *host, belay_error *err)
{
    BELAY_AUTO(belay_free) char *answer = NULL;
    (void)host;
    if (!belay_pg_value(pg, sql_is_standby_of, &self->first, 1, &answer, err))
        return false;
    if (answer != NULL && belay_equal(answer, "t"))
        return true;
    belay_fail(
        err, BELAY_E_PREFLIGHT, "the server there (%s) is no standby of the target's", belay_pg_address(pg));
    return belay_error_hint(err,
        "--standby 'host=... port=...' names a server that replays this one; pg_stat_replication "
        "on the primary lists them");
}

bool belay_standbys_try(
    belay_keeper *keeper, const belay_target *target, const belay_followers *followers, belay_error *err)
{
    BELAY_AUTO(belay_free) char *server = NULL;
    if (!belay_pg_value(belay_keeper_pg(keeper), sql_server, NULL, 0, &server, err))
        return false;
    act what = {.run = try_one, .first = server};
    return with_each(keeper, target, followers, &what, err);
}

static bool sweep_one(act *self, belay_pg *pg, const char *host, belay_error *err)
{
    (void)host;
    for (int64_t end = belay_now_ms() + self->timeout_ms;;) {
        BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
        if (!belay_pg_queryp(pg, sql_standby_sweep, &rows, err, self->first, self->oid))
            return false;
        bool replayed = belay_rows_bool(rows, 0, 0);
        int64_t sessions = belay_rows_int(rows, 0, 1);
        if (replayed && sessions == 0)
            return true;
        if (belay_now_ms() >= end) {
            belay_fail(err, BELAY_E_DEADLINE,
                replayed ? "%" PRId64 " sessions did not end within %" PRId64 " s"
                         : "with %" PRId64 " sessions it did not replay the rename within %" PRId64 " s",
                sessions, self->timeout_ms / 1000);
            return belay_error_hint(err,
                "end them there (pg_stat_activity, pg_terminate_backend); replay_lag in "
                "pg_stat_replication on the primary shows how far behind it is");
        }
        belay_sleep_ms(SWEEP_PAUSE_MS);
    }
}

bool belay_standbys_end_sessions(belay_keeper *keeper, const belay_target *target,
    const belay_followers *followers, uint32_t oid, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_free) char *position = NULL;
    BELAY_AUTO(belay_free) char *number = belay_format("%" PRIu32, oid);
    if (!belay_pg_value(belay_keeper_pg(keeper), sql_position, NULL, 0, &position, err))
        return false;
    act what = {.run = sweep_one, .first = position, .oid = number, .timeout_ms = timeout_ms};
    return with_each(keeper, target, followers, &what, err);
}
