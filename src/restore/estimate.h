/* How long a restore will take: what its own proof took; else at the rate of the target's newest proofs; else
 * guessed from the time that the snapshot took; never less than the store's limit allows. A guess is meant to
 * be right within a factor of two on the same server, while nothing else is at work. Any thread; blocking
 * (reads the store).
 */
#ifndef BELAY_RESTORE_ESTIMATE_H
#define BELAY_RESTORE_ESTIMATE_H

#include "snapshot/snapshot.h"

typedef enum belay_estimate_basis {
    BELAY_BY_OWN_PROOF,
    BELAY_BY_OTHER_PROOFS, /* of the same target */
    BELAY_BY_SNAPSHOT,
    BELAY_BY_RATE /* of the store */
} belay_estimate_basis;

typedef struct belay_estimate {
    double seconds;
    belay_estimate_basis basis;
    char *from; /* the id of the newest proven snapshot behind it; NULL: none */
} belay_estimate;

bool belay_estimate_restore(
    belay_store *store, const belay_snapshot_info *info, belay_estimate *ret, belay_error *err);
void belay_estimate_done(belay_estimate *estimate);
static inline void belay_estimate_done_p(belay_estimate *estimate)
{
    belay_estimate_done(estimate);
}
/* "about 3 min, the time that its proof took"; the caller frees. */
char *belay_estimate_text(const belay_estimate *estimate);
/* "own_proof", "other_proofs", "snapshot", "rate" */
const char *belay_estimate_basis_name(belay_estimate_basis basis);

#endif
