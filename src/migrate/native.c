#include "migrate/native.h"

#include <stdio.h>

#include "migrate/check_sql.h"
#include "migrate/native.sql.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/stop.h"

static void run_done_p(belay_native_run *run)
{
    belay_blocker_free(run->blocker);
    belay_session_done(&run->session);
    free(run->located);
    free(run->steps);
    belay_list_done(&run->heads);
}

static bool prepare_step(const belay_step *step, belay_native_step *ret, belay_error *err)
{
    const belay_revision *revision = step->revision;
    const belay_section *section = step->upgrade ? &revision->upgrade : &revision->downgrade;
    *ret = (belay_native_step){.step = step, .script = {revision, section, !revision->transaction}};
    if (!section->present) {
        belay_fail(err, step->upgrade ? BELAY_E_MIGRATION_FILE : BELAY_E_IRREVERSIBLE,
            "%s (%s) has no %s section", revision->id, belay_path_base(revision->path),
            step->upgrade ? "upgrade" : "downgrade");
        return belay_error_place(err, revision->path, 1);
    }
    BELAY_AUTO(belay_free) char *verify = belay_format("verify of %s", revision->id);
    return belay_script_check(&ret->script, &ret->statements, err) &&
           (!step->upgrade || belay_check_sql_read(revision->path, &revision->verify, verify, err)) &&
           belay_section_hash(revision, &revision->upgrade, ret->upgrade_sha256, err) &&
           (!revision->downgrade.present ||
               belay_section_hash(revision, &revision->downgrade, ret->downgrade_sha256, err)) &&
           belay_migration_file_hash(revision->path, ret->file_sha256, err);
}

bool belay_native_check_plan(belay_engine *self, const belay_plan *plan, belay_error *err)
{
    (void)self;
    for (size_t i = 0; i < plan->step_count; i++) {
        belay_native_step step;
        if (!prepare_step(&plan->steps[i], &step, err))
            return false;
    }
    return true;
}

static bool prepare_steps(belay_native_run *run, belay_error *err)
{
    run->steps = belay_realloc_array(NULL, run->plan->step_count + 1, sizeof *run->steps);
    for (size_t i = 0; i < run->plan->step_count; i++) {
        if (!prepare_step(&run->plan->steps[i], &run->steps[i], err)) {
            run->result->failed_revision = belay_strdup(run->plan->steps[i].revision->id);
            return false;
        }
    }
    for (size_t i = 0; i < run->plan->from_count; i++)
        belay_list_add(&run->heads, run->plan->from[i]);
    return true;
}

static bool open_run(belay_native_run *run, belay_error *err)
{
    const belay_target *target = run->how->target;
    belay_version_table table = {target->version_table_schema, target->version_table};
    if (!belay_session_open(run->how, &run->session, err) ||
        !belay_version_prepare(run->session.pg, &table, err) ||
        !belay_version_locate(run->session.pg, &table, &run->located, err))
        return false;
    run->blocker =
        belay_blocker_new(run->how->dialer, run->how->dbname, run->how->run_id, target->lock_timeout_ms);
    return true;
}

static void remove_item(belay_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (belay_equal(list->items[i], text)) {
            free(list->items[i]);
            list->items[i] = list->items[--list->count];
            return;
        }
    }
}

static void move_heads(belay_list *heads, const belay_step *step)
{
    for (size_t i = 0; i < step->remove_count; i++)
        remove_item(heads, step->remove[i]);
    for (size_t i = 0; i < step->add_count; i++)
        belay_list_add(heads, step->add[i]);
    belay_list_sort(heads);
}

void belay_native_step_sql(
    belay_native_run *run, const belay_native_step *step, int64_t duration_ms, belay_str *to)
{
    move_heads(&run->heads, step->step);
    belay_str_append(to, "RESET SESSION AUTHORIZATION; RESET ROLE;\n");
    belay_version_step_sql(to, run->located, step->step);
    belay_ledger_row row = {.run_id = run->how->run_id,
        .reason = step->step->upgrade ? "upgrade" : "downgrade",
        .revision = step->step->revision->id,
        .heads = (const char *const *)run->heads.items,
        .head_count = run->heads.count,
        .upgrade_sha256 = step->upgrade_sha256,
        .downgrade_sha256 = step->downgrade_sha256,
        .file_sha256 = step->file_sha256,
        .statements = step->statements,
        .duration_ms = duration_ms};
    belay_ledger_row_sql(to, &row);
}

bool belay_native_begin(belay_native_run *run, char **ret_xid, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_session_reset_sql(&run->session, &sql);
    belay_str_appendf(&sql,
        "BEGIN; LOCK TABLE %s IN EXCLUSIVE MODE; SELECT pg_catalog.pg_current_xact_id(), "
        "pg_catalog.array_to_string(ARRAY(SELECT version_num FROM %s ORDER BY version_num COLLATE \"C\"), ', "
        "')",
        run->located, run->located);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    belay_blocker_begin(run->blocker, run->session.pid);
    bool ok = belay_pg_run_user_sql(run->session.pg, belay_str_text(&sql), NULL, &rows, err);
    belay_blocker_end(run->blocker);
    if (!ok)
        return false;
    BELAY_AUTO(belay_free) char *expected = belay_list_join(&run->heads, ", ");
    const char *found = belay_rows_text(rows, 0, 1);
    if (!belay_equal(expected, found)) {
        belay_fail(err, BELAY_E_NOT_UP_TO_DATE,
            "somebody else changed the database's revision meanwhile: it is at %s, expected was %s",
            *found == '\0' ? "base" : found, *expected == '\0' ? "base" : expected);
        return belay_error_hint(err, "look at `belay current`, and run the command again");
    }
    *ret_xid = belay_strdup(belay_rows_text(rows, 0, 0));
    return true;
}

bool belay_native_before(void *context, const belay_piece *statement, bool *ret_skip, belay_error *err)
{
    belay_native_run *run = context;
    (void)statement;
    *ret_skip = false;
    belay_blocker_begin(run->blocker, run->session.pid);
    return belay_stop_check(err);
}

static bool native_after(void *context, bool ok, belay_error *err)
{
    belay_native_run *run = context;
    belay_blocker_end(run->blocker);
    if (!ok || belay_pg_in_transaction(run->session.pg))
        return true;
    run->result->effect = BELAY_EFFECT_COMMITTED;
    return belay_fail(err, BELAY_E_INTERNAL, "a statement ended belay's transaction");
}

static void tell_step(const belay_native_run *run, const belay_step *step)
{
    BELAY_AUTO(belay_free) char *text = belay_step_text(step);
    belay_say(run->how->reporter, BELAY_INFO, "Running %s", text);
}

/* Sends the statements of the step, checks what they did, and appends its last statements to `rows`. */
static bool run_step(belay_native_run *run, size_t index, bool last, belay_str *rows, belay_error *err)
{
    belay_native_step *step = &run->steps[index];
    belay_script_hooks hooks = {belay_native_before, native_after, run};
    int64_t start_ms = belay_now_ms();
    bool ran = belay_script_run(run->session.pg, &step->script, &hooks, err);
    int64_t duration_ms = belay_now_ms() - start_ms;
    if (!ran)
        belay_script_prefix(&step->script, err);
    if (ran && belay_native_check_step(run, step, last, err)) {
        belay_native_step_sql(run, step, duration_ms, rows);
        return true;
    }
    free(run->result->failed_revision);
    run->result->failed_revision = belay_strdup(step->step->revision->id);
    return false;
}

static void note_done(belay_native_run *run, size_t first, size_t end)
{
    run->result->effect = BELAY_EFFECT_COMMITTED;
    for (size_t i = first; i < end; i++) {
        belay_list_add(&run->result->done, run->steps[i].step->revision->id);
        run->result->steps_done++;
    }
}

static bool note_commit(belay_native_run *run, const char *xid, size_t first, size_t end, belay_error *err)
{
    json_t *revisions = json_array();
    for (size_t i = first; i < end; i++)
        json_array_append_new(revisions, json_string(run->steps[i].step->revision->id));
    return belay_record(run->how->recorder, BELAY_RECORD_NOTE, "commit",
        json_pack("{s:s, s:s, s:s, s:o}", "xid", xid, "system_identifier", run->session.system_identifier,
            "timeline", run->session.timeline, "revisions", revisions),
        err);
}

/* The answer to a COMMIT never came. */
static bool settle(belay_native_run *run, const char *xid, size_t first, size_t end, belay_error *err)
{
    belay_error why = {0};
    belay_say(run->how->reporter, BELAY_WARN,
        "the connection was lost at COMMIT; asking the server what became of transaction %s", xid);
    switch (belay_session_ask_commit(&run->session, xid, &why)) {
    case BELAY_COMMIT_DONE:
        belay_say(run->how->reporter, BELAY_INFO, "transaction %s was committed", xid);
        note_done(run, first, end);
        return true;
    case BELAY_COMMIT_ABORTED:
        return belay_error_prefix(
            err, "the connection was lost at COMMIT, and the transaction was rolled back");
    default:
        run->result->effect = BELAY_EFFECT_UNKNOWN;
        belay_error_detail(err, "whether transaction %s was committed is not known: %s", xid, why.message);
        return belay_error_prefix(err, "the connection was lost at COMMIT");
    }
}

bool belay_native_may_commit(const belay_native_run *run, belay_error *err)
{
    const belay_apply *how = run->how;
    return how->may_commit == NULL || how->may_commit(how->may_commit_context, err);
}

/* Rolls back and asks the server whether the transaction really ended so: "untouched" is known, not assumed.
 * False: the session is gone. */
static bool abandon(belay_native_run *run, const char *xid)
{
    BELAY_AUTO(belay_free) char *status = NULL;
    if (!belay_pg_exec(run->session.pg, "ROLLBACK", NULL))
        return false;
    if (xid == NULL)
        return true;
    if (!belay_pg_value(run->session.pg, sql_xact_status, &xid, 1, &status, NULL))
        return false;
    if (status == NULL || !belay_equal(status, "aborted")) {
        run->result->effect = BELAY_EFFECT_UNKNOWN;
        belay_record(run->how->recorder, BELAY_RECORD_NOTE, "unsure", json_pack("{s:s}", "xid", xid), NULL);
    }
    return true;
}

bool belay_native_commit(
    belay_native_run *run, const char *sql, const char *xid, size_t first, size_t end, belay_error *err)
{
    if (!belay_native_may_commit(run, err) || !note_commit(run, xid, first, end, err)) {
        abandon(run, xid);
        return false;
    }
    BELAY_AUTO(belay_free) char *all = belay_format("%sCOMMIT", sql);
    belay_blocker_begin(run->blocker, run->session.pid);
    bool ok = belay_pg_exec(run->session.pg, all, err);
    belay_blocker_end(run->blocker);
    if (ok) {
        note_done(run, first, end);
        return true;
    }
    /* An error that the server answered with, on a session that lives on, is no COMMIT without an answer. */
    bool answered = err->sqlstate[0] != '\0' && err->code != BELAY_E_CONNECTION_LOST && abandon(run, xid);
    return answered ? belay_error_prefix(err, "at COMMIT of %s", run->steps[end - 1].step->revision->id)
                    : settle(run, xid, first, end, err);
}

static bool try_group(belay_native_run *run, size_t first, size_t end, belay_error *err)
{
    BELAY_AUTO(belay_free) char *xid = NULL;
    BELAY_AUTO(belay_str_done) belay_str rows = BELAY_STR_INIT;
    bool ok = belay_native_begin(run, &xid, err);
    for (size_t i = first; ok && i < end; i++) {
        if (i > first)
            tell_step(run, run->steps[i].step);
        ok = run_step(run, i, i + 1 == end, &rows, err);
        if (ok && i + 1 < end) {
            ok = belay_pg_exec(run->session.pg, belay_str_text(&rows), err);
            belay_str_clear(&rows);
        }
    }
    if (!ok) {
        abandon(run, xid); /* where the session is gone, no COMMIT was sent */
        return false;
    }
    return belay_native_commit(run, belay_str_text(&rows), xid, first, end, err);
}

bool belay_native_lock_pause(belay_native_run *run, int attempt, belay_error *err)
{
    enum { PAUSE_MS = 100 };
    BELAY_AUTO(belay_free) char *blocker = belay_blocker_describe(run->blocker);
    if (blocker != NULL)
        belay_error_detail(
            err, "blocked by %s%s%s", blocker, err->detail[0] == '\0' ? "" : "\n", err->detail);
    if (attempt >= BELAY_LOCK_ATTEMPTS) {
        belay_error_prefix(err, "after %d attempts", attempt);
        return false;
    }
    belay_say(run->how->reporter, BELAY_WARN, "%s; attempt %d of %d follows%s%s", err->message, attempt + 1,
        BELAY_LOCK_ATTEMPTS, blocker == NULL ? "" : "; blocked by ", blocker == NULL ? "" : blocker);
    uint32_t most = (uint32_t)PAUSE_MS << attempt;
    return !belay_stop_wait(PAUSE_MS + belay_random_below(most));
}

static bool run_group(belay_native_run *run, size_t first, size_t end, belay_error *err)
{
    tell_step(run, run->steps[first].step);
    for (int attempt = 1;; attempt++) {
        BELAY_AUTO(belay_list_done) belay_list before = {0};
        for (size_t i = 0; i < run->heads.count; i++)
            belay_list_add(&before, run->heads.items[i]);
        if (try_group(run, first, end, err))
            return true;
        belay_list_done(&run->heads);
        run->heads = before;
        before = (belay_list){0};
        bool again = err->code == BELAY_E_LOCK_TIMEOUT && run->result->effect != BELAY_EFFECT_UNKNOWN;
        if (!again || !belay_native_lock_pause(run, attempt, err))
            return false;
        *err = (belay_error){0};
    }
}

/* The steps that share a transaction with the one at `first`. */
static size_t group_end(const belay_native_run *run, size_t first)
{
    size_t end = first + 1;
    if (run->how->target->transaction_per_migration)
        return end;
    while (end < run->plan->step_count && run->steps[end].step->revision->transaction)
        end++;
    return end;
}

static bool run_all(belay_native_run *run, belay_error *err)
{
    for (size_t i = 0; i < run->plan->step_count;) {
        bool transaction = run->steps[i].step->revision->transaction;
        size_t end = transaction ? group_end(run, i) : i + 1;
        if (!transaction)
            tell_step(run, run->steps[i].step);
        if (!(transaction ? run_group(run, i, end, err) : belay_statements_apply(run, i, err))) {
            if (run->result->failed_revision == NULL)
                run->result->failed_revision = belay_strdup(run->steps[end - 1].step->revision->id);
            return false;
        }
        free(run->result->failed_revision);
        run->result->failed_revision = NULL;
        i = end;
    }
    return true;
}

/* What drift is judged by later. The steps are committed, so that a failure here only costs that judgement.
 */
static void note_schema(belay_native_run *run)
{
    BELAY_AUTO(belay_str_done) belay_str reset = BELAY_STR_INIT;
    belay_error err = {0};
    belay_session_reset_sql(&run->session, &reset);
    if (run->plan->step_count > 0 && !(belay_native_may_commit(run, &err) &&
                                         belay_pg_exec(run->session.pg, belay_str_text(&reset), &err) &&
                                         belay_ledger_note_schema(run->session.pg, NULL, &err)))
        belay_say(run->how->reporter, BELAY_WARN, "the schema's hash could not be recorded: %s", err.message);
}

bool belay_native_apply(
    const belay_apply *how, const belay_plan *plan, belay_apply_result *ret, belay_error *err)
{
    *ret = (belay_apply_result){.effect = BELAY_EFFECT_NONE};
    belay_error own = {0};
    err = err == NULL ? &own : err;
    BELAY_AUTO(run_done) belay_native_run run = {.how = how, .plan = plan, .result = ret};
    if (!prepare_steps(&run, err) || !open_run(&run, err) || !run_all(&run, err))
        return false;
    note_schema(&run);
    return true;
}
