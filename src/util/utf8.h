/* UTF-8 as text comes: in pieces, which may end within a character. No overlong forms, no surrogates, nothing
 * above U+10FFFF. A zeroed state begins. One state, one thread.
 */
#ifndef BELAY_UTIL_UTF8_H
#define BELAY_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define BELAY_UTF8_HINT "save the file as UTF-8 (for example: iconv -f LATIN1 -t UTF-8)"

typedef struct belay_utf8 {
    int left;           /* continuation bytes that are still missing */
    unsigned low, high; /* bounds of the next one */
} belay_utf8;

/* The number of bytes before the first that is wrong; `length` when all fit. */
size_t belay_utf8_check(belay_utf8 *state, const char *bytes, size_t length);
/* Does no character lack its end? */
static inline bool belay_utf8_is_whole(const belay_utf8 *state)
{
    return state->left == 0;
}

#endif
