#include "pg/pg_error.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"

/* Longest match wins: five characters before the two of a class (manual, appendix A). */
static const struct {
    const char *prefix;
    belay_code code;
} sqlstate_table[] = {
    {"23503", BELAY_E_FOREIGN_KEY},
    {"55P03", BELAY_E_LOCK_TIMEOUT},
    {"40P01", BELAY_E_LOCK_TIMEOUT},
    {"42501", BELAY_E_PERMISSION},
    {"53100", BELAY_E_NO_SPACE},
    {"57014", BELAY_E_DEADLINE},
    {"57P01", BELAY_E_CONNECTION_LOST},
    {"57P02", BELAY_E_CONNECTION_LOST},
    {"57P03", BELAY_E_CONNECTION},
    {"3D000", BELAY_E_NO_DATABASE},
    {"28", BELAY_E_AUTHENTICATION},
    {"08", BELAY_E_CONNECTION_LOST},
};

static belay_code code_of_sqlstate(const char *sqlstate)
{
    for (size_t i = 0; i < BELAY_COUNT(sqlstate_table); i++) {
        if (belay_starts_with(sqlstate, sqlstate_table[i].prefix))
            return sqlstate_table[i].code;
    }
    return BELAY_E_SQL;
}

/* A failed connection has no SQLSTATE in libpq 15, so the message is looked at; the server's own is not
 * translated away in these cases often enough to matter, and then the general code remains. */
static const struct {
    const char *text;
    belay_code code;
} connect_table[] = {
    {"no such database: ", BELAY_E_POOLER},            /* PgBouncer's words, the server has others */
    {"unsupported startup parameter", BELAY_E_POOLER}, /* of PgBouncer too */
    {"does not exist", BELAY_E_NO_DATABASE},
    {"is not currently accepting connections", BELAY_E_NO_DATABASE},
    {"password authentication failed", BELAY_E_AUTHENTICATION},
    {"authentication failed", BELAY_E_AUTHENTICATION},
    {"no password supplied", BELAY_E_AUTHENTICATION},
    {"no pg_hba.conf entry", BELAY_E_AUTHENTICATION},
    {"permission denied for database", BELAY_E_PERMISSION},
    {"Connection refused", BELAY_E_CONNECTION_REFUSED},
    {"No such file or directory", BELAY_E_CONNECTION_REFUSED},
    {"could not translate host name", BELAY_E_CONNECTION_REFUSED},
    {"Network is unreachable", BELAY_E_CONNECTION_REFUSED},
    {"No route to host", BELAY_E_CONNECTION_REFUSED},
    {"Connection timed out", BELAY_E_CONNECTION_REFUSED},
    {"the database system is", BELAY_E_CONNECTION},
};

/* libpq's texts end in a newline. */
static bool fail_trimmed(belay_error *err, belay_code code, const char *text)
{
    belay_span span = belay_span_trim(belay_span_of(text));
    return belay_fail(err, code, "%.*s", (int)(span.length > 4096 ? 4096 : span.length), span.data);
}

bool belay_pg_connect_error(PGconn *conn, belay_error *err)
{
    if (err == NULL)
        return false;
    const char *text = PQerrorMessage(conn);
    belay_code code = BELAY_E_CONNECTION;
    for (size_t i = 0; i < BELAY_COUNT(connect_table); i++) {
        if (strstr(text, connect_table[i].text) != NULL) {
            code = connect_table[i].code;
            break;
        }
    }
    /* Files (a root certificate) can fail to exist as well. */
    if (code == BELAY_E_NO_DATABASE && strstr(text, "database \"") == NULL)
        code = strstr(text, "role \"") != NULL ? BELAY_E_AUTHENTICATION : BELAY_E_CONNECTION;
    return fail_trimmed(err, code, text);
}

bool belay_pg_lost_error(PGconn *conn, belay_error *err)
{
    if (err == NULL)
        return false;
    const char *text = PQerrorMessage(conn);
    return fail_trimmed(err, BELAY_E_CONNECTION_LOST,
        text == NULL || *text == '\0' ? "the connection to the server was lost" : text);
}

/* The byte offset of a 1-based position counted in UTF-8 characters. */
static size_t byte_of_position(const char *sql, int position)
{
    size_t at = 0;
    for (int seen = 1; seen < position && sql[at] != '\0'; seen++) {
        at++;
        while (((unsigned char)sql[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

enum { EXCERPT_BYTES = 200 };

/* Columns that a terminal gives to a character. */
static int width_of(const char *character)
{
    int width = PQdsplen(character, pg_char_to_encoding("UTF8"));
    return width < 0 ? 0 : width;
}

/* The line of the statement around the position, and a caret below. A tab stands as one space, so that the
 * caret does not depend on where tabs end. */
static void append_excerpt(belay_str *to, const char *sql, int position)
{
    size_t at = byte_of_position(sql, position);
    size_t start = at;
    while (start > 0 && sql[start - 1] != '\n' && at - start < 100)
        start--;
    while (((unsigned char)sql[start] & 0xC0) == 0x80)
        start++;
    size_t length = strcspn(sql + start, "\r\n");
    if (length > EXCERPT_BYTES) {
        length = EXCERPT_BYTES;
        while (((unsigned char)sql[start + length] & 0xC0) == 0x80)
            length--;
    }
    for (size_t i = start; i < start + length; i++)
        belay_str_append_char(to, sql[i] == '\t' ? ' ' : sql[i]);
    int columns = 0;
    for (size_t i = start; i < at; i++) {
        if (((unsigned char)sql[i] & 0xC0) != 0x80)
            columns += sql[i] == '\t' ? 1 : width_of(sql + i);
    }
    belay_str_appendf(to, "\n%*s^", columns, "");
}

static void append_line(belay_str *to, const char *text)
{
    if (text != NULL && *text != '\0')
        belay_str_appendf(to, "%s%s", to->length == 0 ? "" : "\n", text);
}

/* The server's DETAIL; the statement within a function that failed; where that stands, or the row of a COPY.
 */
static void append_detail(belay_str *to, const PGresult *result)
{
    const char *query = PQresultErrorField(result, PG_DIAG_INTERNAL_QUERY);
    const char *position = PQresultErrorField(result, PG_DIAG_INTERNAL_POSITION);
    long long at = 0;
    append_line(to, PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    if (query != NULL && position != NULL && belay_parse_int64(position, &at) && at > 0) {
        append_line(to, "in the query");
        belay_str_append_char(to, '\n');
        append_excerpt(to, query, (int)at);
    }
    append_line(to, PQresultErrorField(result, PG_DIAG_CONTEXT));
}

bool belay_pg_result_error(PGconn *conn, const PGresult *result, belay_error *err)
{
    if (err == NULL)
        return false;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL)
        return belay_pg_lost_error(conn, err);
    belay_code code = code_of_sqlstate(sqlstate);
    if (code == BELAY_E_DEADLINE && belay_stop_requested())
        code = BELAY_E_CANCELLED;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    BELAY_AUTO(belay_str_done) belay_str detail = BELAY_STR_INIT;
    append_detail(&detail, result);
    belay_fail(err, code, "%s", message == NULL ? "the server reported an error" : message);
    snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    belay_error_detail(err, "%s", belay_str_text(&detail));
    if (hint != NULL)
        belay_error_hint(err, "%s", hint);
    return false;
}

void belay_pg_mark_statement(belay_error *err, const char *sql, int position)
{
    if (err == NULL)
        return;
    belay_error_statement(err, sql);
    if (position <= 0)
        return;
    BELAY_AUTO(belay_str_done) belay_str detail = BELAY_STR_INIT;
    append_excerpt(&detail, sql, position);
    append_line(&detail, err->detail);
    belay_error_detail(err, "%s", belay_str_text(&detail));
}
