/* Bytes in, lines out: what a command writes, as it comes, given to a function line by line. One thread.
 *
 *     belay_line_feed feed = {.on_line = on_line, .context = &story};
 *     belay_line_feed_add(&feed, bytes, count);  as often as something comes
 *     belay_line_feed_end(&feed);                gives the last line, which may lack its newline; frees
 */
#ifndef BELAY_UTIL_LINE_FEED_H
#define BELAY_UTIL_LINE_FEED_H

#include <stdbool.h>

#include "util/str.h"

/* Called with each complete line (without newline) of a command's stdout or stderr. */
typedef void belay_line_function(void *context, bool is_stderr, const char *line);

enum { BELAY_LINE_MAX_BYTES = 64 * 1024 }; /* a longer line is given in pieces */

typedef struct belay_line_feed {
    belay_line_function *on_line; /* NULL: nobody listens */
    void *context;
    bool is_stderr;
    belay_str line; /* what came behind the last newline */
} belay_line_feed;

void belay_line_feed_add(belay_line_feed *feed, const char *bytes, size_t count);
void belay_line_feed_end(belay_line_feed *feed);

#endif
