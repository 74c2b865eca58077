/* A connection to PostgreSQL; the one place that calls libpq.
 *
 *   open --exec/query*--> open --copy_out_begin--> copying out --copy_read until END--> open
 *                              --copy_in_begin---> copying in  --copy_end / copy_abort-> open
 *   any state --connection lost--> broken (every call fails with BELAY_E_CONNECTION_LOST) --reopen--> open
 *
 * One connection, one thread at a time. Every wait also polls the stop pipe (util/stop.h): on a stop request
 * the query is cancelled on the server and the call fails with BELAY_E_CANCELLED. Errors carry SQLSTATE, the
 * server's detail and hint. Rows come back as text; typed getters parse them. All SQL is sent in the client
 * encoding of the profile.
 */
#ifndef BELAY_PG_PG_H
#define BELAY_PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg/dialer.h"
#include "util/error.h"
#include "util/mem.h"
#include "util/str.h"

typedef struct belay_pg belay_pg;
typedef struct belay_rows belay_rows;

typedef enum belay_pg_profile {
    /* belay's own queries: search_path empty, UTF8, ISO dates, row_security off, no lock_timeout, fixed float
       and bytea formats. */
    BELAY_PG_PINNED,
    /* The user's SQL: UTF8 and no timeouts but lock_timeout; search_path and the rest as the role and the
       database have them, as in psql. */
    BELAY_PG_USER,
    /* COPY of data: as PINNED, but client_encoding is the database's own, so that bytes pass unconverted. */
    BELAY_PG_DATA
} belay_pg_profile;

/* The message, and the server's DETAIL and HINT below it as lines of their own. */
typedef void belay_notice_function(void *context, const char *severity, const char *message);

typedef struct belay_pg_options {
    const char *dbname;           /* NULL: the dialer's own */
    const char *application_name; /* "belay", or the run's id for work sessions */
    belay_pg_profile profile;
    int connect_timeout_s;            /* 0: 10 s */
    belay_notice_function *on_notice; /* NULL: dropped */
    void *notice_context;
} belay_pg_options;

/* Takes off the timeouts of statements and idle sessions, sets client_connection_check_interval = 2s, and TCP
 * keepalives where the dialer sets none: a server or network that is gone is noticed within a minute.
 * BELAY_E_POOLER when a connection pooler answers instead of the server, in any of its modes; no setting is
 * left behind in its sessions then. */
bool belay_pg_open(belay_dialer *dialer, const belay_pg_options *options, belay_pg **ret, belay_error *err);
/* After a loss: connects again in place, as it was opened; settings that were made since are gone. A failure
 * leaves it broken, and it can be tried again. */
bool belay_pg_reopen(belay_pg *pg, belay_error *err);
void belay_pg_close(belay_pg *pg);
BELAY_DEFINE_AUTO(belay_pg, belay_pg_close)

int belay_pg_server_version(const belay_pg *pg); /* as 150018 */
int belay_pg_backend_pid(const belay_pg *pg);
bool belay_pg_is_alive(belay_pg *pg); /* one round trip */
const char *belay_pg_dbname(const belay_pg *pg);
/* "host:port" or the socket's folder, as really reached. */
const char *belay_pg_address(const belay_pg *pg);
bool belay_pg_in_transaction(const belay_pg *pg);
/* standard_conforming_strings of the session as it stands now; no round trip. */
bool belay_pg_standard_strings(const belay_pg *pg);
/* From now on the flag, which others may set at any time, counts as a stop request on this connection. NULL:
 * none. */
void belay_pg_give_up_on(belay_pg *pg, const atomic_bool *given_up);
/* Cancels the command under way, if there is one, so that a close does not leave it running for a while.
 * Connects; blocks. */
void belay_pg_cancel(belay_pg *pg);
/* Replaces the notice function. */
void belay_pg_on_notice(belay_pg *pg, belay_notice_function *on_notice, void *context);

/* One or more statements without results of interest; the rows of a COPY TO STDOUT are thrown away (simple
 * protocol, so BEGIN; ...; COMMIT in one trip is possible). */
bool belay_pg_exec(belay_pg *pg, const char *sql, belay_error *err);
bool belay_pg_execf(belay_pg *pg, belay_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One statement with $1.. parameters (text; NULL is SQL NULL). ret may be NULL. */
bool belay_pg_query(belay_pg *pg, const char *sql, const char *const *params, size_t param_count,
    belay_rows **ret, belay_error *err);
/* belay_pg_queryp(pg, sql, &rows, err, "a", NULL, "b"): parameters as trailing arguments of type const char
 * *. */
#define belay_pg_queryp(pg, sql, ret, err, ...)                                                              \
    belay_pg_query((pg), (sql), (const char *const[]){__VA_ARGS__},                                          \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), (ret), (err))
#define belay_pg_query0(pg, sql, ret, err) belay_pg_query((pg), (sql), NULL, 0, (ret), (err))

/* First column of the first row; *ret is NULL (true returned) when there is no row or it is NULL. The caller
 * frees. */
bool belay_pg_value(belay_pg *pg, const char *sql, const char *const *params, size_t param_count, char **ret,
    belay_error *err);

/* Sends one piece of user SQL in the simple protocol and gives the result of its last statement;
 * `ret_tag` (may be NULL) is the command tag. The statement is put into err->statement, with a caret in
 * err->detail. */
bool belay_pg_run_user_sql(
    belay_pg *pg, const char *sql, char **ret_tag, belay_rows **ret_rows, belay_error *err);
/* Where in `sql`, the statement that failed last, the error stands: a byte offset, 0 when the server gave
 * none.
 */
size_t belay_pg_error_offset(const belay_pg *pg, const char *sql);

/* Did the server fail since it found no function, table, column, type or schema of that name? */
bool belay_pg_is_missing_name(const belay_error *err);

/* Rows */
void belay_rows_free(belay_rows *rows);
BELAY_DEFINE_AUTO(belay_rows, belay_rows_free)
size_t belay_rows_count(const belay_rows *rows);
size_t belay_rows_columns(const belay_rows *rows);
bool belay_rows_is_null(const belay_rows *rows, size_t row, size_t column);
const char *belay_rows_text(
    const belay_rows *rows, size_t row, size_t column); /* "" for NULL; valid until freed */
int64_t belay_rows_int(const belay_rows *rows, size_t row, size_t column); /* 0 for NULL */
bool belay_rows_bool(const belay_rows *rows, size_t row, size_t column);   /* false for NULL */
const char *belay_rows_column_name(const belay_rows *rows, size_t column);

/* COPY. `sql` is a COPY ... TO STDOUT or FROM STDIN; statements without rows may stand before it. */
typedef enum belay_copy_status { BELAY_COPY_ROW, BELAY_COPY_END, BELAY_COPY_ERROR } belay_copy_status;
bool belay_pg_copy_out_begin(belay_pg *pg, const char *sql, belay_error *err);
/* One row per call (libpq gives one CopyData message each). *ret_data stays valid until the next call. */
belay_copy_status belay_pg_copy_read(belay_pg *pg, const char **ret_data, size_t *ret_size, belay_error *err);
/* What stands before and behind the rows of the binary format (manual, COPY, "File Formats"): signature,
 * flags and the length of the header extension; a tuple count of -1. */
enum { BELAY_COPY_HEADER_BYTES = 19, BELAY_COPY_TRAILER_BYTES = 2 };
extern const char belay_copy_header[BELAY_COPY_HEADER_BYTES];
extern const char belay_copy_trailer[BELAY_COPY_TRAILER_BYTES];
/* Runs a COPY TO STDOUT and gives its rows one by one, in the binary format without header and trailer. When
 * on_row returns false (with err) the connection stays copying out. */
typedef bool belay_row_function(void *context, const void *row, size_t size_bytes, belay_error *err);
bool belay_pg_copy_rows(
    belay_pg *pg, const char *sql, bool binary, belay_row_function *on_row, void *context, belay_error *err);
bool belay_pg_copy_in_begin(belay_pg *pg, const char *sql, belay_error *err);
bool belay_pg_copy_write(belay_pg *pg, const void *data, size_t size_bytes, belay_error *err);
bool belay_pg_copy_end(belay_pg *pg, uint64_t *ret_rows, belay_error *err);
void belay_pg_copy_abort(belay_pg *pg, const char *reason);

/* Quoting; the caller frees. Need no connection: UTF-8 or ASCII-superset encodings only. */
char *belay_quote_ident(const char *name); /* always "quoted" */
char *belay_quote_qualified(const char *schema, const char *name);
char *belay_quote_literal(const char *text); /* '...' or E'...' */

#endif
