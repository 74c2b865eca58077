#include "migrate/session.h"

#include "migrate/native.sql.h"
#include "util/clock.h"
#include "util/stop.h"

enum { ASK_MS = 30000, ASK_PAUSE_MS = 100 };

static void tell_notice(void *context, const char *severity, const char *message)
{
    belay_level level = belay_equal(severity, "WARNING") ? BELAY_WARN
                        : belay_equal(severity, "DEBUG") ? BELAY_DEBUG
                                                         : BELAY_NOTICE;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_list_split(&lines, message, "\r\n");
    belay_say(context, level, "server: %s: %s", severity, lines.count == 0 ? "" : lines.items[0]);
    for (size_t i = 1; i < lines.count; i++)
        belay_say(context, level, "server:   %s", lines.items[i]);
}

static bool identify(belay_session *session, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(session->pg, sql_session_identity, &rows, err))
        return false;
    session->pid = (int)belay_rows_int(rows, 0, 0);
    session->backend_start = belay_strdup(belay_rows_text(rows, 0, 1));
    session->system_identifier = belay_strdup(belay_rows_text(rows, 0, 2));
    session->timeline = belay_strdup(belay_rows_text(rows, 0, 3));
    return belay_record(session->how->recorder, BELAY_RECORD_NOTE, "session",
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}", "pid", session->pid, "backend_start",
            session->backend_start, "system_identifier", session->system_identifier, "timeline",
            session->timeline, "dbname", belay_pg_dbname(session->pg), "database_oid",
            (json_int_t)belay_rows_int(rows, 0, 4)),
        err);
}

bool belay_session_open(const belay_apply *how, belay_session *ret, belay_error *err)
{
    *ret = (belay_session){.how = how};
    belay_pg_options options = {.dbname = how->dbname,
        .application_name = how->run_id,
        .profile = BELAY_PG_USER,
        .on_notice = tell_notice,
        .notice_context = how->reporter};
    return belay_pg_open(how->dialer, &options, &ret->pg, err) && identify(ret, err);
}

void belay_session_done(belay_session *session)
{
    belay_pg_close(session->pg);
    free(session->backend_start);
    free(session->system_identifier);
    free(session->timeline);
    *session = (belay_session){0};
}

void belay_session_reset_sql(const belay_session *session, belay_str *to)
{
    const belay_target *target = session->how->target;
    belay_str_appendf(to,
        "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET lock_timeout = %lld; SET statement_timeout "
        "= %lld; SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0; SET "
        "client_connection_check_interval = "
        "'2s';\n",
        (long long)target->lock_timeout_ms, (long long)target->statement_timeout_ms);
    if (belay_pg_server_version(session->pg) >= 170000)
        belay_str_append(to, "SET transaction_timeout = 0;\n");
}

/* The server that answers now must be the one that had the transaction, with the same history. */
static bool same_server(const belay_session *session, belay_pg *pg, belay_error *why)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_server_identity, &rows, why))
        return false;
    if (belay_equal(belay_rows_text(rows, 0, 0), session->system_identifier) &&
        belay_equal(belay_rows_text(rows, 0, 2), session->timeline))
        return true;
    return belay_fail(why, BELAY_E_NEEDS_RECOVERY,
        "the server that answers now has another history (system %s timeline %s; it was system %s timeline "
        "%s)",
        belay_rows_text(rows, 0, 0), belay_rows_text(rows, 0, 2), session->system_identifier,
        session->timeline);
}

/* One connection's worth of asking: polls while the transaction is in progress, ending its backend. */
static belay_commit_outcome ask(
    const belay_session *session, belay_pg *pg, const char *xid, int64_t end_ms, belay_error *why)
{
    BELAY_AUTO(belay_free) char *pid = belay_format("%d", session->pid);
    for (;;) {
        BELAY_AUTO(belay_free) char *status = NULL;
        if (!belay_pg_value(pg, sql_xact_status, &xid, 1, &status, why))
            return BELAY_COMMIT_UNKNOWN;
        if (status == NULL) {
            belay_fail(why, BELAY_E_NEEDS_RECOVERY, "the server no longer knows transaction %s", xid);
            return BELAY_COMMIT_UNKNOWN;
        }
        if (belay_equal(status, "committed"))
            return BELAY_COMMIT_DONE;
        if (belay_equal(status, "aborted"))
            return BELAY_COMMIT_ABORTED;
        if (belay_now_ms() > end_ms) {
            belay_fail(why, BELAY_E_NEEDS_RECOVERY, "transaction %s is still in progress", xid);
            return BELAY_COMMIT_UNKNOWN;
        }
        belay_pg_queryp(pg, sql_end_backend, NULL, NULL, pid, session->backend_start);
        belay_sleep_ms(ASK_PAUSE_MS);
    }
}

static belay_commit_outcome ask_until(belay_session *session, const char *xid, belay_error *why)
{
    int64_t end_ms = belay_now_ms() + ASK_MS;
    do {
        BELAY_AUTO(belay_session_done) belay_session fresh = {0};
        belay_commit_outcome outcome = BELAY_COMMIT_UNKNOWN;
        if (belay_session_open(session->how, &fresh, why)) {
            if (!same_server(session, fresh.pg, why)) {
                if (why->code == BELAY_E_NEEDS_RECOVERY)
                    return BELAY_COMMIT_UNKNOWN;
            } else {
                outcome = ask(session, fresh.pg, xid, end_ms, why);
                if (outcome == BELAY_COMMIT_UNKNOWN && why->code != BELAY_E_CONNECTION_LOST)
                    return BELAY_COMMIT_UNKNOWN;
            }
        }
        if (outcome != BELAY_COMMIT_UNKNOWN) {
            belay_session_done(session);
            *session = fresh;
            fresh = (belay_session){0};
            return outcome;
        }
        belay_sleep_ms(ASK_PAUSE_MS * 5);
    } while (belay_now_ms() < end_ms);
    return BELAY_COMMIT_UNKNOWN;
}

belay_commit_outcome belay_session_ask_commit(belay_session *session, const char *xid, belay_error *why)
{
    belay_pg_close(session->pg);
    session->pg = NULL;
    belay_stop_mask(true);
    belay_commit_outcome outcome = ask_until(session, xid, why);
    belay_stop_mask(false);
    return outcome;
}
