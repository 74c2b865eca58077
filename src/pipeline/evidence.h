/* What is known about the database right before migrating, and what became of it: was anything committed that
 * the engine does not know of?
 *
 * A rolled back transaction may have written through another session that committed by itself: dblink,
 * postgres_fdw, an untrusted language, COPY ... PROGRAM, a background worker. Read before, kept in the
 * journal's "migrate" intent, judged after every session of the database was ended:
 *
 *   - the server's next transaction number, system identifier and timeline: when all numbers that were given
 *     away since are aborted, nothing was committed on the whole server;
 *   - the sessions that the statistics counted, against those that belay opened itself (PostgreSQL 15 and
 *     later, where the count is complete once the sessions are gone; unknown in a recovery, after a reset of
 *     the statistics, and without a gate);
 *   - the ways out that exist: libraries and languages in the database, words in the migrations, the role's
 *     right to run programs;
 *   - the state of the catalogues (pg/catalog_state.h).
 *
 * One thread; blocking.
 */
#ifndef BELAY_PIPELINE_EVIDENCE_H
#define BELAY_PIPELINE_EVIDENCE_H

#include "pipeline/run.h"

/* Fills run->evidence. The version table and the ledger must exist already. */
bool belay_evidence_read(belay_run *run, belay_error *err);

/* All transactions since are known to be aborted, on the whole server. False also when it is not known. */
bool belay_evidence_all_aborted(belay_run *run);
/* Why something may have been committed that the engine does not know of, as a person reads it; NULL when
 * that is ruled out, and *ret_ground says why. The caller frees. */
char *belay_evidence_suspicion(belay_run *run, const char **ret_ground);
/* Catalogues that differ, or why that is not known; NULL when none does. `pg`: PINNED, to the database. */
char *belay_evidence_catalogs(belay_run *run, belay_pg *pg);
/* Size of the database in bytes; -1 unknown. */
int64_t belay_evidence_size(belay_run *run);

#endif
