#include "pipeline/evidence.h"

#include "migrate/escape.h"
#include "migrate/version.h"
#include "pg/catalog_state.h"
#include "pipeline/evidence.sql.h"

enum { END_SESSIONS_MS = 60 * 1000, TRANSACTIONS_MAX = 1000 * 1000, SESSIONS_VERSION = 150000 };

/* From outside; the database has no sessions meanwhile when the gate is closed. */
static bool read_outside(belay_run *run, belay_rows **ret, belay_error *err)
{
    return belay_pg_queryp(
        belay_keeper_pg(run->keeper), sql_database_evidence, ret, err, belay_run_dbname(run));
}

static bool read_ways(belay_run *run, belay_pg *pg, belay_escapes *ways, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *libraries = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *others = NULL;
    if (!belay_pg_query0(pg, sql_libraries, &libraries, err) ||
        !belay_pg_query0(pg, sql_other_ways, &others, err) || !belay_plan_escapes(&run->plan, ways, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(libraries); i++) {
        const char *library = belay_rows_text(libraries, i, 0);
        if (!belay_extension_is_harmless(library))
            belay_list_add_owned(belay_extension_is_session(library) ? &ways->by_session : &ways->by_worker,
                belay_format("the database has functions of %s", library));
    }
    for (size_t i = 0; i < belay_rows_count(others); i++)
        belay_list_add_owned(
            &ways->by_session, belay_format("the database has %s", belay_rows_text(others, i, 0)));
    return true;
}

static bool read_inside(belay_run *run, json_t *evidence, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_escapes_done) belay_escapes ways = {0};
    BELAY_AUTO(belay_free) char *programs = NULL;
    json_t *catalogs = NULL;
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_PINNED, &pg, err) ||
        !belay_catalog_state(pg, &catalogs, err))
        return false;
    json_object_set_new(evidence, "catalogs", catalogs);
    if (!read_ways(run, pg, &ways, err) || !belay_pg_value(pg, sql_may_run_programs, NULL, 0, &programs, err))
        return false;
    json_object_set_new(evidence, "by_session", belay_json_of_list(&ways.by_session));
    json_object_set_new(evidence, "by_worker", belay_json_of_list(&ways.by_worker));
    json_object_set_new(evidence, "programs", json_boolean(programs != NULL && *programs == 't'));
    return true;
}

/* Counts the run's own sessions from now on. */
static void count_sessions(belay_run *run)
{
    belay_dialer *dialer = run->how.dialer;
    snprintf(dialer->counted, sizeof dialer->counted, "%s", belay_run_dbname(run));
    run->sessions_before = atomic_load(&dialer->sessions);
    run->sessions_known = true;
}

bool belay_evidence_read(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    json_t *evidence = json_object();
    json_decref(run->evidence);
    run->evidence = evidence;
    if (!read_inside(run, evidence, err) ||
        (run->gate.closed &&
            !belay_gate_end_sessions(run->keeper, run->gate.private_name, END_SESSIONS_MS, err)) ||
        !read_outside(run, &rows, err))
        return belay_error_prefix(err, "what the database is before migrating");
    static const char *const keys[] = {"xid", "system_identifier", "timeline", "sessions", "stats_reset"};
    for (size_t i = 0; i < BELAY_COUNT(keys); i++)
        json_object_set_new(evidence, keys[i], json_string(belay_rows_text(rows, 0, i)));
    count_sessions(run);
    return true;
}

static bool same(const json_t *evidence, const char *key, const belay_rows *rows, size_t column)
{
    const char *before = belay_json_text(evidence, key);
    return before != NULL && belay_rows_count(rows) == 1 &&
           belay_equal(before, belay_rows_text(rows, 0, column));
}

bool belay_evidence_all_aborted(belay_run *run)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *count = NULL;
    const char *from = belay_json_text(run->evidence, "xid");
    if (from == NULL || !read_outside(run, &rows, NULL) ||
        !same(run->evidence, "system_identifier", rows, 1) || !same(run->evidence, "timeline", rows, 2))
        return false;
    const char *to = belay_rows_text(rows, 0, 0);
    if (strtoll(to, NULL, 10) - strtoll(from, NULL, 10) > TRANSACTIONS_MAX)
        return false;
    return belay_pg_value(belay_keeper_pg(run->keeper), sql_not_aborted, (const char *const[]){from, to}, 2,
               &count, NULL) &&
           count != NULL && belay_equal(count, "0");
}

typedef enum sessions { SESSIONS_UNKNOWN, SESSIONS_OWN, SESSIONS_OTHERS } sessions;

static sessions judge_sessions(belay_run *run)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    const char *before = belay_json_text(run->evidence, "sessions");
    if (!run->sessions_known || !run->gate.closed || before == NULL ||
        belay_pg_server_version(belay_keeper_pg(run->keeper)) < SESSIONS_VERSION ||
        !read_outside(run, &rows, NULL) || !same(run->evidence, "stats_reset", rows, 4))
        return SESSIONS_UNKNOWN;
    int64_t own = (int64_t)(atomic_load(&run->how.dialer->sessions) - run->sessions_before);
    return belay_rows_int(rows, 0, 3) - strtoll(before, NULL, 10) == own ? SESSIONS_OWN : SESSIONS_OTHERS;
}

/* "...: a; b; c"; NULL when there are none. */
static char *tell_ways(const json_t *evidence, const char *key)
{
    BELAY_AUTO(belay_list_done) belay_list ways = {0};
    belay_json_to_list(json_object_get(evidence, key), &ways);
    return ways.count == 0 ? NULL : belay_list_join(&ways, "; ");
}

char *belay_evidence_suspicion(belay_run *run, const char **ret_ground)
{
    *ret_ground = "nothing in the database or the migrations writes outside of a transaction";
    if (run->evidence == NULL)
        return belay_strdup("the journal does not tell what the database was before");
    sessions others = judge_sessions(run);
    if (others == SESSIONS_OTHERS)
        return belay_strdup("sessions that belay did not open were in the database");
    char *ways = tell_ways(run->evidence, "by_worker");
    if (others == SESSIONS_OWN)
        *ret_ground = "no session but belay's own was in the database";
    if (ways != NULL || others == SESSIONS_OWN)
        return ways;
    ways = tell_ways(run->evidence, "by_session");
    if (ways == NULL && run->gate.closed && json_is_true(json_object_get(run->evidence, "programs")))
        return belay_strdup("the role may run programs, and whether one connected is not known");
    return ways;
}

char *belay_evidence_catalogs(belay_run *run, belay_pg *pg)
{
    json_t *now = NULL;
    belay_error err = {0};
    const json_t *before = json_object_get(run->evidence, "catalogs");
    if (before == NULL)
        return belay_strdup("the journal does not tell what the catalogues were before");
    if (!belay_catalog_state(pg, &now, &err))
        return belay_strdup(err.message);
    BELAY_AUTO(belay_free) char *names = belay_catalog_difference(before, now);
    json_decref(now);
    return names == NULL ? NULL : belay_format("the schema differs (%s)", names);
}

int64_t belay_evidence_size(belay_run *run)
{
    BELAY_AUTO(belay_free) char *size = NULL;
    if (!belay_pg_value(belay_keeper_pg(run->keeper), sql_database_size,
            (const char *const[]){belay_run_dbname(run)}, 1, &size, NULL) ||
        size == NULL)
        return -1;
    return strtoll(size, NULL, 10);
}
