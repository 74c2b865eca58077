/* Lines from several threads, told by one: what a crew's commands write, in the caller's thread.
 *
 *     belay_relay *relay = belay_relay_new(tell, context);
 *     worker:     belay_relay_line(relay, number, is_stderr, line)
 *     the caller: belay_relay_flush(relay)        in the crew's tick, and once at the end
 *
 * The lines of one worker keep their order. A worker waits while many lines are untold, which bounds memory;
 * where the caller's thread is the worker (a crew that gets no threads), they are told at once.
 */
#ifndef BELAY_UTIL_RELAY_H
#define BELAY_UTIL_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "util/mem.h"

/* `number` is the worker's, as it gave it. */
typedef void belay_relay_function(void *context, size_t number, bool is_stderr, const char *line);

typedef struct belay_relay belay_relay;
belay_relay *belay_relay_new(belay_relay_function *tell, void *context);
void belay_relay_free(belay_relay *relay); /* lines that were not told are lost */
BELAY_DEFINE_AUTO(belay_relay, belay_relay_free)

void belay_relay_line(belay_relay *relay, size_t number, bool is_stderr, const char *line);
/* In the thread that made it. */
void belay_relay_flush(belay_relay *relay);

#endif
