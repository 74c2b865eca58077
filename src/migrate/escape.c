#include "migrate/escape.h"

#include <ctype.h>

#include "revision/lexer.h"

/* By the name of the extension and of its library. Contrib without pg_surgery (writes around transactions),
 * adminpack and old_snapshot; and the wide-spread ones that only bring types and functions. */
static const char *const harmless[] = {"_int", "address_standardizer", "amcheck", "autoinc", "bloom",
    "btree_gin", "btree_gist", "citext", "cube", "dict_int", "dict_snowball", "dict_xsyn", "earthdistance",
    "fuzzystrmatch", "hstore", "hstore_plperl", "hstore_plpython3", "insert_username", "intagg", "intarray",
    "isn", "jsonb_plperl", "jsonb_plpython3", "lo", "ltree", "ltree_plpython3", "moddatetime", "pageinspect",
    "pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_trgm", "pg_visibility",
    "pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "plperl", "plpgsql", "plpython3", "pltcl",
    "postgis", "postgis_raster", "postgis_topology", "refint", "seg", "sslinfo", "tablefunc", "tcn",
    "tsm_system_rows", "tsm_system_time", "unaccent", "uuid", "uuid-ossp", "vector", "xml2", "pgxml"};

static const char *const by_session[] = {"dblink", "file_fdw", "plperlu", "plpython2u", "plpython3u",
    "plpythonu", "plsh", "pltclu", "postgres_fdw"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (belay_equal(name, names[i]))
            return true;
    }
    return false;
}

/* "postgis-3" is the library of postgis. */
bool belay_extension_is_harmless(const char *name)
{
    BELAY_AUTO(belay_free) char *plain = belay_strdup(name);
    size_t length = strlen(plain);
    while (length > 0 && (isdigit((unsigned char)plain[length - 1]) || plain[length - 1] == '.'))
        length--;
    if (length > 1 && plain[length - 1] == '-')
        plain[length - 1] = '\0';
    return is_one_of(plain, harmless, BELAY_COUNT(harmless)) ||
           is_one_of(name, harmless, BELAY_COUNT(harmless));
}

bool belay_extension_is_session(const char *name)
{
    return is_one_of(name, by_session, BELAY_COUNT(by_session));
}

void belay_escapes_done(belay_escapes *escapes)
{
    belay_list_done(&escapes->by_session);
    belay_list_done(&escapes->by_worker);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next word in lower case, wherever it stands; quotes and all else separate words. */
static bool next_word(const char **at, char word[static 64])
{
    const char *from = *at;
    while (*from != '\0' && !is_word(*from))
        from++;
    size_t length = 0;
    for (; is_word(*from); from++) {
        if (length < 63)
            word[length++] = (char)tolower((unsigned char)*from);
    }
    word[length] = '\0';
    *at = from;
    return length > 0;
}

static void note(belay_list *list, const char *where, const char *what, const char *name)
{
    BELAY_AUTO(belay_free)
    char *text = belay_format("%s has %s%s%s", where, what, *name == '\0' ? "" : " ", name);
    if (!belay_list_has(list, text))
        belay_list_add(list, text);
}

/* CREATE EXTENSION [IF NOT EXISTS] name */
static void note_extension(const char *at, const char *where, belay_escapes *ret)
{
    char word[64];
    do {
        if (!next_word(&at, word))
            return;
    } while (is_one_of(word, (const char *const[]){"if", "not", "exists"}, 3));
    if (belay_extension_is_session(word))
        note(&ret->by_session, where, "EXTENSION", word);
    else if (!belay_extension_is_harmless(word))
        note(&ret->by_worker, where, "EXTENSION", word);
}

static void note_language(const char *at, const char *where, belay_escapes *ret)
{
    char word[64];
    if (!next_word(&at, word))
        return;
    if (belay_equal(word, "c"))
        note(&ret->by_worker, where, "LANGUAGE", word);
    else if (belay_extension_is_session(word))
        note(&ret->by_session, where, "LANGUAGE", word);
}

void belay_escapes_scan(const char *sql, const char *where, belay_escapes *ret)
{
    char word[64];
    bool copies = false;
    bool first = true;
    for (const char *at = sql; next_word(&at, word); first = false) {
        copies = copies || belay_equal(word, "copy");
        if (belay_starts_with(word, "dblink") || belay_equal(word, "postgres_fdw"))
            note(&ret->by_session, where, word, "");
        else if (copies && belay_equal(word, "program"))
            note(&ret->by_session, where, "COPY ... PROGRAM", "");
        else if (belay_starts_with(word, "pg_background"))
            note(&ret->by_worker, where, word, "");
        else if (first && belay_equal(word, "load"))
            note(&ret->by_worker, where, "LOAD", "");
        else if (belay_equal(word, "extension"))
            note_extension(at, where, ret);
        else if (belay_equal(word, "language"))
            note_language(at, where, ret);
    }
}

static bool scan_section(
    const belay_revision *revision, const belay_section *section, belay_escapes *ret, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_section(revision->path, section, &lexer, err))
        return false;
    belay_piece piece = {0};
    while (belay_lexer_next(lexer, &piece, err)) {
        if (piece.kind == BELAY_PIECE_END)
            return true;
        if (piece.kind == BELAY_PIECE_STATEMENT)
            belay_escapes_scan(piece.text, revision->id, ret);
    }
    return false;
}

bool belay_plan_escapes(const belay_plan *plan, belay_escapes *ret, belay_error *err)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const belay_step *step = &plan->steps[i];
        const belay_section *section = step->upgrade ? &step->revision->upgrade : &step->revision->downgrade;
        if (!scan_section(step->revision, section, ret, err))
            return false;
    }
    return true;
}
