#include "report/pace.h"

#include "util/str.h"

/* After that time half of the rate is what was measured since. */
static const double memory_seconds = 5;

bool belay_pace_due(belay_pace *pace, const belay_progress *progress, int64_t now_ms, int64_t interval_ms)
{
    if (!pace->begun || !belay_equal(pace->what, progress->what)) {
        *pace = (belay_pace){.what = progress->what, .shown_at_ms = now_ms, .begun = true};
        return progress->finished;
    }
    if (!progress->finished && now_ms - pace->shown_at_ms < interval_ms)
        return false;
    pace->shown_at_ms = now_ms;
    return true;
}

static void measure(belay_pace *pace, const belay_progress *progress)
{
    double seconds = (double)(progress->elapsed_ms - pace->elapsed_ms) / 1000;
    if (seconds <= 0 || progress->done_bytes < pace->bytes)
        return;
    double now = (double)(progress->done_bytes - pace->bytes) / seconds;
    double weight = pace->elapsed_ms == 0 ? 1 : seconds / (seconds + memory_seconds);
    pace->rate_bytes_per_s += (now - pace->rate_bytes_per_s) * weight;
    pace->bytes = progress->done_bytes;
    pace->elapsed_ms = progress->elapsed_ms;
}

void belay_pace_read(belay_pace *pace, const belay_progress *progress, belay_figures *ret)
{
    measure(pace, progress);
    *ret = (belay_figures){.rate_bytes_per_s = pace->rate_bytes_per_s, .share = -1, .seconds_left = -1};
    if (progress->finished && progress->elapsed_ms > 0)
        ret->rate_bytes_per_s = (double)progress->done_bytes / ((double)progress->elapsed_ms / 1000);
    if (progress->total_bytes == 0)
        return;
    double share = (double)progress->done_bytes / (double)progress->total_bytes;
    ret->share = share > 1 ? 1 : share;
    if (progress->done_bytes >= progress->total_bytes)
        ret->seconds_left = progress->finished ? 0 : -1; /* the total was an estimate */
    else if (ret->rate_bytes_per_s > 0)
        ret->seconds_left = (double)(progress->total_bytes - progress->done_bytes) / ret->rate_bytes_per_s;
}
