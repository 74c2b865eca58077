/* Which member names a reader accepts; internal to src/archive. */
#ifndef BELAY_ARCHIVE_MEMBER_H
#define BELAY_ARCHIVE_MEMBER_H

#include <stdbool.h>

/* One of the fixed names, or below data/ or blobs/ with components of plain characters: never "..", never
 * absolute. */
bool belay_member_name_ok(const char *name);

#endif
