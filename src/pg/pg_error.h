/* libpq's errors as belay_error: code from SQLSTATE, the server's own detail and hint, caret under the
 * position. Internal to src/pg. Each returns false. */
#ifndef BELAY_PG_PG_ERROR_H
#define BELAY_PG_PG_ERROR_H

#include <libpq-fe.h>

#include "util/error.h"

/* Of a connection that could not be made. Its verbosity has to be PQERRORS_VERBOSE, since libpq 15 gives the
 * SQLSTATE of that nowhere but in the text. `target`: whose it is, for hints; NULL: of none. */
bool belay_pg_connect_error(PGconn *conn, const char *target, belay_error *err);
bool belay_pg_lost_error(PGconn *conn, belay_error *err);
bool belay_pg_result_error(PGconn *conn, const PGresult *result, belay_error *err);
/* Puts the line of the statement around the 1-based character position with a caret below into err->detail
 * (before what is there), and the statement, cut, into err->statement. */
void belay_pg_mark_statement(belay_error *err, const char *sql, int position);
/* The byte offset of that position; 0 for position 0. */
size_t belay_pg_byte_of_position(const char *sql, int position);

#endif
