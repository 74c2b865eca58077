/* Scratch databases: the copies that prove and rehearse restore into.
 *
 * They are dropped on every way out; only a killed process leaves one behind. The next one, and `belay
 * recover`, begins by dropping those of the same database whose run has no session left on the server: a
 * living prove or rehearsal holds a connection to the maintenance database as long as its copy exists.
 * Blocking.
 */
#ifndef BELAY_RESTORE_SCRATCH_H
#define BELAY_RESTORE_SCRATCH_H

#include "pg/pg.h"
#include "report/reporter.h"
#include "restore/restore.h"

/* `dbname`: the public name of the target's database. Each drop is told as a notice; a copy that this role
 * may not drop is warned about. False only when the server could not be asked. */
bool belay_scratch_sweep(
    belay_pg *maintenance, const char *dbname, belay_reporter *reporter, belay_error *err);
/* Drops how->dbname, even when a stop was requested, so that it does not stay behind. */
bool belay_scratch_drop(const belay_restore_options *how, belay_error *err);

#endif
