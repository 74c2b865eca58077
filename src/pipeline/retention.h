/* Which of a target's snapshots the keys keep_last, keep_daily, keep_weekly, keep_monthly and keep_for keep.
 *
 * A snapshot that any rule keeps stays. keep_daily = N: the last snapshot of each of the N newest days that
 * have one; weeks (ISO) and months likewise, all in UTC. keep_for: all that are at most so much older than
 * the newest one, not than now, so that snapshots which stopped being taken do not vanish one by one.
 *
 * Nothing here fails; any thread.
 */
#ifndef BELAY_PIPELINE_RETENTION_H
#define BELAY_PIPELINE_RETENTION_H

#include <time.h>

#include "config/target.h"
#include "util/str.h"

typedef struct belay_retention {
    int last, daily, weekly, monthly;
    int64_t for_ms; /* 0: none */
} belay_retention;

belay_retention belay_retention_of(const belay_target *target);
/* `times`: when each snapshot was begun, newest first. Adds to ret_rules[i] what keeps that one, as
 * "keep_daily 2025-11-04"; nothing: no rule does. */
void belay_retention_apply(
    const belay_retention *retention, const time_t *times, size_t count, belay_list *ret_rules);

#endif
