#include "pg/names.h"

#include "pg/pg.h"

bool belay_name_plain(const char *encoding)
{
    return belay_equal(encoding, "UTF8") || belay_equal(encoding, "SQL_ASCII");
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* Decodes one character of valid UTF-8 and moves on; a stray byte stands for itself. */
static unsigned next_character(const char **at)
{
    const unsigned char *c = (const unsigned char *)*at;
    int more = c[0] >= 0xf0 ? 3 : c[0] >= 0xe0 ? 2 : c[0] >= 0xc0 ? 1 : 0;
    unsigned value = more == 3 ? c[0] & 0x07u : more == 2 ? c[0] & 0x0fu : more == 1 ? c[0] & 0x1fu : c[0];
    int taken = 1;
    for (; taken <= more && (c[taken] & 0xc0) == 0x80; taken++)
        value = value << 6 | (c[taken] & 0x3fu);
    *at += taken;
    return value;
}

char *belay_name_ident(const char *name, bool plain)
{
    if (plain || is_ascii(name))
        return belay_quote_ident(name);
    belay_str quoted = BELAY_STR_INIT;
    belay_str_append(&quoted, "U&\"");
    for (const char *at = name; *at != '\0';) {
        unsigned character = next_character(&at);
        if (character >= 0x80)
            belay_str_appendf(&quoted, "\\+%06x", character);
        else if (character == '"' || character == '\\')
            belay_str_appendf(&quoted, "%c%c", (char)character, (char)character);
        else
            belay_str_append_char(&quoted, (char)character);
    }
    belay_str_append_char(&quoted, '"');
    return belay_str_steal(&quoted);
}

char *belay_name_qualified(const char *schema, const char *name, bool plain)
{
    BELAY_AUTO(belay_free) char *left = belay_name_ident(schema, plain);
    BELAY_AUTO(belay_free) char *right = belay_name_ident(name, plain);
    return belay_format("%s.%s", left, right);
}

char *belay_name_columns(const char *const *columns, size_t count, bool plain)
{
    belay_str list = BELAY_STR_INIT;
    for (size_t i = 0; i < count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_name_ident(columns[i], plain);
        belay_str_appendf(&list, "%s%s", i == 0 ? "" : ", ", name);
    }
    return belay_str_steal(&list);
}

/* What SQL takes without quotes, but for its key words. */
static bool is_simple(const char *name)
{
    static const char of_names[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name[0] != '\0' && strchr("0123456789", name[0]) == NULL && name[strspn(name, of_names)] == '\0';
}

char *belay_name_typed(const char *schema, const char *name)
{
    BELAY_AUTO(belay_free) char *left = is_simple(schema) ? belay_strdup(schema) : belay_quote_ident(schema);
    BELAY_AUTO(belay_free) char *right = is_simple(name) ? belay_strdup(name) : belay_quote_ident(name);
    return belay_format("%s.%s", left, right);
}
