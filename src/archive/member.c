/* Names of members: encoding of components, and what a reader accepts. */
#include "archive/member.h"

#include <ctype.h>

#include "archive/archive.h"
#include "util/str.h"

char *belay_member_encode(const char *component)
{
    belay_str encoded = BELAY_STR_INIT;
    for (const char *at = component; *at != '\0'; at++) {
        bool plain = isalnum((unsigned char)*at) || *at == '_' || *at == '-';
        if (plain && (unsigned char)*at < 0x80)
            belay_str_append_char(&encoded, *at);
        else
            belay_str_appendf(&encoded, "%%%02X", (unsigned char)*at);
    }
    return belay_str_steal(&encoded);
}

static const char *const whole_names[] = {"README.txt", "header.json", "toc.json", "sequences.json",
    "blobs.json", "restore.sh", "schema/pre-data.sql.zst", "schema/post-data.sql.zst",
    BELAY_MEMBER_DESCRIPTION};

/* [A-Za-z0-9_.%-]+ and not only dots: nothing that a shell, a path or tar reads otherwise. */
static bool is_component(const char *text, size_t length)
{
    bool letter = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || !(isalnum(c) || strchr("_.%-", c) != NULL))
            return false;
        letter = letter || c != '.';
    }
    return letter && text[0] != '-';
}

bool belay_member_name_ok(const char *name)
{
    for (size_t i = 0; i < BELAY_COUNT(whole_names); i++) {
        if (belay_equal(name, whole_names[i]))
            return true;
    }
    if (!belay_starts_with(name, "data/") && !belay_starts_with(name, "blobs/"))
        return false;
    for (const char *at = name;;) {
        size_t length = strcspn(at, "/");
        if (!is_component(at, length))
            return false;
        if (at[length] == '\0')
            return belay_ends_with(name, ".zst");
        at += length + 1;
    }
}
