/* Makes what stands in the schema section before the rows: types, tables, functions and the rest.
 *
 *   what stands before the first table -> [tables, several workers] -> everything else, in the snapshot's
 * order
 *
 * Tables, their sequences, defaults and comments that depend on each other in any way are one group, which
 * one worker makes in the snapshot's order; groups share nothing, so that workers do not wait for each other.
 * An entry that fails there is made later with the rest, where its failure counts: a group rests on the
 * dependencies that pg_dump writes, and those leave out what only a text names.
 */
#ifndef BELAY_RESTORE_PRE_DATA_H
#define BELAY_RESTORE_PRE_DATA_H

#include "restore/restore.h"
#include "restore/toc.h"

/* `pg`: to the database, of profile DATA, without a transaction. Blocks; ends on a stop request. No thread
 * and no other session is left when it returns. */
bool belay_pre_data_make(
    const belay_restore_options *options, const belay_toc *toc, belay_pg *pg, belay_error *err);

#endif
