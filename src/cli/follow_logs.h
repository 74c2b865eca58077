/* `belay logs`: the lines of several log files at once, in the caller's thread.
 *
 * Each file has a thread. One whose connection is lost is connected to again, with pauses that double up to
 * 30 s, for as long as it takes, and goes on where it was. Any fault of the first connection, and every other
 * fault, ends that file; the others go on.
 */
#ifndef BELAY_CLI_FOLLOW_LOGS_H
#define BELAY_CLI_FOLLOW_LOGS_H

#include "config/target.h"
#include "util/error.h"
#include "util/relay.h"

typedef struct belay_follow_logs {
    const belay_target *target; /* its logs; the number that a line comes with counts them */
    int lines;                  /* to begin with */
    bool follow;
    /* stderr: what `tail` said, and belay of the connection. False: nobody reads any more, it ends. */
    bool (*tell)(void *context, size_t number, bool is_stderr, const char *line);
    void *context;
} belay_follow_logs;

/* True after a stop request, when it followed, and once all was told, when it did not. The error is that of
 * the first file that failed. */
bool belay_follow_logs_run(const belay_follow_logs *how, belay_error *err);

#endif
