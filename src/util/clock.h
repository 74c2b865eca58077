/* Time: a monotonic clock for durations, UTC for names and records. Thread-safe. */
#ifndef BELAY_UTIL_CLOCK_H
#define BELAY_UTIL_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

int64_t belay_now_ms(void); /* monotonic; only differences mean something */
time_t belay_now_utc(void); /* seconds since the epoch */

enum { BELAY_UTC_SIZE = 32, BELAY_RUN_ID_SIZE = 32 };
/* "2025-11-04T12:34:00Z" */
void belay_format_utc(time_t when, char buffer[static BELAY_UTC_SIZE]);
/* "20251104T123400Z-3f2a9c": UTC time and six random hex digits. Used for runs and snapshots. */
void belay_new_run_id(char buffer[static BELAY_RUN_ID_SIZE]);
/* When a run or snapshot was begun, from its id, of which `length` characters count; false when it is no id
 * of belay's. */
bool belay_id_time(const char *id, size_t length, time_t *ret);
/* A random number below `bound` (> 0), for jitter and names. */
uint32_t belay_random_below(uint32_t bound);
/* Fills with random bytes of the kernel. */
void belay_random_bytes(void *buffer, size_t size_bytes);
/* Sleeps; returns early when a stop was requested (util/stop.h). */
void belay_sleep_ms(int64_t duration_ms);

#endif
