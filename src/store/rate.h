/* A limit to what goes to and from a store: a store in front of another, which makes its users wait.
 *
 *     store = belay_rate_store(store, 50 << 20, NULL)     owns the other one from now on
 *
 * All sinks made by create(), and all sources, share one limit; sinks for appending (journals) are small, and
 * are let through. Each caller waits in its own thread, and as long as it was told when it asked: many
 * readers of one source share the rate, in pieces of a fraction of a second each. A stop request
 * (util/stop.h) ends a wait with BELAY_E_CANCELLED. Thread-safe as the store behind it.
 */
#ifndef BELAY_STORE_RATE_H
#define BELAY_STORE_RATE_H

#include "store/store.h"

/* How the limit reads the time and waits; tests give their own. */
typedef struct belay_rate_clock {
    int64_t (*now_ms)(void *context);
    bool (*wait)(void *context, int64_t duration_ms); /* true: stopped */
    void *context;
} belay_rate_clock;

/* `bytes_per_s` above 0. `clock` NULL: the monotonic one, and belay_stop_wait. The caller frees the store
 * that is returned, which frees `behind`. */
belay_store *belay_rate_store(belay_store *behind, uint64_t bytes_per_s, const belay_rate_clock *clock);

#endif
