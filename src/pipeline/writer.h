/* Who writes a journal: its records "begin" and "takeover" name the process, so that `recover` can tell
 * whether it is gone.
 *
 *   "host": "ci", "pid": 4711, "machine": "<boot id>/<pid namespace>", "started": 123456
 *
 * Linux; any thread.
 */
#ifndef BELAY_PIPELINE_WRITER_H
#define BELAY_PIPELINE_WRITER_H

#include <stdbool.h>

#include "util/json.h"

/* This process; new reference. */
json_t *belay_writer_json(void);
/* The process of such a record certainly runs no more: it was one of this machine, since it was started last,
 * and in this one's container. False where that cannot be known, as of another machine's. */
bool belay_writer_is_gone(const json_t *record);

#endif
