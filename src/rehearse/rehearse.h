/* A rehearsal: the pending migrations run on a restored copy, as a deploy would run them, and back again.
 *
 *   snapshot -> (private server) -> restore -> compare -> mark proven -> migrate -> verify -> downgrade
 *     -> schema compared with the one before -> upgrade again -> drop -> record (rehearse/record.h)
 *
 * The copy is a scratch database on the target's server, or, with `cluster` or when the role may not create
 * databases there, a database on a private server of the same major version on this machine. The target is
 * only read, and only when a fresh snapshot is taken. Everything is dropped on every way out, Ctrl-C
 * included. Blocking.
 */
#ifndef BELAY_REHEARSE_REHEARSE_H
#define BELAY_REHEARSE_REHEARSE_H

#include <jansson.h>

#include "config/target.h"
#include "pg/pg.h"
#include "report/recorder.h"
#include "report/reporter.h"
#include "store/store.h"

typedef struct belay_rehearse_options {
    belay_dialer *dialer;
    const belay_target *target;
    belay_store *store;
    const char *run_id;
    const char *to;    /* NULL: "head" */
    bool fresh;        /* take a snapshot now, even when there is one */
    bool create_roles; /* that the server of the copy lacks; on a private one always */
    bool cluster;      /* a private server, even when the role may create databases */
    belay_recorder *recorder;
    belay_reporter *reporter;
} belay_rehearse_options;

typedef struct belay_rehearse_stage {
    const char *name;
    const char *outcome; /* "ok", "failed", "skipped" */
    double seconds;
} belay_rehearse_stage;

enum { BELAY_REHEARSE_STAGES_MAX = 16 };

typedef struct belay_rehearsal {
    char *snapshot_id; /* NULL when none was found or taken */
    belay_list from, to;
    size_t steps;       /* pending revisions that ran */
    size_t downgraded;  /* of them, those that were downgraded and upgraded again */
    char *irreversible; /* the revision at which the downgrade stopped, NULL: none */
    bool schema_compared;
    bool schema_equal; /* the schema after the downgrade equals the one before */
    char *schema_difference;
    bool private_server;
    char *record; /* its name in the store (rehearse/record.h), NULL: nothing was pending, or it failed */
    belay_list warnings;
    belay_rehearse_stage stages[BELAY_REHEARSE_STAGES_MAX];
    size_t stage_count;
} belay_rehearsal;
void belay_rehearsal_done(belay_rehearsal *rehearsal);
static inline void belay_rehearsal_done_p(belay_rehearsal *rehearsal)
{
    belay_rehearsal_done(rehearsal);
}

/* [{"name", "outcome", "seconds"}] of the stages so far; a new reference. */
json_t *belay_rehearsal_stages(const belay_rehearsal *rehearsal);

/* False when a stage failed; *ret tells how far it came either way. */
bool belay_rehearse(const belay_rehearse_options *options, belay_rehearsal *ret, belay_error *err);

#endif
