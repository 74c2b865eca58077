/* What a rehearsal that went well leaves in the store, and whether one stands for what a deploy is about to
 * do.
 *
 * A record is <target>/rehearsals/<sha256>.json; its name is the SHA-256 of what was rehearsed: the version
 * rows of the start, and each step's revision, direction and hash of its upgrade section. Rehearsing the same
 * again replaces it. A record is:
 * {"format", "target", "run", "rehearsed_at", "snapshot", "from", "to", "steps": [{"revision", "direction",
 * "upgrade_sha256"}], "schema_sha256" (before the migrations), "server_version", "private_server",
 * "downgraded", "irreversible", "schema_equal", "seconds", "stages": [{"name", "outcome", "seconds"}]}
 *
 * A rehearsal stands for a plan when start, steps, hashes, the schema of the start and the server's major
 * version are the same. One that went further does not: it verified its end, not the place where the deploy
 * would stop. Blocking; one thread.
 */
#ifndef BELAY_REHEARSE_RECORD_H
#define BELAY_REHEARSE_RECORD_H

#include <jansson.h>

#include "pg/pg.h"
#include "revision/revision.h"
#include "store/store.h"

/* The steps as a record holds them, read from the files as they are now; a new reference. */
bool belay_rehearsal_steps(const belay_plan *plan, json_t **ret, belay_error *err);
/* Writes a record (with "from" and "steps") for the target: durable, replaced as a whole. *ret_name (may be
 * NULL): its name in the store; the caller frees. */
bool belay_rehearsal_write(
    belay_store *store, const char *target, const json_t *record, char **ret_name, belay_error *err);

typedef struct belay_rehearsal_answer {
    bool stands;   /* there is one, and it stands for the plan */
    char *message; /* which one, or what is different */
    char *hint;    /* NULL when it stands */
} belay_rehearsal_answer;
void belay_rehearsal_answer_done(belay_rehearsal_answer *answer);
static inline void belay_rehearsal_answer_done_p(belay_rehearsal_answer *answer)
{
    belay_rehearsal_answer_done(answer);
}
/* Looks for a rehearsal of `plan` on the target; `pg` is a connection to its database. False only when it
 * could not be found out. */
bool belay_rehearsal_ask(belay_store *store, const char *target, const belay_plan *plan, belay_pg *pg,
    belay_rehearsal_answer *ret, belay_error *err);

#endif
