#include "pg/pg.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "pg/connect.sql.h"
#include "pg/pg_error.h"
#include "pg/pg_internal.h"
#include "util/clock.h"
#include "util/stop.h"

enum {
    DEFAULT_CONNECT_TIMEOUT_S = 10,
    CANCEL_GRACE_MS = 30000,
    POLL_MS = 1000,
    GIVEN_UP_POLL_MS = 100,
    OLDEST_VERSION = 140000
};

static void on_libpq_notice(void *context, const PGresult *result)
{
    belay_pg *pg = context;
    if (pg->on_notice == NULL)
        return;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    BELAY_AUTO(belay_free)
    char *text = belay_format("%s%s%s%s%s", message == NULL ? "" : message,
        detail == NULL ? "" : "\nDETAIL: ", detail == NULL ? "" : detail,
        hint == NULL ? "" : "\nHINT: ", hint == NULL ? "" : hint);
    pg->on_notice(pg->notice_context, severity == NULL ? "NOTICE" : severity, text);
}

void belay_pg_on_notice(belay_pg *pg, belay_notice_function *on_notice, void *context)
{
    pg->on_notice = on_notice;
    pg->notice_context = context;
}

/* PQconnectPoll until it is done, the time is over, or a stop was requested. */
static bool connect_wait(belay_pg *pg, belay_error *err)
{
    int timeout_s = pg->connect_timeout_s;
    int64_t end = belay_now_ms() + (int64_t)timeout_s * 1000;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return belay_pg_connect_error(pg->conn, pg->target, err);
        if (!belay_stop_check(err))
            return false;
        int64_t left = end - belay_now_ms();
        if (left <= 0)
            return belay_fail(err, BELAY_E_CONNECTION, "%s did not answer within %d seconds",
                belay_pg_address(pg), timeout_s);
        struct pollfd waits[2] = {
            {.fd = PQsocket(pg->conn), .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT},
            {.fd = belay_stop_fd(), .events = POLLIN}};
        if (poll(waits, 2, left > 1000 ? 1000 : (int)left) > 0 && waits[0].revents != 0)
            status = PQconnectPoll(pg->conn);
    }
    return true;
}

static bool require_version(const belay_pg *pg, belay_error *err)
{
    int version = belay_pg_server_version(pg);
    if (version >= OLDEST_VERSION)
        return true;
    belay_fail(err, BELAY_E_UNSUPPORTED, "%s is PostgreSQL %d.%d, belay needs 14 or later",
        belay_pg_address(pg), version / 10000, version % 10000);
    return belay_error_hint(err, "upgrade the server");
}

static bool fail_pooler(belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_behind_pooler, &rows, err))
        return false;
    bool local = belay_rows_is_null(rows, 0, 1);
    belay_fail(err, BELAY_E_POOLER,
        "%s is a connection pooler, not the server: sessions are shared there, so that locks, settings and "
        "renames do not hold",
        belay_pg_address(pg));
    return belay_error_hint(err,
        "connect directly to the server: behind the pooler it listens on port %s%s%s; applications may keep "
        "the pooler",
        belay_rows_text(rows, 0, 0), local ? " and its unix socket" : " of ",
        local ? "" : belay_rows_text(rows, 0, 1));
}

/* A pooler answers with cancel keys of its own: the backend's pid differs from the one it announced. */
static bool settle(belay_pg *pg, belay_error *err)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", PQbackendPID(pg->conn));
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    const char *pinned = pg->profile == BELAY_PG_USER ? "false" : "true";
    const char *data = pg->profile == BELAY_PG_DATA ? "true" : "false";
    return belay_pg_queryp(pg, sql_settle, &rows, err, pid, pinned, data) &&
           (belay_rows_bool(rows, 0, 0) || fail_pooler(pg, err));
}

/* A server, or a way to it, that is gone is noticed within a minute, whatever the session waits for. The
 * server is told to notice a client that is gone as soon (connect.sql): its session may hold locks. */
static void add_keepalives(belay_conninfo *info)
{
    static const char *const wanted[][2] = {{"keepalives", "1"}, {"keepalives_idle", "30"},
        {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "60000"}};
    for (size_t i = 0; i < BELAY_COUNT(wanted); i++) {
        if (belay_conninfo_get(info, wanted[i][0]) == NULL)
            belay_conninfo_set(info, wanted[i][0], wanted[i][1]);
    }
}

static bool connect_begun(belay_pg *pg, belay_error *err)
{
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return belay_pg_connect_error(pg->conn, pg->target, err);
    PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
    if (!connect_wait(pg, err))
        return false;
    PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    return true;
}

/* libpq names the address that it was told, which may be a tunnel's local end. */
static void name_server(const belay_pg *pg, belay_error *err)
{
    static const char end[] = " failed: ";
    const char *why = strstr(err->message, end);
    if (pg->address == NULL || why == NULL || !belay_starts_with(err->message, "connection to server "))
        return;
    BELAY_AUTO(belay_free) char *text = belay_format("connection to server at %s%s", pg->address, why);
    snprintf(err->message, sizeof err->message, "%s", text);
}

/* What failed may be the way to the server. */
static bool explain(belay_dialer *dialer, const belay_pg *pg, belay_error *err)
{
    if (err == NULL)
        return false;
    name_server(pg, err);
    if (dialer->explain != NULL && err->code != BELAY_E_CANCELLED)
        dialer->explain(dialer, err);
    return false;
}

bool belay_pg_open(belay_dialer *dialer, const belay_pg_options *options, belay_pg **ret, belay_error *err)
{
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    if (!belay_dialer_address(dialer, options->dbname, &info, err))
        return false;
    belay_conninfo_set(
        &info, "application_name", options->application_name == NULL ? "belay" : options->application_name);
    belay_conninfo_set(&info, "client_encoding", "UTF8");
    add_keepalives(&info);
    BELAY_AUTO(belay_pg_close) belay_pg *pg = belay_alloc(sizeof *pg);
    pg->profile = options->profile;
    pg->target = dialer->target;
    pg->connect_timeout_s =
        options->connect_timeout_s > 0 ? options->connect_timeout_s : DEFAULT_CONNECT_TIMEOUT_S;
    pg->on_notice = options->on_notice;
    pg->notice_context = options->notice_context;
    pg->conn = belay_conninfo_begin(&info);
    if (pg->conn == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "no memory for a connection");
    if (dialer->describe != NULL) {
        char address[512];
        dialer->describe(dialer, address, sizeof address);
        pg->address = belay_strdup(address);
    }
    if (!connect_begun(pg, err))
        return explain(dialer, pg, err);
    if (options->dbname != NULL && belay_equal(options->dbname, dialer->counted))
        atomic_fetch_add(&dialer->sessions, 1);
    PQsetNoticeReceiver(pg->conn, on_libpq_notice, pg);
    if (!require_version(pg, err) || !settle(pg, err))
        return false;
    *ret = belay_take(pg);
    return true;
}

bool belay_pg_reopen(belay_pg *pg, belay_error *err)
{
    if (pg->copy_buffer != NULL)
        PQfreemem(belay_take(pg->copy_buffer));
    if (PQresetStart(pg->conn) == 0)
        return belay_pg_connect_error(pg->conn, pg->target, err);
    return connect_begun(pg, err) && settle(pg, err);
}

void belay_pg_close(belay_pg *pg)
{
    if (pg == NULL)
        return;
    if (pg->copy_buffer != NULL)
        PQfreemem(pg->copy_buffer);
    PQfinish(pg->conn);
    free(pg->address);
    free(pg);
}

int belay_pg_server_version(const belay_pg *pg)
{
    return PQserverVersion(pg->conn);
}

int belay_pg_backend_pid(const belay_pg *pg)
{
    return PQbackendPID(pg->conn);
}

bool belay_pg_is_alive(belay_pg *pg)
{
    /* An empty query is answered within a failed transaction too; a cancelled one was answered. */
    belay_error err = {0};
    return belay_pg_exec(pg, "", &err) ||
           (err.code != BELAY_E_CONNECTION_LOST && PQstatus(pg->conn) == CONNECTION_OK);
}

const char *belay_pg_dbname(const belay_pg *pg)
{
    return PQdb(pg->conn);
}

const char *belay_pg_address(const belay_pg *pg)
{
    belay_pg *self = (belay_pg *)(uintptr_t)pg;
    if (self->address == NULL) {
        const char *host = PQhost(pg->conn);
        const char *port = PQport(pg->conn);
        self->address =
            belay_format("%s:%s", host == NULL ? "?" : host, port == NULL || *port == '\0' ? "5432" : port);
    }
    return self->address;
}

bool belay_pg_in_transaction(const belay_pg *pg)
{
    PGTransactionStatusType status = PQtransactionStatus(pg->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool belay_pg_standard_strings(const belay_pg *pg)
{
    const char *value = PQparameterStatus(pg->conn, "standard_conforming_strings");
    return value == NULL || belay_equal(value, "on");
}

size_t belay_pg_error_offset(const belay_pg *pg, const char *sql)
{
    return belay_pg_byte_of_position(sql, pg->error_position);
}

void belay_pg_give_up_on(belay_pg *pg, const atomic_bool *given_up)
{
    pg->given_up = given_up;
}

void belay_pg_cancel(belay_pg *pg)
{
    if (PQtransactionStatus(pg->conn) != PQTRANS_ACTIVE)
        return;
    PGcancel *cancel = PQgetCancel(pg->conn);
    char reason[256];
    if (cancel != NULL)
        PQcancel(cancel, reason, sizeof reason);
    PQfreeCancel(cancel);
}

bool belay_pg_wait_readable(belay_pg *pg, bool *cancelled, belay_error *err)
{
    bool given_up = pg->given_up != NULL && atomic_load(pg->given_up);
    if ((belay_stop_requested() || given_up) && !*cancelled) {
        *cancelled = true;
        pg->cancel_deadline_ms = belay_now_ms() + CANCEL_GRACE_MS;
        belay_pg_cancel(pg);
    }
    if (*cancelled && belay_now_ms() > pg->cancel_deadline_ms)
        return belay_fail(err, BELAY_E_CONNECTION_LOST,
            "%s did not react to a cancel request within %d seconds", belay_pg_address(pg),
            CANCEL_GRACE_MS / 1000);
    struct pollfd waits[2] = {{.fd = PQsocket(pg->conn), .events = POLLIN},
        {.fd = *cancelled ? -1 : belay_stop_fd(), .events = POLLIN}};
    int flushed = PQflush(pg->conn);
    if (flushed < 0)
        return belay_pg_lost_error(pg->conn, err);
    if (flushed == 1)
        waits[0].events |= POLLOUT;
    if (poll(waits, 2, pg->given_up == NULL ? POLL_MS : GIVEN_UP_POLL_MS) < 0 && errno != EINTR)
        return belay_fail_errno(err, errno, "cannot wait for the server");
    if ((waits[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(pg->conn) == 0)
        return belay_pg_lost_error(pg->conn, err);
    return true;
}

/* The next result, NULL at the end of the command. */
static bool next_result(belay_pg *pg, bool *cancelled, PGresult **ret, belay_error *err)
{
    while (PQisBusy(pg->conn)) {
        if (!belay_pg_wait_readable(pg, cancelled, err))
            return false;
    }
    *ret = PQgetResult(pg->conn);
    return true;
}

/* Drains to the end of the command; keeps the last result that is not an error, reports the first error. */
static bool collect(belay_pg *pg, PGresult **ret, belay_error *err)
{
    bool cancelled = false;
    bool ok = true;
    PGresult *last = NULL;
    pg->error_position = 0;
    for (;;) {
        PGresult *result = NULL;
        if (!next_result(pg, &cancelled, &result, ok ? err : NULL)) {
            PQclear(last);
            return false;
        }
        if (result == NULL)
            break;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            if (ok) {
                const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
                long long at = 0;
                if (position != NULL && belay_parse_int64(position, &at))
                    pg->error_position = (int)at;
                belay_pg_result_error(pg->conn, result, err);
            }
            ok = false;
            PQclear(result);
        } else {
            PQclear(last);
            last = result;
        }
        belay_pg_leave_copy(pg, status);
        if (PQstatus(pg->conn) == CONNECTION_BAD)
            break;
    }
    if (ok && last == NULL)
        ok = belay_pg_lost_error(pg->conn, err);
    if (!ok) {
        PQclear(last);
        return false;
    }
    *ret = last;
    return true;
}

bool belay_pg_exec(belay_pg *pg, const char *sql, belay_error *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(pg->conn, sql) == 0)
        return belay_pg_lost_error(pg->conn, err);
    if (!collect(pg, &result, err))
        return false;
    PQclear(result);
    return true;
}

bool belay_pg_execf(belay_pg *pg, belay_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    BELAY_AUTO(belay_free) char *sql = NULL;
    int length = vasprintf(&sql, format, args);
    va_end(args);
    if (length < 0)
        return belay_fail(err, BELAY_E_NO_MEMORY, "no memory for a statement");
    return belay_pg_exec(pg, sql, err);
}

struct belay_rows {
    PGresult *result;
};

static belay_rows *rows_of(PGresult *result)
{
    belay_rows *rows = belay_alloc(sizeof *rows);
    rows->result = result;
    return rows;
}

bool belay_pg_query(belay_pg *pg, const char *sql, const char *const *params, size_t param_count,
    belay_rows **ret, belay_error *err)
{
    PGresult *result = NULL;
    if (PQsendQueryParams(pg->conn, sql, (int)param_count, NULL, params, NULL, NULL, 0) == 0)
        return belay_pg_lost_error(pg->conn, err);
    if (!collect(pg, &result, err))
        return false;
    if (ret == NULL)
        PQclear(result);
    else
        *ret = rows_of(result);
    return true;
}

bool belay_pg_value(belay_pg *pg, const char *sql, const char *const *params, size_t param_count, char **ret,
    belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query(pg, sql, params, param_count, &rows, err))
        return false;
    *ret = belay_rows_count(rows) == 0 || belay_rows_is_null(rows, 0, 0)
               ? NULL
               : belay_strdup(belay_rows_text(rows, 0, 0));
    return true;
}

bool belay_pg_run_user_sql(
    belay_pg *pg, const char *sql, char **ret_tag, belay_rows **ret_rows, belay_error *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(pg->conn, sql) == 0)
        return belay_pg_lost_error(pg->conn, err);
    if (!collect(pg, &result, err)) {
        belay_pg_mark_statement(err, sql, pg->error_position);
        return false;
    }
    if (ret_tag != NULL)
        *ret_tag = belay_strdup(PQcmdStatus(result));
    if (ret_rows != NULL)
        *ret_rows = rows_of(result);
    else
        PQclear(result);
    return true;
}

void belay_rows_free(belay_rows *rows)
{
    if (rows == NULL)
        return;
    PQclear(rows->result);
    free(rows);
}

size_t belay_rows_count(const belay_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t belay_rows_columns(const belay_rows *rows)
{
    return (size_t)PQnfields(rows->result);
}

bool belay_rows_is_null(const belay_rows *rows, size_t row, size_t column)
{
    return PQgetisnull(rows->result, (int)row, (int)column) != 0;
}

const char *belay_rows_text(const belay_rows *rows, size_t row, size_t column)
{
    const char *text = PQgetvalue(rows->result, (int)row, (int)column);
    return text == NULL ? "" : text;
}

int64_t belay_rows_int(const belay_rows *rows, size_t row, size_t column)
{
    long long value = 0;
    return belay_parse_int64(belay_rows_text(rows, row, column), &value) ? value : 0;
}

bool belay_rows_bool(const belay_rows *rows, size_t row, size_t column)
{
    return belay_rows_text(rows, row, column)[0] == 't';
}

const char *belay_rows_column_name(const belay_rows *rows, size_t column)
{
    return PQfname(rows->result, (int)column);
}
