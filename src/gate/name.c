#include <stdio.h>

#include "gate/gate.h"
#include "gate/gate_internal.h"
#include "util/hash.h"

enum { HASH_DIGITS = 8 };

/* The random part of "20251104T123400Z-3f2a9c". */
static const char *random_part(const char *run_id)
{
    const char *dash = strrchr(run_id, '-');
    return dash == NULL ? run_id : dash + 1;
}

/* The longest front of `text` of at most `max` bytes that ends with a whole UTF-8 character. */
static size_t whole_characters(const char *text, size_t max)
{
    size_t length = strlen(text);
    if (length <= max)
        return length;
    size_t end = max;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

void belay_gate_name(
    const char *dbname, const char *kind, const char *run_id, char ret[static BELAY_DBNAME_SIZE])
{
    char suffix[BELAY_DBNAME_SIZE / 2];
    bool plain = kind == NULL || *kind == '\0';
    snprintf(suffix, sizeof suffix, BELAY_NAME_MARK "%s%s%s", plain ? "" : kind, plain ? "" : "_",
        random_part(run_id));
    size_t room = BELAY_DBNAME_SIZE - 1 - strlen(suffix);
    if (strlen(dbname) <= room) {
        snprintf(ret, BELAY_DBNAME_SIZE, "%s%s", dbname, suffix);
        return;
    }
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of(dbname, strlen(dbname), hex);
    int front = (int)whole_characters(dbname, room - HASH_DIGITS - 1);
    snprintf(ret, BELAY_DBNAME_SIZE, "%.*s_%.*s%s", front, dbname, HASH_DIGITS, hex, suffix);
}

bool belay_gate_is_own_name(const char *name)
{
    return strstr(name, BELAY_NAME_MARK) != NULL;
}
