/* Assess: was anything committed?
 *
 *   the engine's word     and then                                                          verdict
 *   nothing committed  -> nothing else can have written (pipeline/evidence.h)            -> none
 *                      -> something may have                                             -> prove
 *   committed, unknown                                                                   -> prove
 *   prove: every transaction since is aborted; or the version rows, the catalogues, all rows and large
 * objects equal those of the twin or the snapshot -> none, else committed
 *
 * A proof is not tried where restoring is quicker: a twin is at hand and the database is large. Sequences
 * may have moved on (nextval is not undone by a rollback), never back. Without a gate others write too: an
 * equal database still proves, a different one counts as committed.
 */
#ifndef BELAY_PIPELINE_ASSESS_H
#define BELAY_PIPELINE_ASSESS_H

#include "pipeline/run.h"

/* `effect`: what the engine, or the journal and the version rows, say. The run's own sessions have ended.
 * When the verdict is NONE, run->known_by says how that is known. Records "assess". Blocking. */
belay_effect belay_assess(belay_run *run, belay_effect effect);

#endif
