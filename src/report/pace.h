/* Figures of a progress: how fast, how much of it, how long still.
 *
 *     belay_pace pace = {0};
 *     if (belay_pace_due(&pace, progress, belay_now_ms(), 200))
 *         belay_pace_read(&pace, progress, &figures);
 *
 * The rate follows what happened lately, so that the time left is right again soon after a slow table or a
 * wait. A pace belongs to one reporter and its thread.
 */
#ifndef BELAY_REPORT_PACE_H
#define BELAY_REPORT_PACE_H

#include "report/reporter.h"

typedef struct belay_pace {
    const char *what; /* borrowed, compared by its text */
    int64_t shown_at_ms;
    uint64_t bytes; /* at the last reading */
    int64_t elapsed_ms;
    double rate_bytes_per_s;
    bool begun;
} belay_pace;

typedef struct belay_figures {
    double rate_bytes_per_s; /* 0: unknown */
    double share;            /* 0 to 1; below 0: unknown */
    double seconds_left;     /* below 0: unknown */
} belay_figures;

/* Is it time to show it? The end is always due; what is over at once needs no showing before. */
bool belay_pace_due(belay_pace *pace, const belay_progress *progress, int64_t now_ms, int64_t interval_ms);
void belay_pace_read(belay_pace *pace, const belay_progress *progress, belay_figures *ret);

#endif
