#include "archive/manifest.h"

#include <limits.h>

#include "util/json.h"

static const char *get_text(belay_arena *arena, const json_t *object, const char *key, bool *ok)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        *ok = false;
        return "";
    }
    return belay_arena_strdup(arena, json_string_value(value));
}

/* NULL when missing or null. */
static const char *get_optional(belay_arena *arena, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? belay_arena_strdup(arena, json_string_value(value)) : NULL;
}

static uint64_t get_number(const json_t *object, const char *key, bool *ok)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        *ok = false;
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

/* At least 1. */
static int get_int(const json_t *object, const char *key, bool *ok)
{
    uint64_t value = get_number(object, key, ok);
    if (value >= 1 && value <= INT_MAX)
        return (int)value;
    *ok = false;
    return 0;
}

static const char *const *get_list(
    belay_arena *arena, const json_t *object, const char *key, size_t *ret_count, bool *ok)
{
    const json_t *array = json_object_get(object, key);
    size_t count = json_array_size(array);
    const char **items = belay_arena_alloc(arena, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        *ok = *ok && text != NULL;
        items[i] = belay_arena_strdup(arena, text == NULL ? "" : text);
    }
    *ok = *ok && json_is_array(array);
    *ret_count = count;
    return items;
}

static bool read_member(belay_arena *arena, const json_t *json, belay_member *m)
{
    bool ok = true;
    m->name = get_text(arena, json, "name", &ok);
    m->offset = get_number(json, "offset", &ok);
    m->data_offset = get_number(json, "data_offset", &ok);
    m->stored_bytes = get_number(json, "stored_bytes", &ok);
    m->span_bytes = get_number(json, "span_bytes", &ok);
    m->raw_bytes = get_number(json, "raw_bytes", &ok);
    m->rows = get_number(json, "rows", &ok);
    m->sha256 = get_text(arena, json, "sha256", &ok);
    return ok;
}

static bool read_table(belay_arena *arena, const json_t *json, belay_table *t)
{
    bool ok = true;
    t->schema = get_text(arena, json, "schema", &ok);
    t->name = get_text(arena, json, "name", &ok);
    t->format = get_text(arena, json, "format", &ok);
    t->columns = get_list(arena, json, "columns", &t->column_count, &ok);
    t->rows = get_number(json, "rows", &ok);
    t->raw_bytes = get_number(json, "raw_bytes", &ok);
    t->row_hash = get_text(arena, json, "row_hash", &ok);
    t->generated = get_list(arena, json, "generated", &t->generated_count, &ok);
    t->generated_hash = get_optional(arena, json, "generated_hash");
    t->filter = get_optional(arena, json, "filter");
    t->root_schema = get_optional(arena, json, "root_schema");
    t->root_name = get_optional(arena, json, "root_name");
    t->chunks = get_list(arena, json, "chunks", &t->chunk_count, &ok);
    return ok && (belay_equal(t->format, "binary") || belay_equal(t->format, "text"));
}

/* Members of one name stay in the archive's order. */
static int compare_names(const void *a, const void *b)
{
    const belay_member *one = *(const belay_member *const *)a, *other = *(const belay_member *const *)b;
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : (one > other) - (one < other);
}

static void index_members(belay_manifest *m)
{
    const belay_member **sorted = belay_arena_alloc(m->arena, (m->member_count + 1) * sizeof(void *));
    for (size_t i = 0; i < m->member_count; i++)
        sorted[i] = &m->members[i];
    qsort(sorted, m->member_count, sizeof(void *), compare_names);
    m->by_name = sorted;
}

static bool read_all(belay_manifest *m, const json_t *json)
{
    bool ok = true;
    belay_arena *arena = m->arena;
    m->format_version = get_int(json, "format_version", &ok);
    m->id = get_text(arena, json, "id", &ok);
    m->target = get_text(arena, json, "target", &ok);
    m->created_at = get_text(arena, json, "created_at", &ok);
    m->server_version = get_int(json, "server_version", &ok);
    m->revisions = get_list(arena, json, "revisions", &m->revision_count, &ok);
    m->seconds = json_number_value(json_object_get(json, "seconds"));
    m->raw_bytes = get_number(json, "raw_bytes", &ok);
    m->rows = get_number(json, "rows", &ok);
    const json_t *members = json_object_get(json, "members");
    const json_t *tables = json_object_get(json, "tables");
    ok = ok && json_is_array(members) && json_is_array(tables);
    m->member_count = json_array_size(members);
    m->table_count = json_array_size(tables);
    belay_member *all_members = belay_arena_alloc(arena, (m->member_count + 1) * sizeof *all_members);
    belay_table *all_tables = belay_arena_alloc(arena, (m->table_count + 1) * sizeof *all_tables);
    for (size_t i = 0; i < m->member_count && ok; i++)
        ok = read_member(arena, json_array_get(members, i), &all_members[i]);
    for (size_t i = 0; i < m->table_count && ok; i++)
        ok = read_table(arena, json_array_get(tables, i), &all_tables[i]);
    m->members = all_members;
    m->tables = all_tables;
    if (ok)
        index_members(m);
    return ok;
}

bool belay_manifest_read(const char *json_text, size_t length, belay_manifest **ret, belay_error *err)
{
    json_error_t why;
    json_t *json = json_loadb(json_text, length, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return belay_fail(
            err, BELAY_E_ARCHIVE, "manifest.json: not JSON at byte %d: %s", why.position, why.text);
    BELAY_AUTO(belay_manifest_free) belay_manifest *manifest = belay_alloc(sizeof *manifest);
    manifest->arena = belay_arena_new();
    bool ok = json_is_object(json) && read_all(manifest, json);
    json_decref(json);
    if (!ok)
        return belay_fail(err, BELAY_E_ARCHIVE, "manifest.json: a key is missing or of the wrong kind");
    if (manifest->format_version > BELAY_FORMAT_VERSION)
        return belay_fail(err, BELAY_E_UNSUPPORTED,
            "the snapshot has format version %d, this belay reads up to %d; use a newer belay",
            manifest->format_version, BELAY_FORMAT_VERSION);
    *ret = belay_take(manifest);
    return true;
}

void belay_manifest_free(belay_manifest *manifest)
{
    if (manifest == NULL)
        return;
    belay_arena_free(manifest->arena);
    free(manifest);
}

static json_t *member_json(const belay_member *m)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name", m->name, "offset",
        (json_int_t)m->offset, "data_offset", (json_int_t)m->data_offset, "stored_bytes",
        (json_int_t)m->stored_bytes, "span_bytes", (json_int_t)m->span_bytes, "raw_bytes",
        (json_int_t)m->raw_bytes, "rows", (json_int_t)m->rows, "sha256", m->sha256);
}

static json_t *table_json(const belay_table *t)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:o, s:s?, s:s?, s:s?, s:s?, s:o}", "schema",
        t->schema, "name", t->name, "format", t->format, "columns",
        belay_json_of_texts(t->columns, t->column_count), "rows", (json_int_t)t->rows, "raw_bytes",
        (json_int_t)t->raw_bytes, "row_hash", t->row_hash, "generated",
        belay_json_of_texts(t->generated, t->generated_count), "generated_hash", t->generated_hash, "filter",
        t->filter, "root_schema", t->root_schema, "root_name", t->root_name, "chunks",
        belay_json_of_texts(t->chunks, t->chunk_count));
}

json_t *belay_manifest_to_json(const belay_manifest *m)
{
    json_t *members = json_array();
    json_t *tables = json_array();
    for (size_t i = 0; i < m->member_count; i++)
        json_array_append_new(members, member_json(&m->members[i]));
    for (size_t i = 0; i < m->table_count; i++)
        json_array_append_new(tables, table_json(&m->tables[i]));
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:o, s:f, s:I, s:I, s:o, s:o}", "format_version",
        m->format_version, "id", m->id, "target", m->target, "created_at", m->created_at, "server_version",
        m->server_version, "revisions", belay_json_of_texts(m->revisions, m->revision_count), "seconds",
        m->seconds, "raw_bytes", (json_int_t)m->raw_bytes, "rows", (json_int_t)m->rows, "tables", tables,
        "members", members);
}

const belay_member *belay_manifest_find(const belay_manifest *manifest, const char *name)
{
    size_t low = 0, high = manifest->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(manifest->by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < manifest->member_count && belay_equal(manifest->by_name[low]->name, name);
    return found ? manifest->by_name[low] : NULL;
}
