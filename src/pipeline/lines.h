/* The lines of an object in a store, whatever its size: one piece of it is in memory at a time.
 *
 * A line is passed without its newline, and may be cut by the end of the object. Lines of more than
 * `max_bytes` are passed over. The visitor sets *stop when it has seen enough; it returns false for an error.
 * Blocking.
 */
#ifndef BELAY_PIPELINE_LINES_H
#define BELAY_PIPELINE_LINES_H

#include "store/store.h"

typedef bool belay_line_visitor(void *context, belay_span line, bool *stop, belay_error *err);

bool belay_lines_forwards(
    belay_source *source, size_t max_bytes, belay_line_visitor *visit, void *context, belay_error *err);
/* From the last line to the first. */
bool belay_lines_backwards(
    belay_source *source, size_t max_bytes, belay_line_visitor *visit, void *context, belay_error *err);

#endif
