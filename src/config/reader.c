#include "config/reader.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/str.h"
#include "util/utf8.h"

enum { MAX_SECTIONS = 1000, MAX_KEYS = 500 }; /* lookups are linear; nobody needs more */

/* A key as the file has it: its name goes through inih, its value waits here. */
typedef struct pending {
    char *key;
    belay_str value;
    long line;
    size_t section; /* index into the sections */
} pending;

typedef struct reader {
    const char *path;
    belay_ini *ini;
    pending *pendings;
    size_t count;
    bool open; /* the last key may be continued */
    long line;
    belay_error *err;
    /* while inih runs */
    size_t fed;
    bool section_fed;
} reader;

__attribute__((format(printf, 3, 4))) static bool refuse(
    const reader *r, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    belay_fail(r->err, BELAY_E_CONFIG, "%s", message);
    belay_error_hint(r->err, "%s", hint);
    return belay_error_place(r->err, r->path, r->line);
}

static bool is_name(belay_span span, size_t longest, const char *more)
{
    if (span.length == 0 || span.length > longest)
        return false;
    for (size_t i = 0; i < span.length; i++) {
        if (!isalnum((unsigned char)span.data[i]) && strchr(more, span.data[i]) == NULL)
            return false;
    }
    return memchr(span.data, '\0', span.length) == NULL;
}

static bool add_section(reader *r, belay_span inside)
{
    const char *dot = memchr(inside.data, '.', inside.length);
    size_t kind_length = dot == NULL ? inside.length : (size_t)(dot - inside.data);
    belay_span kind = {inside.data, kind_length};
    belay_span name = {NULL, 0};
    if (dot != NULL)
        name = (belay_span){dot + 1, inside.length - kind_length - 1};
    if (!is_name(kind, BELAY_INI_MAX_KEY, "_") || (dot != NULL && !is_name(name, BELAY_INI_MAX_KEY, "_-")))
        return refuse(r,
            "a section is [kind.name], as in [target.production]; a name has 1 to 40 of A-Z a-z 0-9 _ -",
            "\"[%.*s]\" is not a section's name", (int)(inside.length > 100 ? 100 : inside.length),
            inside.data);
    BELAY_AUTO(belay_free) char *kind_text = belay_strndup(kind.data, kind.length);
    BELAY_AUTO(belay_free) char *name_text = dot == NULL ? NULL : belay_strndup(name.data, name.length);
    const belay_ini_section *twin = belay_ini_section_of(r->ini, kind_text, name_text);
    if (twin != NULL)
        return refuse(r, "keep one of them and put all of its keys there",
            "section [%.*s] stands here a second time; the first is in line %ld", (int)inside.length,
            inside.data, twin->line);
    belay_ini *ini = r->ini;
    if (ini->count == MAX_SECTIONS)
        return refuse(r, "is this the right file?", "more than %d sections", MAX_SECTIONS);
    ini->sections = belay_realloc_array(ini->sections, ini->count + 1, sizeof *ini->sections);
    ini->sections[ini->count++] =
        (belay_ini_section){.kind = belay_take(kind_text), .name = belay_take(name_text), .line = r->line};
    r->open = false;
    return true;
}

static bool add_key(reader *r, belay_span line)
{
    const char *equals = memchr(line.data, '=', line.length);
    if (equals == NULL)
        return refuse(r, "write `key = value`; a comment begins with ; or #, a continued line with a space",
            "this line is neither a section, a comment nor `key = value`");
    belay_span key = belay_span_trim((belay_span){line.data, (size_t)(equals - line.data)});
    belay_span value =
        belay_span_trim((belay_span){equals + 1, line.length - (size_t)(equals + 1 - line.data)});
    if (!is_name(key, BELAY_INI_MAX_KEY, "_"))
        return refuse(r, "a key has 1 to 40 of A-Z a-z 0-9 _", "what stands before the = is not a key");
    if (r->ini->count == 0)
        return refuse(r, "put it below [belay] or [target.NAME]", "key %.*s stands before any section",
            (int)key.length, key.data);
    size_t section = r->ini->count - 1;
    size_t keys = 0;
    for (size_t i = r->count; i-- > 0 && r->pendings[i].section == section; keys++) {
        if (belay_span_equals(key, r->pendings[i].key))
            return refuse(r, "keep one of them", "key %s stands here a second time; the first is in line %ld",
                r->pendings[i].key, r->pendings[i].line);
    }
    if (keys == MAX_KEYS)
        return refuse(r, "is this the right file?", "more than %d keys in one section", MAX_KEYS);
    r->pendings = belay_realloc_array(r->pendings, r->count + 1, sizeof *r->pendings);
    pending *p = &r->pendings[r->count++];
    *p = (pending){belay_strndup(key.data, key.length), BELAY_STR_MAX(BELAY_INI_MAX_FILE), r->line, section};
    belay_str_append_n(&p->value, value.data, value.length);
    r->open = true;
    return true;
}

static bool continue_value(reader *r, belay_span text)
{
    if (!r->open)
        return refuse(r, "begin keys and sections at the first column",
            "an indented line continues a value, but no value stands right above");
    belay_str *value = &r->pendings[r->count - 1].value;
    if (value->length > 0)
        belay_str_append_char(value, '\n');
    belay_str_append_n(value, text.data, text.length);
    return true;
}

static bool check_bytes(const reader *r, belay_span line)
{
    if (line.length > BELAY_INI_MAX_LINE)
        return refuse(r, "continue the value on an indented line, or put a long command into a script",
            "the line has %zu bytes, the most is %d", line.length, BELAY_INI_MAX_LINE);
    for (size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return refuse(r, "is this the right file? belay.ini is plain text",
                "the line holds a byte that does not belong into text (0x%02x)", c);
    }
    belay_utf8 state = {0};
    if (belay_utf8_check(&state, line.data, line.length) < line.length || !belay_utf8_is_whole(&state))
        return refuse(r, BELAY_UTF8_HINT, "the line is not valid UTF-8");
    return true;
}

static bool take_line(reader *r, belay_span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    if (!check_bytes(r, line))
        return false;
    belay_span text = belay_span_trim(line);
    if (text.length == 0) {
        r->open = false;
        return true;
    }
    if (text.data[0] == ';' || text.data[0] == '#')
        return true;
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return continue_value(r, text);
    if (text.data[0] != '[')
        return add_key(r, text);
    if (text.data[text.length - 1] != ']')
        return refuse(r, "a comment needs a line of its own", "a section ends in ] and nothing follows it");
    return add_section(r, (belay_span){text.data + 1, text.length - 2});
}

static bool take_lines(reader *r, const char *text, size_t length)
{
    static const char bom[] = "\xEF\xBB\xBF";
    if (length >= 3 && memcmp(text, bom, 3) == 0) {
        text += 3;
        length -= 3;
    }
    while (length > 0) {
        const char *newline = memchr(text, '\n', length);
        size_t size = newline == NULL ? length : (size_t)(newline - text);
        r->line++;
        if (!take_line(r, (belay_span){text, size}))
            return false;
        size_t step = newline == NULL ? size : size + 1;
        text += step;
        length -= step;
    }
    return true;
}

/* inih's fgets: a section's line before its first key, then `key = index of the pending value`. */
static char *feed(char *buffer, int size, void *stream)
{
    reader *r = stream;
    if (r->fed == r->count)
        return NULL;
    const pending *p = &r->pendings[r->fed];
    const belay_ini_section *section = &r->ini->sections[p->section];
    bool new_section = r->fed == 0 || r->pendings[r->fed - 1].section != p->section;
    if (new_section && !r->section_fed) {
        snprintf(buffer, (size_t)size, "[%s%s%s]\n", section->kind, section->name == NULL ? "" : ".",
            section->name == NULL ? "" : section->name);
        r->section_fed = true;
        return buffer;
    }
    snprintf(buffer, (size_t)size, "%s = %zu\n", p->key, r->fed);
    r->section_fed = false;
    r->fed++;
    return buffer;
}

static int on_key(void *user, const char *section_name, const char *key, const char *value)
{
    (void)section_name;
    reader *r = user;
    long long index = -1;
    if (value == NULL || !belay_parse_int64(value, &index) || index < 0 || (size_t)index >= r->count)
        return 0;
    pending *p = &r->pendings[index];
    belay_ini_section *section = &r->ini->sections[p->section];
    section->entries = belay_realloc_array(section->entries, section->count + 1, sizeof *section->entries);
    section->entries[section->count++] =
        (belay_ini_entry){belay_strdup(key), belay_str_steal(&p->value), p->line};
    return 1;
}

static void pendings_done(reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->pendings[i].key);
        if (r->pendings[i].value.data != NULL)
            explicit_bzero(r->pendings[i].value.data, r->pendings[i].value.capacity);
        belay_str_done(&r->pendings[i].value);
    }
    free(r->pendings);
}

bool belay_ini_parse(const char *text, size_t length, const char *path, belay_ini **ret, belay_error *err)
{
    BELAY_AUTO(belay_ini_free) belay_ini *ini = belay_alloc(sizeof *ini);
    reader r = {.path = path, .ini = ini, .err = err};
    bool ok = take_lines(&r, text, length);
    if (ok && r.count > 0 && ini_parse_stream(feed, &r, on_key, &r) != 0)
        ok = belay_fail(err, BELAY_E_INTERNAL, "inih does not read what belay's reader accepted in %s", path);
    pendings_done(&r);
    if (ok)
        *ret = belay_take(ini);
    return ok;
}

void belay_ini_free(belay_ini *ini)
{
    if (ini == NULL)
        return;
    for (size_t i = 0; i < ini->count; i++) {
        belay_ini_section *section = &ini->sections[i];
        for (size_t j = 0; j < section->count; j++) {
            free(section->entries[j].key);
            belay_free_secret(section->entries[j].value);
        }
        free(section->entries);
        free(section->kind);
        free(section->name);
    }
    free(ini->sections);
    free(ini);
}

const belay_ini_section *belay_ini_section_of(const belay_ini *ini, const char *kind, const char *name)
{
    for (size_t i = 0; i < ini->count; i++) {
        const belay_ini_section *section = &ini->sections[i];
        bool same_name =
            name == NULL || section->name == NULL ? name == section->name : belay_equal(section->name, name);
        if (same_name && belay_equal(section->kind, kind))
            return section;
    }
    return NULL;
}

const belay_ini_entry *belay_ini_entry_of(const belay_ini_section *section, const char *key)
{
    for (size_t i = 0; section != NULL && i < section->count; i++) {
        if (belay_equal(section->entries[i].key, key))
            return &section->entries[i];
    }
    return NULL;
}
