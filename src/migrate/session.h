/* The work session of a run, and what became of a COMMIT whose answer was lost. Internal to src/migrate. */
#ifndef BELAY_MIGRATE_SESSION_H
#define BELAY_MIGRATE_SESSION_H

#include "migrate/engine.h"

typedef struct belay_session {
    const belay_apply *how;
    belay_pg *pg;
    int pid;
    char *backend_start, *system_identifier, *timeline;
} belay_session;

/* Connects, and notes the backend in the journal ("session") so that recover can end it. */
bool belay_session_open(const belay_apply *how, belay_session *ret, belay_error *err);
void belay_session_done(belay_session *session);
static inline void belay_session_done_p(belay_session *session)
{
    belay_session_done(session);
}
/* Appends what makes the session as new, with the target's timeouts. */
void belay_session_reset_sql(const belay_session *session, belay_str *to);

typedef enum belay_commit_outcome {
    BELAY_COMMIT_UNKNOWN,
    BELAY_COMMIT_DONE,
    BELAY_COMMIT_ABORTED
} belay_commit_outcome;
/* Asks the server, for up to half a minute, what became of transaction `xid` of the lost session; reconnects
 * the session when it gets an answer. Signals do not interrupt it. `why` says what stands in the way of an
 * answer. */
belay_commit_outcome belay_session_ask_commit(belay_session *session, const char *xid, belay_error *why);

#endif
