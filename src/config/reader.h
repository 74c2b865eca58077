/* Reads the INI form of belay.ini: sections, keys, values, each with its line.
 *
 * inih does the INI; this reader stands between it and the file, because inih cuts long lines, knows no line
 * numbers in its handler, merges doubled keys, and takes " ;" within a value for a comment, all depending on
 * how it was compiled. So the reader takes the file apart into lines, checks them, joins continued ones, and
 * hands inih each key with a reference to its value instead of the value itself.
 *
 *     belay_ini_parse(text, length, "belay.ini", &ini, err)
 *
 * Knows nothing of which sections and keys mean something (config/keys.h). Errors are BELAY_E_CONFIG with
 * file and line, and never quote a value. Values are zeroed when freed. Thread-safe.
 */
#ifndef BELAY_CONFIG_READER_H
#define BELAY_CONFIG_READER_H

#include "util/error.h"
#include "util/mem.h"

enum {
    BELAY_INI_MAX_LINE = 4096, /* bytes of one line */
    BELAY_INI_MAX_FILE = 1024 * 1024,
    BELAY_INI_MAX_KEY = 40
};

typedef struct belay_ini_entry {
    char *key;
    char *value; /* continued lines joined with newlines; white space at both ends removed */
    long line;
} belay_ini_entry;

typedef struct belay_ini_section {
    char *kind; /* what stands before the first dot */
    char *name; /* what stands after it; NULL without a dot */
    long line;
    belay_ini_entry *entries;
    size_t count;
} belay_ini_section;

typedef struct belay_ini {
    belay_ini_section *sections;
    size_t count;
} belay_ini;

/* `path` is for the messages only. The text needs no NUL at its end. */
bool belay_ini_parse(const char *text, size_t length, const char *path, belay_ini **ret, belay_error *err);
void belay_ini_free(belay_ini *ini);
BELAY_DEFINE_AUTO(belay_ini, belay_ini_free)

/* NULL when there is none; name NULL: the section without a name. */
const belay_ini_section *belay_ini_section_of(const belay_ini *ini, const char *kind, const char *name);
const belay_ini_entry *belay_ini_entry_of(const belay_ini_section *section, const char *key);

#endif
