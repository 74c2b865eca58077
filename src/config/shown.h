/* A target's keys as they may be shown: secrets and passwords in URLs are masked. */
#ifndef BELAY_CONFIG_SHOWN_H
#define BELAY_CONFIG_SHOWN_H

#include "config/target.h"
#include "util/json.h"

/* Every key with what holds for it (null: nothing), in the order of the table; what libpq is told beyond it
 * comes after, and store_url last. The caller owns the object. */
json_t *belay_target_keys(const belay_target *target);

#endif
