/* Ctrl-C and SIGTERM, without work in a signal handler.
 *
 *   running --first signal--> stop requested --second signal--> process ends at once (the journal covers it)
 *
 * The handler sets a flag and writes to a self-pipe. Loops that wait poll belay_stop_fd() beside what they
 * wait for, then go down the failure path. Clean-up that must not be interrupted runs inside
 * belay_stop_mask(true/false): the flag stays set, but belay_stop_requested() answers false there and
 * belay_stop_fd() is -1; such sections may hold others. SIGPIPE is ignored, SIGHUP counts as stop.
 */
#ifndef BELAY_UTIL_STOP_H
#define BELAY_UTIL_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

bool belay_stop_install(belay_error *err); /* once, from main */
bool belay_stop_requested(void);           /* any thread */
/* Readable once a stop was requested; -1, which poll ignores, when masked or not installed. */
int belay_stop_fd(void);
void belay_stop_mask(bool masked);
/* Waits; true when it ended early because a stop was requested. */
bool belay_stop_wait(int64_t duration_ms);
/* Fails with BELAY_E_CANCELLED when a stop was requested. */
bool belay_stop_check(belay_error *err);

#endif
