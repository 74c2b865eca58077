/* The `verify` sections of revisions: right behind a step, and of what stands. */
#include "migrate/check_sql.h"
#include "migrate/native.h"

static char *name_check(const belay_revision *revision)
{
    return belay_format("verify of %s", revision->id);
}

/* Deferred constraints hold, or fail, now instead of at COMMIT: what a check sees is what would be committed.
 * The last step of a transaction has them for good (COMMIT would do just that next); those of an earlier one
 * are pending again afterwards. */
static bool begin_check(belay_native_run *run, const belay_native_step *step, bool last, belay_error *err)
{
    const belay_revision *revision = step->step->revision;
    belay_pg *pg = run->session.pg;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_pg_exec(pg,
            last ? "RESET SESSION AUTHORIZATION; RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT "
                   "belay_verify"
                 : "RESET SESSION AUTHORIZATION; RESET ROLE; SAVEPOINT belay_verify; SET CONSTRAINTS ALL "
                   "IMMEDIATE",
            err)) {
        belay_error_prefix(err, "upgrade %s: deferred constraints", revision->id);
        return belay_error_place(err, revision->path, revision->upgrade.line);
    }
    belay_session_reset_sql(&run->session, &sql);
    belay_str_append(&sql, "SET LOCAL transaction_read_only = on");
    return belay_pg_exec(pg, belay_str_text(&sql), err);
}

bool belay_native_check_step(
    belay_native_run *run, const belay_native_step *step, bool last, belay_error *err)
{
    const belay_revision *revision = step->step->revision;
    if (!step->step->upgrade || !belay_has_checks(&revision->verify))
        return true;
    BELAY_AUTO(belay_free) char *what = name_check(revision);
    belay_blocker_begin(run->blocker, run->session.pid);
    bool ok = begin_check(run, step, last, err) &&
              belay_check_sql_within(run->session.pg, revision->path, &revision->verify, what, err);
    belay_blocker_end(run->blocker);
    return ok && belay_pg_exec(run->session.pg,
                     "ROLLBACK TO SAVEPOINT belay_verify; RELEASE SAVEPOINT belay_verify", err);
}

bool belay_native_check_statements(belay_native_run *run, const belay_native_step *step, belay_error *err)
{
    const belay_revision *revision = step->step->revision;
    if (!step->step->upgrade || !belay_has_checks(&revision->verify))
        return true;
    BELAY_AUTO(belay_free) char *what = name_check(revision);
    BELAY_AUTO(belay_str_done) belay_str reset = BELAY_STR_INIT;
    belay_session_reset_sql(&run->session, &reset);
    belay_blocker_begin(run->blocker, run->session.pid);
    bool ok = belay_pg_exec(run->session.pg, belay_str_text(&reset), err) &&
              belay_check_sql(run->session.pg, revision->path, &revision->verify, what, err);
    belay_blocker_end(run->blocker);
    return ok;
}

bool belay_native_verify(
    const belay_graph *graph, belay_pg *pg, const belay_list *revisions, belay_error *err)
{
    for (size_t i = 0; i < revisions->count; i++) {
        const belay_revision *revision = belay_graph_find(graph, revisions->items[i]);
        if (revision == NULL) /* whoever compares the version rows with the files says so */
            continue;
        BELAY_AUTO(belay_free) char *what = name_check(revision);
        if (!belay_check_sql(pg, revision->path, &revision->verify, what, err))
            return false;
    }
    return true;
}
