/* What a restore would lose when the gate was left open (gate = none), or opened again before the health
 * check failed: per table, rows inserted, updated and deleted since, from the cumulative statistics. "At
 * least": statistics lag, and with gate = none count the run's own rows too; "unknown" after a statistics
 * reset (manual, 28.2). */
#ifndef BELAY_PIPELINE_LOSS_H
#define BELAY_PIPELINE_LOSS_H

#include "pipeline/run.h"

/* Reads the counters of the target's database as JSON. */
bool belay_loss_read(belay_run *run, json_t **ret, belay_error *err);
/* Says the loss, then asks: accept_loss of the target or of the call, or a person's yes; else BELAY_E_POLICY.
 */
bool belay_loss_accept(belay_run *run, belay_error *err);

#endif
