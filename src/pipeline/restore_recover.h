/* What becomes of a `restore` that died before its swap.
 *
 *   no new database yet, or recover --keep: untouched, what was half-made is dropped
 *   half-made: gone on with (restore/resume.h), or begun again -> compared -> stamped, verified -> swapped:
 * restored loaded and compared (the marks are gone, the journal knows): ----------------^ finished, only not
 * swapped: ------------------------------------------------------------------^
 *
 * The old database stays as it is until the swap. Where the snapshot or its migrations are not those of the
 * run any more, the new database is dropped, and that is said.
 */
#ifndef BELAY_PIPELINE_RESTORE_RECOVER_H
#define BELAY_PIPELINE_RESTORE_RECOVER_H

#include "pipeline/run.h"

/* What the begin record of a restore holds for this; `revision`: as it was asked for, or NULL. */
json_t *belay_restore_begin_details(const belay_run *run, const char *revision);
/* The run's sessions are ended, its gate is known, and no swap was committed. The outcome is in the run;
 * false when it cannot be decided now. */
bool belay_restore_recover(belay_run *run, const json_t *records, belay_error *err);
/* The run died after its swap, or after the new database got its name: settles what follows, and what comes
 * from the snapshot then. */
void belay_restore_recover_swapped(belay_run *run, const json_t *records);

/* The record that all was loaded into the run's new database, when nothing came after it: a new reference.
 * NULL: it was not, it was begun anew since, or it was compared. */
json_t *belay_restore_find_complete(const belay_run *run, const json_t *records);

#endif
