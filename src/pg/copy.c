/* COPY in both directions, and quoting. */

#include "pg/pg_error.h"
#include "pg/pg_internal.h"
#include "util/stop.h"

void belay_pg_leave_copy(belay_pg *pg, ExecStatusType status)
{
    char *row = NULL;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_BOTH)
        PQputCopyEnd(pg->conn, "no data comes with this statement");
    while (status == PGRES_COPY_OUT && PQgetCopyData(pg->conn, &row, 0) > 0)
        PQfreemem(row);
}

/* Reads the end of the command after the last row. */
static bool finish(belay_pg *pg, uint64_t *ret_rows, belay_error *err)
{
    bool ok = true;
    bool cancelled = false;
    for (;;) {
        while (PQisBusy(pg->conn)) {
            if (!belay_pg_wait_readable(pg, &cancelled, ok ? err : NULL))
                return false;
        }
        PGresult *result = PQgetResult(pg->conn);
        if (result == NULL)
            return ok;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && ok)
            ok = belay_pg_result_error(pg->conn, result, err);
        belay_pg_leave_copy(pg, PQresultStatus(result));
        long long rows = 0;
        if (ret_rows != NULL && belay_parse_int64(PQcmdTuples(result), &rows))
            *ret_rows = (uint64_t)rows;
        PQclear(result);
        if (PQstatus(pg->conn) == CONNECTION_BAD)
            return ok ? belay_pg_lost_error(pg->conn, err) : false;
    }
}

/* Starts the command and expects the given copy state, perhaps behind other statements. */
static bool begin(belay_pg *pg, const char *sql, ExecStatusType wanted, belay_error *err)
{
    if (PQsendQuery(pg->conn, sql) == 0)
        return belay_pg_lost_error(pg->conn, err);
    bool cancelled = false;
    PGresult *result = NULL;
    do {
        PQclear(result);
        while (PQisBusy(pg->conn)) {
            if (!belay_pg_wait_readable(pg, &cancelled, err))
                return false;
        }
        result = PQgetResult(pg->conn);
    } while (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK);
    ExecStatusType status = PQresultStatus(result);
    if (status == wanted) {
        PQclear(result);
        return true;
    }
    if (result != NULL && status == PGRES_FATAL_ERROR)
        belay_pg_result_error(pg->conn, result, err);
    else
        belay_fail(err, BELAY_E_INTERNAL, "not a COPY statement of this direction: %s", sql);
    PQclear(result);
    belay_pg_leave_copy(pg, status);
    finish(pg, NULL, NULL);
    return false;
}

bool belay_pg_copy_out_begin(belay_pg *pg, const char *sql, belay_error *err)
{
    return begin(pg, sql, PGRES_COPY_OUT, err);
}

belay_copy_status belay_pg_copy_read(belay_pg *pg, const char **ret_data, size_t *ret_size, belay_error *err)
{
    if (pg->copy_buffer != NULL)
        PQfreemem(pg->copy_buffer);
    pg->copy_buffer = NULL;
    bool cancelled = false;
    for (;;) {
        int got = PQgetCopyData(pg->conn, &pg->copy_buffer, 1);
        if (got > 0) {
            *ret_data = pg->copy_buffer;
            *ret_size = (size_t)got;
            return BELAY_COPY_ROW;
        }
        if (got == -1)
            return finish(pg, NULL, err) ? BELAY_COPY_END : BELAY_COPY_ERROR;
        if (got == -2) {
            belay_pg_lost_error(pg->conn, err);
            return BELAY_COPY_ERROR;
        }
        if (!belay_pg_wait_readable(pg, &cancelled, err))
            return BELAY_COPY_ERROR;
    }
}

const char belay_copy_header[BELAY_COPY_HEADER_BYTES] = "PGCOPY\n\377\r\n";
const char belay_copy_trailer[BELAY_COPY_TRAILER_BYTES] = {'\377', '\377'};

/* libpq gives the header in front of the first row, or of the trailer. */
static bool skip_header(const char **data, size_t *size, belay_error *err)
{
    if (*size < sizeof belay_copy_header || memcmp(*data, belay_copy_header, sizeof belay_copy_header) != 0)
        return belay_fail(err, BELAY_E_UNSUPPORTED, "the server writes an unknown kind of binary COPY");
    *data += sizeof belay_copy_header;
    *size -= sizeof belay_copy_header;
    return true;
}

static bool is_trailer(const char *data, size_t size)
{
    return size == sizeof belay_copy_trailer &&
           memcmp(data, belay_copy_trailer, sizeof belay_copy_trailer) == 0;
}

bool belay_pg_copy_rows(
    belay_pg *pg, const char *sql, bool binary, belay_row_function *on_row, void *context, belay_error *err)
{
    const char *data = NULL;
    size_t size = 0;
    belay_copy_status status;
    if (!belay_pg_copy_out_begin(pg, sql, err))
        return false;
    for (bool first = true; (status = belay_pg_copy_read(pg, &data, &size, err)) == BELAY_COPY_ROW;
         first = false) {
        if (binary && first && !skip_header(&data, &size, err))
            return false;
        if (binary && (size == 0 || is_trailer(data, size)))
            continue;
        if (!on_row(context, data, size, err))
            return false;
    }
    return status == BELAY_COPY_END;
}

bool belay_pg_copy_in_begin(belay_pg *pg, const char *sql, belay_error *err)
{
    return begin(pg, sql, PGRES_COPY_IN, err);
}

bool belay_pg_copy_write(belay_pg *pg, const void *data, size_t size_bytes, belay_error *err)
{
    enum { PIECE_BYTES = 1024 * 1024 };
    const char *from = data;
    while (size_bytes > 0) {
        size_t piece = size_bytes > PIECE_BYTES ? PIECE_BYTES : size_bytes;
        /* The connection blocks here: libpq waits until its buffer has room, and returns when the server is
         * gone. */
        if (PQputCopyData(pg->conn, from, (int)piece) != 1)
            return belay_pg_lost_error(pg->conn, err);
        if (!belay_stop_check(err)) {
            belay_pg_copy_abort(pg, "stopped by a signal");
            return false;
        }
        from += piece;
        size_bytes -= piece;
    }
    return true;
}

bool belay_pg_copy_end(belay_pg *pg, uint64_t *ret_rows, belay_error *err)
{
    if (PQputCopyEnd(pg->conn, NULL) != 1)
        return belay_pg_lost_error(pg->conn, err);
    return finish(pg, ret_rows, err);
}

void belay_pg_copy_abort(belay_pg *pg, const char *reason)
{
    if (PQputCopyEnd(pg->conn, reason) == 1)
        finish(pg, NULL, NULL);
}

/* Doubles every occurrence of `special`. */
static void append_doubled(belay_str *to, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            belay_str_append_char(to, *text);
        belay_str_append_char(to, *text);
    }
}

char *belay_quote_ident(const char *name)
{
    belay_str quoted = BELAY_STR_INIT;
    belay_str_append_char(&quoted, '"');
    append_doubled(&quoted, name, "\"");
    belay_str_append_char(&quoted, '"');
    return belay_str_steal(&quoted);
}

char *belay_quote_qualified(const char *schema, const char *name)
{
    BELAY_AUTO(belay_free) char *left = belay_quote_ident(schema);
    BELAY_AUTO(belay_free) char *right = belay_quote_ident(name);
    return belay_format("%s.%s", left, right);
}

char *belay_quote_literal(const char *text)
{
    belay_str quoted = BELAY_STR_INIT;
    if (strchr(text, '\\') != NULL)
        belay_str_append(&quoted, " E");
    belay_str_append_char(&quoted, '\'');
    append_doubled(&quoted, text, "'\\");
    belay_str_append_char(&quoted, '\'');
    return belay_str_steal(&quoted);
}
