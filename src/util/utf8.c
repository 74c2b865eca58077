#include "util/utf8.h"

#include <stdint.h>
#include <string.h>

static bool take(belay_utf8 *s, unsigned char c)
{
    if (s->left > 0) {
        if (c < s->low || c > s->high)
            return false;
        s->left--;
        s->low = 0x80;
        s->high = 0xBF;
        return true;
    }
    s->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (c >= 0xC2 && c <= 0xDF)
        s->left = 1;
    else if (c >= 0xE0 && c <= 0xEF)
        s->left = 2;
    else if (c >= 0xF0 && c <= 0xF4)
        s->left = 3;
    else
        return false;
    return true;
}

/* Most text is ASCII: eight bytes at once. May stop early. */
static size_t ascii_run(const char *bytes, size_t length)
{
    size_t run = 0;
    for (uint64_t word; run + sizeof word <= length; run += sizeof word) {
        memcpy(&word, bytes + run, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return run;
}

size_t belay_utf8_check(belay_utf8 *state, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (state->left == 0)
            i += ascii_run(bytes + i, length - i);
        if (i == length)
            break;
        unsigned char c = (unsigned char)bytes[i];
        if ((c >= 0x80 || state->left > 0) && !take(state, c))
            return i;
    }
    return length;
}
