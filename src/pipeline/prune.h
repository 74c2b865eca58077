/* Prune: what of a target's snapshots and kept databases may go.
 *
 *     belay_prune_plan(how, &plan, err) --a person or --yes agrees--> belay_prune_carry_out(how, &plan, err)
 *
 * Snapshots: all that no rule keeps (pipeline/retention.h), but never the newest proven one, nor those that
 * an unfinished run names in its journal. With a snapshot goes what belongs to it, its proof and its
 * signature. Files: `*.part` of snapshots, proofs, signatures and reports that nobody has written to for ten
 * minutes, and proofs and signatures without their snapshot. Application logs that runs kept, of at least
 * keep_databases_for, of no unfinished run. Databases (on request): those that restores kept
 * (`__belay_failed_`) and scratch copies that were left, of at least `databases_age_ms`, of no unfinished
 * run. Never: files whose names are not belay's, snapshots that cannot be read, databases whose age is
 * unknown.
 *
 * Carrying out takes the target's lock, plans afresh under it, and removes only what both plans name.
 * Blocking.
 */
#ifndef BELAY_PIPELINE_PRUNE_H
#define BELAY_PIPELINE_PRUNE_H

#include "config/target.h"
#include "pipeline/retention.h"
#include "report/reporter.h"
#include "store/store.h"

typedef struct belay_prune_options {
    const belay_target *target;
    belay_dialer *dialer;
    belay_store *store;
    belay_reporter *reporter;
    belay_retention retention;
    bool databases;
    int64_t databases_age_ms; /* the least of those that go */
} belay_prune_options;

typedef struct belay_prune_item {
    const char *kind; /* "snapshot", "part", "log", "database" */
    char *name;       /* in the store, or of the database */
    uint64_t bytes;   /* 0: unknown */
    char *why;
    bool removed;
} belay_prune_item;

typedef struct belay_prune_snapshot {
    char *id;
    char *created_at; /* "" when it cannot be read */
    belay_list rules; /* why it stays; none: it goes */
} belay_prune_snapshot;

typedef struct belay_prune {
    belay_prune_item *items;
    size_t count;
    belay_prune_snapshot *snapshots; /* all, newest first */
    size_t snapshot_count;
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
