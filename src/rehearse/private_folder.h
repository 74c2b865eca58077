/* The folder of a private server: belongs to one living process, which holds a lock on the file `owner` in
 * it.
 *
 * A killed process leaves its folder behind, with a copy of the target's data in it; the next one removes
 * those whose lock is free and whose owner is the user that it would make them for itself. Any thread; does
 * not block but for the removal.
 */
#ifndef BELAY_REHEARSE_PRIVATE_FOLDER_H
#define BELAY_REHEARSE_PRIVATE_FOLDER_H

#include <sys/types.h>

#include "report/reporter.h"
#include "util/error.h"

/* Makes $TMPDIR/belay-rehearse-XXXXXX for `user`. *ret_lock is to be closed after the folder's removal; the
 * caller frees *ret. */
bool belay_private_folder_make(uid_t user, gid_t group, char **ret, int *ret_lock, belay_error *err);
/* Removes what killed processes left, each told as a notice. Failures are none of this run's. */
void belay_private_folder_sweep(uid_t user, belay_reporter *reporter);

#endif
