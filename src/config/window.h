/* Maintenance windows: "Sun 02:00-05:00 Europe/Berlin, Mon-Fri 23:00-01:30".
 *
 * Several are separated by commas. Days: one, a range, or none for every day; a window that ends before it
 * begins crosses midnight and belongs to the day on which it begins; 24:00 may end one. The zone is a name
 * that the server knows (UTC when absent): which weekday and minute it is there is asked of the server, since
 * only that has the rules. Thread-safe.
 */
#ifndef BELAY_CONFIG_WINDOW_H
#define BELAY_CONFIG_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum { BELAY_WINDOW_MAX = 32, BELAY_ZONE_SIZE = 64 };

typedef struct belay_window {
    unsigned days;  /* bit 0 is Sunday, as in PostgreSQL's extract(dow) */
    int start, end; /* minutes after midnight; end <= start: it ends on the next day */
    char zone[BELAY_ZONE_SIZE];
} belay_window;

typedef struct belay_windows {
    belay_window items[BELAY_WINDOW_MAX];
    size_t count;
} belay_windows;

/* BELAY_E_CONFIG says what is wrong with which window. */
bool belay_windows_parse(const char *text, belay_windows *ret, belay_error *err);
/* Is it open on weekday `day` (0 is Sunday) at `minute` of that day in the window's own zone? */
bool belay_window_contains(const belay_window *window, int day, int minute);

#endif
