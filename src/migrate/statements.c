/* A `Transaction: no` step: each statement commits by itself, so each has a record: in belay.progress, where
 * a re-run reads what is done, and in the journal. From the first statement that was sent the step counts as
 * committed. */
#include <stdio.h>

#include "migrate/native.h"
#include "migrate/native.sql.h"
#include "migrate/words.h"
#include "util/clock.h"
#include "util/file.h"

typedef struct progress {
    belay_native_run *run;
    const belay_native_step *step;
    belay_rows *before; /* what earlier runs left */
    long long statement;
    char number[24];
    char sha256[BELAY_SHA256_HEX_SIZE]; /* of the statements so far, each over the one before */
    const char *direction;
    bool again;      /* the statement at work ran before, and only sets up this session as the first time */
    bool other_role; /* the file has set a role, which need not have rights on belay.progress */
} progress;

static json_t *details(const progress *p)
{
    return json_pack("{s:s, s:s, s:I}", "revision", p->step->step->revision->id, "direction", p->direction,
        "statement", (json_int_t)p->statement);
}

static bool write_row(progress *p, const char *sql, belay_error *err)
{
    const char *params[] = {p->step->step->revision->id, p->direction, p->number, p->sha256,
        p->run->how->run_id == NULL ? "-" : p->run->how->run_id};
    size_t count = sql == sql_progress_start ? 5 : 3;
    return belay_pg_query(p->run->session.pg, sql, params, count, NULL, err);
}

/* As the role that logged in; the file's role holds again afterwards, also behind a transaction of the file.
 */
static bool write_progress(progress *p, const char *sql, belay_error *err)
{
    static const char log_in[] = "BEGIN; SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE none";
    belay_pg *pg = p->run->session.pg;
    BELAY_AUTO(belay_rows_free) belay_rows *roles = NULL;
    if (!p->other_role)
        return write_row(p, sql, err);
    if (!belay_pg_in_transaction(pg))
        return belay_pg_exec(pg, log_in, err) && write_row(p, sql, err) && belay_pg_exec(pg, "COMMIT", err);
    return belay_pg_query0(pg, sql_role_read, &roles, err) &&
           belay_pg_exec(pg, log_in + strlen("BEGIN; "), err) && write_row(p, sql, err) &&
           belay_pg_queryp(
               pg, sql_role_write, NULL, err, belay_rows_text(roles, 0, 0), belay_rows_text(roles, 0, 1));
}

static void chain(progress *p, const belay_piece *piece)
{
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    belay_sha256_update(hash, p->sha256, strlen(p->sha256));
    for (size_t i = 0; i < piece->length; i++) { /* line endings do not count */
        if (piece->text[i] != '\r')
            belay_sha256_update(hash, piece->text + i, 1);
    }
    belay_sha256_finish(hash, p->sha256);
    snprintf(p->number, sizeof p->number, "%lld", ++p->statement);
}

/* Drops what an interrupted CREATE INDEX CONCURRENTLY left; *ret_built when it was finished after all. */
static bool clear_index(progress *p, const belay_piece *piece, bool *ret_built, belay_error *err)
{
    BELAY_AUTO(belay_index_build_done) belay_index_build build = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    belay_sql_index_build(piece->text, &build);
    if (!build.concurrent || build.index == NULL || build.table == NULL)
        return true;
    belay_pg *pg = p->run->session.pg;
    if (belay_pg_in_transaction(pg) ||
        !belay_pg_queryp(pg, sql_index_state, &rows, err, build.table, build.index))
        return belay_pg_in_transaction(pg);
    if (belay_rows_count(rows) == 0)
        return true;
    *ret_built = belay_rows_bool(rows, 0, 0);
    if (*ret_built)
        return true;
    const char *index = belay_rows_text(rows, 0, 1);
    belay_say(p->run->how->reporter, BELAY_WARN, "dropping the invalid index %s that an earlier attempt left",
        index);
    BELAY_AUTO(belay_free) char *drop = belay_format("DROP INDEX CONCURRENTLY %s", index);
    belay_blocker_begin(p->run->blocker, p->run->session.pid);
    bool ok = belay_pg_run_user_sql(pg, drop, NULL, NULL, err);
    belay_blocker_end(p->run->blocker);
    return ok || belay_error_place(err, p->step->script.revision->path, piece->line);
}

/* What earlier runs say about this statement. */
static bool look_back(
    progress *p, const belay_piece *piece, bool *ret_done, bool *ret_begun, belay_error *err)
{
    *ret_done = *ret_begun = false;
    for (size_t i = 0; i < belay_rows_count(p->before); i++) {
        if (belay_rows_int(p->before, i, 0) != p->statement)
            continue;
        *ret_begun = true;
        *ret_done = belay_rows_bool(p->before, i, 2);
        if (belay_equal(belay_rows_text(p->before, i, 1), p->sha256) || !*ret_done)
            return true;
        belay_fail(err, BELAY_E_APPLIED_EDITED,
            "statement %lld or one before it was changed after run %s had executed it", p->statement,
            belay_rows_text(p->before, i, 3));
        belay_error_hint(
            err, "put the statements that ran back as they were; what did not run yet may be changed");
        return belay_error_place(err, p->step->script.revision->path, piece->line);
    }
    return true;
}

static bool before(void *context, const belay_piece *piece, bool *ret_skip, belay_error *err)
{
    progress *p = context;
    bool begun = false, built = false;
    chain(p, piece);
    p->other_role = p->other_role || belay_sql_sets_role(piece->text);
    if (!look_back(p, piece, ret_skip, &begun, err))
        return false;
    p->again = *ret_skip && belay_sql_sets_session(piece->text);
    if (p->again)
        return belay_native_before(p->run, piece, ret_skip, err);
    if (*ret_skip)
        return true;
    if (!clear_index(p, piece, &built, err))
        return false;
    if (!belay_native_may_commit(p->run, err) ||
        !belay_record(p->run->how->recorder, BELAY_RECORD_INTENT, "statement", details(p), err) ||
        !write_progress(p, sql_progress_start, err))
        return false;
    *ret_skip = begun && built;
    if (*ret_skip)
        return write_progress(p, sql_progress_finish, err);
    p->run->result->effect = BELAY_EFFECT_COMMITTED;
    return belay_native_before(p->run, piece, ret_skip, err);
}

static bool after(void *context, bool ok, belay_error *err)
{
    progress *p = context;
    belay_blocker_end(p->run->blocker);
    if (p->again) /* recorded already */
        return true;
    if (!ok) /* outside of a transaction of the file the server undid the statement itself */
        return true;
    return write_progress(p, sql_progress_finish, err) &&
           belay_record(p->run->how->recorder, BELAY_RECORD_DONE, "statement", details(p), err);
}

static bool try_statements(progress *p, belay_error *err)
{
    belay_native_run *run = p->run;
    belay_script_hooks hooks = {before, after, p};
    p->statement = 0;
    p->sha256[0] = '\0';
    p->other_role = false;
    belay_rows_free(p->before);
    p->before = NULL;
    BELAY_AUTO(belay_str_done) belay_str reset = BELAY_STR_INIT;
    belay_session_reset_sql(&run->session, &reset);
    if (!belay_pg_exec(run->session.pg, belay_str_text(&reset), err) ||
        !belay_pg_queryp(
            run->session.pg, sql_progress_read, &p->before, err, p->step->step->revision->id, p->direction))
        return false;
    if (belay_rows_count(p->before) > 0)
        belay_say(run->how->reporter, BELAY_INFO, "%s continues behind what an earlier attempt did",
            p->step->step->revision->id);
    if (!belay_script_run(run->session.pg, &p->step->script, &hooks, err)) {
        belay_script_prefix(&p->step->script, err);
        if (belay_pg_in_transaction(run->session.pg))
            belay_pg_exec(run->session.pg, "ROLLBACK", NULL);
        return false;
    }
    if (!belay_pg_in_transaction(run->session.pg))
        return belay_native_check_statements(run, p->step, err);
    belay_pg_exec(run->session.pg, "ROLLBACK", NULL);
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s begins a transaction and does not end it",
        p->step->step->revision->id);
    return belay_error_place(err, p->step->script.revision->path, p->step->script.section->line);
}

/* The version and ledger rows, and the progress that is not needed any more. */
static bool finish(progress *p, size_t index, int64_t start_ms, belay_error *err)
{
    BELAY_AUTO(belay_free) char *xid = NULL;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    BELAY_AUTO(belay_free) char *id = belay_quote_literal(p->step->step->revision->id);
    if (!belay_native_begin(p->run, &xid, err)) {
        belay_pg_exec(p->run->session.pg, "ROLLBACK", NULL);
        return false;
    }
    belay_native_step_sql(p->run, p->step, belay_now_ms() - start_ms, &sql);
    belay_str_appendf(&sql, "DELETE FROM belay.progress WHERE revision = %s;\n", id);
    return belay_native_commit(p->run, belay_str_text(&sql), xid, index, index + 1, err);
}

bool belay_statements_apply(belay_native_run *run, size_t index, belay_error *err)
{
    progress p = {.run = run, .step = &run->steps[index]};
    p.direction = p.step->step->upgrade ? "upgrade" : "downgrade";
    int64_t start_ms = belay_now_ms();
    bool ok = false;
    for (int attempt = 1; !ok; attempt++) {
        ok = try_statements(&p, err);
        if (ok)
            break;
        if (err->code != BELAY_E_LOCK_TIMEOUT || !belay_native_lock_pause(run, attempt, err))
            break;
        *err = (belay_error){0};
    }
    belay_rows_free(p.before);
    return ok && finish(&p, index, start_ms, err);
}
