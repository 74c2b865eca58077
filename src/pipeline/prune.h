/* Prune: what of a target's snapshots and kept databases may go.
 *
 *     belay_prune_plan(how, &plan, err) --a person or --yes agrees--> belay_prune_carry_out(how, &plan, err)
 *
 * Snapshots: all but the newest `keep`, the newest proven one, and those that an unfinished run names in its
 * journal. Files: `*.part` of snapshots, proofs and reports that nobody has written to for ten minutes.
 * Databases (on request): those that restores kept (`__belay_failed_`) and scratch copies that were left,
 * older than `days`, of no unfinished run. Never: files whose names are not belay's, snapshots that cannot be
 * read, databases whose age is unknown.
 *
 * Carrying out takes the target's lock, plans afresh under it, and removes only what both plans name.
 * Blocking.
 */
#ifndef BELAY_PIPELINE_PRUNE_H
#define BELAY_PIPELINE_PRUNE_H

#include "config/target.h"
#include "report/reporter.h"
#include "store/store.h"

typedef struct belay_prune_options {
    const belay_target *target;
    belay_dialer *dialer;
    belay_store *store;
    belay_reporter *reporter;
    size_t keep; /* newest snapshots, at least 1 */
    bool databases;
    long long days;
} belay_prune_options;

typedef struct belay_prune_item {
    const char *kind; /* "snapshot", "part", "database" */
    char *name;       /* in the store, or of the database */
    uint64_t bytes;   /* 0: unknown */
    char *why;
    bool removed;
} belay_prune_item;

typedef struct belay_prune {
    belay_prune_item *items;
    size_t count;
    size_t kept;  /* snapshots that stay */
    size_t young; /* databases that stay, since they are not old enough */
} belay_prune;
void belay_prune_done(belay_prune *prune);
static inline void belay_prune_done_p(belay_prune *prune)
{
    belay_prune_done(prune);
}

/* Changes nothing. A server is needed for databases only. */
bool belay_prune_plan(const belay_prune_options *how, belay_prune *ret, belay_error *err);
/* BELAY_E_LOCKED when a run is at work. Sets `removed` of what is gone, also when it fails halfway. */
bool belay_prune_carry_out(const belay_prune_options *how, belay_prune *plan, belay_error *err);

#endif
