/* What two resolutions of a target differ in. Any thread. */
#ifndef BELAY_CONFIG_DIFFERENCE_H
#define BELAY_CONFIG_DIFFERENCE_H

#include "config/target.h"

/* The name of the first key that has another value, secrets too; NULL: none has. The caller frees. */
char *belay_target_difference(const belay_target *a, const belay_target *b);

#endif
