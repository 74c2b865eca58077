/* The end of a restore: what the comparisons of its tables found, with the schema and the sequences, which
 * are read when all of it is there. Internal to src/restore; see restore/build.h. */
#ifndef BELAY_RESTORE_BUILD_VERDICT_H
#define BELAY_RESTORE_BUILD_VERDICT_H

#include "restore/build.h"
#include "restore/tasks.h"

/* False when it could not be compared; what differs goes into ret->differences. */
bool belay_build_verdict(
    const belay_build *build, const belay_tasks *tasks, belay_restore_result *ret, belay_error *err);

#endif
