/* Which snapshot `restore --revision REV` takes: the newest verified one at that revision, or else the one
 * whose revisions come nearest below it, with the migrations from there up to it.
 */
#ifndef BELAY_RESTORE_CHOOSE_H
#define BELAY_RESTORE_CHOOSE_H

#include "revision/revision.h"
#include "snapshot/snapshot.h"

typedef struct belay_choice {
    belay_snapshot_info info;
    bool exact;             /* the snapshot is at the revision: the plan is empty */
    belay_plan plan;        /* upgrades from the snapshot's revisions to the wanted one */
    belay_list passed_over; /* ids of newer snapshots that cannot be read: one of them may have been nearer */
} belay_choice;
void belay_choice_done(belay_choice *choice);
static inline void belay_choice_done_p(belay_choice *choice)
{
    belay_choice_done(choice);
}

/* `heads` are the database's version rows, for relative identifiers; may be NULL. `revision` follows the
 * grammar of revision/revision.h and may be "base". BELAY_E_NOT_FOUND when no snapshot is at or below it. */
bool belay_choose_snapshot(belay_store *store, const char *target, const belay_graph *graph,
    const belay_list *heads, const char *revision, belay_choice *ret, belay_error *err);

#endif
