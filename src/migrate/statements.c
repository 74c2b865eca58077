/* A `Transaction: no` step: each statement commits by itself, so each has a record: in belay.progress, where
 * a re-run reads what is done, and in the journal. From the first statement that was sent the step counts as
 * committed.
 *
 *   no row --sent--> under way (finished_at NULL) --done--> finished_at
 *                              '--the server answers with an error--> finished_at = -infinity
 *
 * A row that stays "under way" means that nobody saw the end. What can share a transaction with its record
 * does, so that then it is known to have been rolled back. */
#include <stdio.h>

#include "migrate/leftovers.h"
#include "migrate/native.h"
#include "migrate/native.sql.h"
#include "migrate/words.h"
#include "util/clock.h"
#include "util/file.h"

typedef enum earlier { NEVER, FAILED, UNDER_WAY, DONE } earlier;

typedef struct progress {
    belay_native_run *run;
    const belay_native_step *step;
    belay_rows *before; /* what earlier runs left, by statement */
    size_t next_before; /* its first row that was not asked for yet */
    long long statement;
    char number[24];
    char sha256[BELAY_SHA256_HEX_SIZE]; /* of the statements so far, each over the one before */
    const char *direction;
    long line;       /* of the statement */
    bool sent;       /* its row says that it is under way */
    bool wrapped;    /* belay began a transaction for it and its row */
    bool unrecorded; /* it was carried out, but its row could not say so */
    bool repeated;   /* it may have been carried out before */
    bool again;      /* the statement at work ran before, and only sets up this session as the first time */
    bool other_role; /* the file has set a role, which need not have rights on belay.progress */
} progress;

static json_t *details(const progress *p)
{
    return json_pack("{s:s, s:s, s:I}", "revision", p->step->step->revision->id, "direction", p->direction,
        "statement", (json_int_t)p->statement);
}

static const char *run_id(const progress *p)
{
    return p->run->how->run_id == NULL ? "-" : p->run->how->run_id;
}

static bool write_row(progress *p, const char *sql, belay_error *err)
{
    const char *id = p->step->step->revision->id;
    const char *one[] = {id, p->direction, p->number, p->sha256, run_id(p)};
    const char *all[] = {id, p->direction, run_id(p)};
    if (sql == sql_progress_fail)
        return belay_pg_query(p->run->session.pg, sql, all, BELAY_COUNT(all), NULL, err);
    return belay_pg_query(p->run->session.pg, sql, one, sql == sql_progress_start ? 5 : 3, NULL, err);
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
    for (size_t at = 0; at < piece->length;) { /* line endings do not count */
        const char *cr = memchr(piece->text + at, '\r', piece->length - at);
        size_t end = cr == NULL ? piece->length : (size_t)(cr - piece->text);
        belay_sha256_update(hash, piece->text + at, end - at);
        at = end + 1;
    }
    belay_sha256_finish(hash, p->sha256);
    snprintf(p->number, sizeof p->number, "%lld", ++p->statement);
}

/* What earlier runs say about this statement; *ret_run is the last of them. */
static bool look_back(progress *p, earlier *ret, const char **ret_run, bool *ret_same, belay_error *err)
{
    size_t count = belay_rows_count(p->before);
    *ret = NEVER;
    while (p->next_before < count && belay_rows_int(p->before, p->next_before, 0) < p->statement)
        p->next_before++;
    size_t i = p->next_before;
    if (i == count || belay_rows_int(p->before, i, 0) != p->statement)
        return true;
    *ret = belay_rows_bool(p->before, i, 2) ? DONE : belay_rows_bool(p->before, i, 4) ? UNDER_WAY : FAILED;
    *ret_run = belay_rows_text(p->before, i, 3);
    *ret_same = belay_equal(belay_rows_text(p->before, i, 1), p->sha256);
    if (*ret_same || *ret != DONE)
        return true;
    belay_fail(err, BELAY_E_APPLIED_EDITED,
        "statement %lld or one before it was changed after run %s had executed it", p->statement, *ret_run);
    belay_error_hint(
        err, "put the statements that ran back as they were; what did not run yet may be changed");
    return belay_error_place(err, p->step->script.revision->path, p->line);
}

/* A killed belay's session may still be at it, until the server notices. */
static bool refuse_running(progress *p, const char *run, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (belay_equal(run, run_id(p)))
        return true;
    if (!belay_pg_queryp(p->run->session.pg, sql_progress_session, &rows, err, run))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    const char *pid = belay_rows_text(rows, 0, 0);
    belay_fail(err, BELAY_E_LOCKED,
        "statement %lld, which run %s began, is still being carried out by the server's process %s",
        p->statement, run, pid);
    belay_error_hint(err,
        "run the command again when it has ended, or end it: SELECT pg_catalog.pg_terminate_backend(%s)",
        pid);
    return belay_error_place(err, p->step->script.revision->path, p->line);
}

/* How a person tells belay what became of the statement. */
static void hint_record(const progress *p, belay_error *err)
{
    BELAY_AUTO(belay_free) char *id = belay_quote_literal(p->step->step->revision->id);
    BELAY_AUTO(belay_free)
    char *row = belay_format(
        "WHERE revision = %s AND direction = '%s' AND statement = %lld", id, p->direction, p->statement);
    belay_error_hint(err,
        "look whether it was carried out, and run the command again behind: UPDATE belay.progress SET "
        "finished_at = now() %s; if it was not, so that it must run: DELETE FROM belay.progress %s",
        row, row);
}

/* Nobody saw how the attempt of `run` ended. It is sent again where that is known to be right or cannot do it
 * twice. */
static bool judge_under_way(
    progress *p, const belay_piece *piece, const char *run, bool same, belay_error *err)
{
    const char *file = belay_path_base(p->step->script.revision->path);
    if (!refuse_running(p, run, err))
        return false;
    BELAY_AUTO(belay_free)
    char *story = belay_format(
        "statement %lld of %s was under way when run %s ended without a word", p->statement, file, run);
    if (same && belay_sql_is_atomic(piece->text)) {
        belay_say(p->run->how->reporter, BELAY_INFO,
            "%s: the server rolled it back together with its record, and it is sent again", story);
        return true;
    }
    if (same && !belay_sql_runs_code(piece->text)) {
        belay_say(
            p->run->how->reporter, BELAY_WARN, "%s: it may have been carried out, and is sent again", story);
        p->repeated = true;
        return true;
    }
    belay_fail(err, BELAY_E_UNFINISHED_RUN, "%s: it may have been carried out", story);
    hint_record(p, err);
    return belay_error_place(err, p->step->script.revision->path, p->line);
}

/* What can runs together with its record in one transaction. */
static bool wrap(progress *p, const belay_piece *piece, belay_error *err)
{
    belay_pg *pg = p->run->session.pg;
    p->wrapped = !belay_pg_in_transaction(pg) && belay_sql_is_atomic(piece->text);
    return !p->wrapped || belay_pg_exec(pg, "BEGIN", err);
}

static bool before(void *context, const belay_piece *piece, bool *ret_skip, belay_error *err)
{
    progress *p = context;
    earlier was = NEVER;
    const char *run = NULL;
    bool same = false, built = false;
    p->line = piece->line;
    p->sent = p->wrapped = p->unrecorded = p->repeated = *ret_skip = false;
    chain(p, piece);
    if (!look_back(p, &was, &run, &same, err))
        return false;
    p->other_role = p->other_role || belay_sql_sets_role(piece->text);
    p->again = was == DONE && belay_sql_sets_session(piece->text);
    if (p->again)
        return belay_native_before(p->run, piece, ret_skip, err);
    *ret_skip = was == DONE;
    if (*ret_skip)
        return true;
    if (was == UNDER_WAY && !judge_under_way(p, piece, run, same, err))
        return false;
    if (!belay_leftovers_clear(p->run, piece->text, was != NEVER, &built, err))
        return belay_error_place(err, p->step->script.revision->path, piece->line);
    if (!belay_native_may_commit(p->run, err) ||
        !belay_record(p->run->how->recorder, BELAY_RECORD_INTENT, "statement", details(p), err) ||
        !write_progress(p, sql_progress_start, err))
        return false;
    *ret_skip = was == UNDER_WAY && built;
    if (*ret_skip)
        return write_progress(p, sql_progress_finish, err);
    p->run->result->effect = BELAY_EFFECT_COMMITTED;
    p->sent = belay_native_before(p->run, piece, ret_skip, err) && wrap(p, piece, err);
    return p->sent;
}

static bool after(void *context, bool ok, belay_error *err)
{
    progress *p = context;
    if (p->again) { /* recorded already */
        belay_blocker_end(p->run->blocker);
        return true;
    }
    if (ok && p->wrapped) {
        ok = write_progress(p, sql_progress_finish, err) && belay_pg_exec(p->run->session.pg, "COMMIT", err);
        belay_blocker_end(p->run->blocker);
        if (!ok)
            return belay_error_place(err, p->step->script.revision->path, p->line);
    } else {
        belay_blocker_end(p->run->blocker);
        if (!ok) /* outside of a transaction of the file the server undid the statement itself */
            return true;
        p->unrecorded = !belay_pg_in_transaction(p->run->session.pg);
        if (!write_progress(p, sql_progress_finish, err))
            return false;
    }
    p->sent = p->unrecorded = false;
    return belay_record(p->run->how->recorder, BELAY_RECORD_DONE, "statement", details(p), err);
}

/* On a session that lives on, an error that the server answered with is the statement's end, and that of the
 * file's transaction: its BEGIN is not under way either. */
static void note_failure(progress *p, belay_error *err)
{
    belay_pg *pg = p->run->session.pg;
    if (belay_pg_in_transaction(pg))
        belay_pg_exec(pg, "ROLLBACK", NULL);
    if (err == NULL || p->unrecorded)
        return;
    if (p->sent && p->repeated && belay_starts_with(err->sqlstate, "42"))
        hint_record(p, err); /* it exists already, or is gone already */
    if ((!p->sent || err->sqlstate[0] != '\0') && err->code != BELAY_E_CONNECTION_LOST)
        write_progress(p, sql_progress_fail, NULL);
}

static bool try_statements(progress *p, belay_error *err)
{
    belay_native_run *run = p->run;
    belay_script_hooks hooks = {before, after, p};
    p->statement = 0;
    p->next_before = 0;
    p->other_role = false;
    p->sent = p->unrecorded = p->repeated = p->again = false;
    p->sha256[0] = '\0';
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
    bool ran = belay_script_run(run->session.pg, &p->step->script, &hooks, err);
    if (ran && !belay_pg_in_transaction(run->session.pg))
        return belay_native_check_statements(run, p->step, err);
    if (ran) {
        belay_fail(err, BELAY_E_MIGRATION_FILE, "%s begins a transaction and does not end it",
            p->step->step->revision->id);
        belay_error_place(err, p->step->script.revision->path, p->step->script.section->line);
    } else {
        belay_script_prefix(&p->step->script, err);
    }
    note_failure(p, err);
    return false;
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
