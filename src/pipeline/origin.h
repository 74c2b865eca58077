/* Where a snapshot that is to be restored comes from: one of another server that nobody signed is somebody
 * else's code, which a restore would run. */
#ifndef BELAY_PIPELINE_ORIGIN_H
#define BELAY_PIPELINE_ORIGIN_H

#include "pipeline/run.h"

/* Was run->snapshot taken on another server than the target's (or is that not known), while the target wants
 * no signature? Says so, as a warning. Reads the snapshot's header; blocking. */
bool belay_origin_is_foreign(const belay_run *run);

#endif
