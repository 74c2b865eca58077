#include "pg/pg_error.h"

#include "pg/pg.h"

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

static const char server_space_hint[] =
    "free space on the server's disk (the file that the message names), then run the command again";

/* What the server says while a connection is made, in whatever language its lc_messages is. */
static const struct {
    const char *prefix;
    belay_code code;
    const char *hint; /* NULL: that of the code */
} refusal_table[] = {
    {"3D000", BELAY_E_NO_DATABASE, NULL},
    {"55000", BELAY_E_NO_DATABASE, /* not currently accepting connections */
        "somebody set ALLOW_CONNECTIONS false; `belay runs` shows whether an unfinished run did"},
    {"42501", BELAY_E_PERMISSION, NULL},
    {"28", BELAY_E_AUTHENTICATION, NULL},
    {"53300", BELAY_E_CONNECTION,
        "a connection limit is reached: that of the server (max_connections), of the database or of the "
        "role; end idle sessions, raise it, or let `jobs` (-j) be lower"},
    {"53100", BELAY_E_NO_SPACE, server_space_hint},
    {"57P03", BELAY_E_CONNECTION, "the server starts up or shuts down; try again in a moment"},
};

/* libpq's own words (belay sets no locale, so they are English), and those of PgBouncer. */
static const struct {
    const char *text;
    belay_code code;
    const char *hint; /* NULL: that of the code */
} connect_table[] = {
    /* Of TLS first: what is wrong with a file of it sounds like the network otherwise. */
    {" does not match host name", BELAY_E_AUTHENTICATION,
        "the server was reached, and its certificate is for another name: let `host` of the target be a name "
        "that the certificate has (hostaddr may hold the address), or have a certificate made for this one; "
        "another server answering in its place looks the same"},
    {"could not get server's host name from server certificate", BELAY_E_AUTHENTICATION,
        "the server was reached, and its certificate has no name: have one made for the name that is `host`"},
    {"root certificate file ", BELAY_E_CONFIG,
        "sslmode asks for the server's certificate to be checked: let sslrootcert name the file of the "
        "authority that signed it"},
    {"certificate verify failed", BELAY_E_AUTHENTICATION,
        "the server was reached, and its certificate is not signed by an authority in sslrootcert, or is "
        "out of date; another server answering in its place looks the same"},
    {"server does not support SSL", BELAY_E_CONNECTION,
        "the server was reached, and has ssl off, while sslmode of the target demands it: set `ssl = on` "
        "there, "
        "or another sslmode where the network is trusted"},
    {"no such database: ", BELAY_E_POOLER, NULL}, /* the server has other words */
    {"unsupported startup parameter", BELAY_E_POOLER, NULL},
    {"no password supplied", BELAY_E_AUTHENTICATION, NULL},
    {"Connection refused", BELAY_E_CONNECTION_REFUSED, NULL},
    {"No such file or directory", BELAY_E_CONNECTION_REFUSED, NULL},
    {"could not translate host name", BELAY_E_CONNECTION_REFUSED, NULL},
    {"Network is unreachable", BELAY_E_CONNECTION_REFUSED, NULL},
    {"No route to host", BELAY_E_CONNECTION_REFUSED, NULL},
    {"Connection timed out", BELAY_E_CONNECTION_REFUSED, NULL},
    /* all that the server says of a full disk then */
    {"could not write init file", BELAY_E_NO_SPACE, NULL},
};

/* libpq's texts end in a newline. */
static bool fail_trimmed(belay_error *err, belay_code code, const char *text)
{
    belay_span span = belay_span_trim(belay_span_of(text));
    return belay_fail(err, code, "%.*s", (int)(span.length > 4096 ? 4096 : span.length), span.data);
}

/* At the SQLSTATE of "FATAL:  28P01: password ..."; NULL when the line has none. */
static const char *find_sqlstate(const char *line, size_t length)
{
    static const char before[] = ":  ";
    static const char of_sqlstate[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *end = line + length;
    for (const char *at = line; (at = memmem(at, (size_t)(end - at), before, sizeof before - 1)) != NULL;) {
        at += sizeof before - 1;
        if (end - at > 6 && strspn(at, of_sqlstate) == 5 && at[5] == ':')
            return at;
    }
    return NULL;
}

/* A line of libpq's verbose text as the default verbosity has it: without SQLSTATE, and without the place in
 * the server's source. */
static void append_plain(belay_str *to, const char *line, size_t length, char *sqlstate)
{
    static const char location[] = "LOCATION:  ";
    if (length >= sizeof location && memcmp(line, location, sizeof location - 1) == 0)
        return;
    const char *state = find_sqlstate(line, length);
    if (state == NULL) {
        belay_str_appendf(to, "%.*s\n", (int)length, line);
        return;
    }
    if (sqlstate[0] == '\0')
        memcpy(sqlstate, state, 5);
    const char *rest = state + sizeof "28P01: " - 1;
    belay_str_appendf(to, "%.*s%.*s\n", (int)(state - line), line, (int)(line + length - rest), rest);
}

/* What libpq says of a value before it asks any server. */
static bool is_misconfigured(const char *text)
{
    return belay_starts_with(text, "invalid ") || belay_starts_with(text, "could not match ") ||
           belay_starts_with(text, "Unix-domain socket path ");
}

static bool fail_connect(belay_error *err, const char *sqlstate, const char *text, const char *target)
{
    if (sqlstate[0] == '\0' && is_misconfigured(text)) {
        fail_trimmed(err, BELAY_E_CONFIG, text);
        return belay_error_hint(err, "correct that key of the target; `belay targets %s` shows what holds",
            target == NULL ? "TARGET" : target);
    }
    for (size_t i = 0; i < BELAY_COUNT(connect_table); i++) {
        if (strstr(text, connect_table[i].text) == NULL)
            continue;
        fail_trimmed(err, connect_table[i].code, text);
        return connect_table[i].hint == NULL ? false : belay_error_hint(err, "%s", connect_table[i].hint);
    }
    for (size_t i = 0; i < BELAY_COUNT(refusal_table); i++) {
        if (!belay_starts_with(sqlstate, refusal_table[i].prefix))
            continue;
        fail_trimmed(err, refusal_table[i].code, text);
        return refusal_table[i].hint == NULL ? false : belay_error_hint(err, "%s", refusal_table[i].hint);
    }
    return fail_trimmed(err, BELAY_E_CONNECTION, text);
}

bool belay_pg_connect_error(PGconn *conn, const char *target, belay_error *err)
{
    if (err == NULL)
        return false;
    char sqlstate[6] = "";
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    for (const char *line = PQerrorMessage(conn); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        append_plain(&text, line, length, sqlstate);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    fail_connect(err, sqlstate, belay_str_text(&text), target);
    memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
    return false;
}

bool belay_pg_lost_error(PGconn *conn, belay_error *err)
{
    if (err == NULL)
        return false;
    /* libpq adds two lines of what this probably means, which is the hint's. */
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    const char *text = PQerrorMessage(conn);
    belay_list_split(&lines, text == NULL ? "" : text, "\n");
    return fail_trimmed(err, BELAY_E_CONNECTION_LOST,
        lines.count == 0 ? "the connection to the server was lost" : lines.items[0]);
}

size_t belay_pg_byte_of_position(const char *sql, int position)
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
    size_t at = belay_pg_byte_of_position(sql, position);
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
    if (code == BELAY_E_NO_SPACE)
        belay_error_hint(err, "%s", server_space_hint);
    else if (hint != NULL)
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

bool belay_pg_is_missing_name(const belay_error *err)
{
    static const char *const states[] = {"42P01", "42703", "3F000", "42883", "42704"};
    for (size_t i = 0; i < BELAY_COUNT(states); i++) {
        if (belay_equal(err->sqlstate, states[i]))
            return true;
    }
    return false;
}
