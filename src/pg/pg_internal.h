/* What the files of src/pg share and nobody else sees: the connection's inside. */
#ifndef BELAY_PG_PG_INTERNAL_H
#define BELAY_PG_PG_INTERNAL_H

#include <libpq-fe.h>

#include "pg/pg.h"

struct belay_pg {
    PGconn *conn;
    belay_pg_profile profile; /* for opening it again */
    int connect_timeout_s;
    char *address;
    const char *target; /* the dialer's; may be NULL */
    char *copy_buffer;  /* the row handed out last, libpq's memory */
    int error_position; /* in the last failed statement: 1-based, in characters; 0: none */
    int64_t cancel_deadline_ms;
    const atomic_bool *given_up; /* NULL, or of the owner: true counts as a stop request */
    belay_notice_function *on_notice;
    void *notice_context;
};

/* PQconnectStartParams. */
PGconn *belay_conninfo_begin(const belay_conninfo *info);

/* Where a statement turned out to be a COPY with the client and nobody expected one: refuses to send rows,
 * throws away those that come. The results that follow are read as usual. Blocks. */
void belay_pg_leave_copy(belay_pg *pg, ExecStatusType status);

/* Waits up to a second for input and reads it; sends the cancel request once when a stop was requested. */
bool belay_pg_wait_readable(belay_pg *pg, bool *cancelled, belay_error *err);

#endif
