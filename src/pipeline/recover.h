/* `belay recover`: brings a run that died at any instruction to one of the promised states.
 *
 *   lock -> end every backend of the run -> where is its database (by OID)? -> settle
 *
 *   the swap was committed                              -> restored
 *   the migrate stage was never entered                 -> untouched
 *   all steps stand, the health check had failed        -> as on_unhealthy and what was agreed to say
 *   all steps stand and verify                          -> succeeded
 *   else assess (assess.h): nothing was committed       -> untouched
 *   anything else                                       -> by on_failure, as the run itself would have
 *
 * Before that it drops what else killed processes left on the server: databases on which a pre-flight tried
 * its rights, and scratch copies of rehearsals and proofs, which have no journal.
 */
#ifndef BELAY_PIPELINE_RECOVER_H
#define BELAY_PIPELINE_RECOVER_H

#include "pipeline/run.h"

/* Exit status: 0, or 5 when a person is needed still. Without an unfinished run: 0 and says so. */
int belay_recover(const belay_run_options *how, json_t **ret_json);

#endif
