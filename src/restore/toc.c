#include "restore/toc.h"

#include "revision/lexer.h"
#include "util/json.h"

/* A growing array of statements in the arena. */
typedef struct statements {
    const char **items;
    size_t count, capacity;
} statements;

/* What holds while a section is walked. */
typedef struct walk {
    belay_toc *toc;
    const char *section; /* its name, for messages */
    const char *sql;
    size_t length;
    const char *tablespace, *access_method;
} walk;

bool belay_header_read(belay_archive *archive, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    if (!belay_archive_read_decoded(archive, "header.json", &text, &size, err))
        return false;
    json_error_t fault;
    json_t *header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(header)) {
        json_decref(header);
        return belay_fail(
            err, BELAY_E_ARCHIVE, "header.json of the snapshot is not readable: %s", fault.text);
    }
    json_int_t version = json_integer_value(json_object_get(header, "format_version"));
    if (version < 1 || version > BELAY_FORMAT_VERSION) {
        json_decref(header);
        belay_fail(err, BELAY_E_FORMAT, "the snapshot has format version %lld, this belay reads up to %d",
            (long long)version, BELAY_FORMAT_VERSION);
        return belay_error_hint(err, "restore it with the belay that wrote it, or a newer one");
    }
    *ret = header;
    return true;
}

static void statements_add(belay_toc *toc, statements *list, const belay_piece *piece)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        const char **items = belay_arena_alloc(toc->arena, capacity * sizeof *items);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = belay_arena_strndup(toc->arena, piece->text, piece->length);
}

/* Keeps the settings that pg_dump writes between entries; false for any other statement. */
static bool take_setting(walk *w, const belay_piece *piece)
{
    if (!belay_starts_with(piece->text, "SET default_table"))
        return false;
    const char *kept = belay_arena_strndup(w->toc->arena, piece->text, piece->length);
    if (belay_starts_with(piece->text, "SET default_tablespace "))
        w->tablespace = kept;
    else
        w->access_method = kept;
    return true;
}

/* The statements between two offsets of the section. */
static bool split(walk *w, size_t start, size_t end, statements *ret, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    const belay_lexer_options options = {0};
    if (!belay_lexer_open_text(w->section, w->sql + start, end - start, &options, &lexer, err))
        return false;
    belay_piece piece;
    do {
        if (!belay_lexer_next(lexer, &piece, err))
            return false;
        if (piece.kind == BELAY_PIECE_STATEMENT && !take_setting(w, &piece))
            statements_add(w->toc, ret, &piece);
        if (piece.kind == BELAY_PIECE_COPY_DATA)
            return belay_fail(err, BELAY_E_ARCHIVE, "%s holds data", w->section);
    } while (piece.kind != BELAY_PIECE_END);
    return true;
}

static void read_depends(belay_toc *toc, const json_t *json, belay_toc_entry *entry)
{
    const json_t *list = json_object_get(json, "depends");
    size_t count = json_array_size(list);
    long *ids = belay_arena_alloc(toc->arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = (long)json_integer_value(json_array_get(list, i));
    entry->depends = ids;
    entry->depends_count = count;
}

/* One entry; `*at` is where the one before ended: what lies between are settings. */
static bool read_entry(walk *w, const json_t *json, size_t *at, belay_toc_entry *entry, belay_error *err)
{
    json_int_t start = json_integer_value(json_object_get(json, "start"));
    json_int_t length = json_integer_value(json_object_get(json, "length"));
    if (start < (json_int_t)*at || length < 0 || (size_t)start > w->length ||
        (size_t)length > w->length - (size_t)start)
        return belay_fail(err, BELAY_E_ARCHIVE, "toc.json: entry %s %s points outside of %s",
            belay_json_text_or(json, "type", ""), belay_json_text_or(json, "name", ""), w->section);
    statements gap = {0};
    statements own = {0};
    if (!split(w, *at, (size_t)start, &gap, err))
        return false;
    entry->tablespace = w->tablespace;
    entry->access_method = w->access_method;
    if (!split(w, (size_t)start, (size_t)(start + length), &own, err))
        return false;
    *at = (size_t)(start + length);
    entry->id = (long)json_integer_value(json_object_get(json, "id"));
    entry->type = belay_json_text_or(json, "type", "");
    entry->schema = belay_json_text_or(json, "schema", "");
    entry->name = belay_json_text_or(json, "name", "");
    entry->statements = own.items;
    entry->statement_count = own.count;
    read_depends(w->toc, json, entry);
    return true;
}

/* Everything before the first entry, as one text of statements. */
static bool read_prologue(walk *w, size_t end, const char **ret, belay_error *err)
{
    statements list = {0};
    if (!split(w, 0, end, &list, err))
        return false;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    for (size_t i = 0; i < list.count; i++)
        belay_str_appendf(&text, "%s;\n", list.items[i]);
    *ret = belay_arena_strdup(w->toc->arena, belay_str_text(&text));
    return belay_str_check(&text, w->section, err);
}

static bool read_section(
    belay_toc *toc, belay_archive *archive, bool post, const char **ret_prologue, belay_error *err)
{
    BELAY_AUTO(belay_free) char *sql = NULL;
    walk w = {.toc = toc, .section = post ? "schema/post-data.sql.zst" : "schema/pre-data.sql.zst"};
    if (!belay_archive_read_decoded(archive, w.section, &sql, &w.length, err))
        return false;
    w.sql = sql;
    size_t at = 0;
    bool first = true;
    size_t index;
    json_t *json;
    json_array_foreach(json_object_get(toc->document, "entries"), index, json)
    {
        if (belay_equal(belay_json_text_or(json, "section", ""), "post") != post)
            continue;
        if (first) {
            json_int_t start = json_integer_value(json_object_get(json, "start"));
            at = start < 0 || (size_t)start > w.length ? w.length : (size_t)start;
            if (!read_prologue(&w, at, ret_prologue, err))
                return false;
        }
        first = false;
        if (!read_entry(&w, json, &at, &toc->entries[toc->count], err))
            return false;
        toc->count++;
    }
    return !first || read_prologue(&w, w.length, ret_prologue, err);
}

bool belay_toc_read(belay_archive *archive, belay_toc **ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = belay_alloc(sizeof *toc);
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    toc->arena = belay_arena_new();
    if (!belay_header_read(archive, &toc->header, err) ||
        !belay_archive_read_decoded(archive, "toc.json", &text, &size, err))
        return false;
    json_error_t fault;
    toc->document = json_loadb(text, size, 0, &fault);
    const json_t *entries = json_object_get(toc->document, "entries");
    if (!json_is_array(entries))
        return belay_fail(err, BELAY_E_ARCHIVE, "toc.json of the snapshot is not readable: %s", fault.text);
    toc->entries = belay_arena_alloc(toc->arena, (json_array_size(entries) + 1) * sizeof *toc->entries);
    if (!read_section(toc, archive, false, &toc->pre_prologue, err))
        return false;
    toc->pre_count = toc->count;
    if (!read_section(toc, archive, true, &toc->post_prologue, err))
        return false;
    *ret = belay_take(toc);
    return true;
}

void belay_toc_free(belay_toc *toc)
{
    if (toc == NULL)
        return;
    json_decref(toc->header);
    json_decref(toc->document);
    belay_arena_free(toc->arena);
    free(toc);
}

char *belay_toc_label(const belay_toc_entry *entry)
{
    return entry->schema[0] == '\0' ? belay_format("%s %s", entry->type, entry->name)
                                    : belay_format("%s %s.%s", entry->type, entry->schema, entry->name);
}

const belay_toc_entry *belay_toc_find(
    const belay_toc *toc, const char *type, const char *schema, const char *name)
{
    for (size_t i = 0; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (belay_equal(entry->type, type) && belay_equal(entry->schema, schema) &&
            belay_equal(entry->name, name))
            return entry;
    }
    return NULL;
}
