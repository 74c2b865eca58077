#include "restore/statistics.h"

#include <jansson.h>

#include "util/str.h"

enum { FIRST_VERSION = 180000 };

typedef struct line {
    char *schema, *name; /* in the arena, as the text */
    const char *text;
    size_t length;
    bool of_table; /* and not of a column */
} line;

struct belay_statistics {
    belay_arena *arena;
    belay_list texts; /* of the members */
    line *lines;      /* sorted by schema and table */
    size_t count, capacity;
};

bool belay_statistics_wanted(belay_pg *pg)
{
    return belay_pg_server_version(pg) >= FIRST_VERSION;
}

void belay_statistics_free(belay_statistics *statistics)
{
    if (statistics == NULL)
        return;
    belay_arena_free(statistics->arena);
    belay_list_done(&statistics->texts);
    free(statistics->lines);
    free(statistics);
}

static int by_table(const void *a, const void *b)
{
    const line *left = a;
    const line *right = b;
    int order = strcmp(left->schema, right->schema);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static void add_line(belay_statistics *s, const char *text, size_t length)
{
    json_t *json = json_loadb(text, length, 0, NULL);
    const char *schema = json_string_value(json_object_get(json, "schema"));
    const char *name = json_string_value(json_object_get(json, "table"));
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 256 : s->capacity * 2;
        s->lines = belay_realloc_array(s->lines, s->capacity, sizeof *s->lines);
    }
    if (schema != NULL && name != NULL)
        s->lines[s->count++] = (line){.schema = belay_arena_strdup(s->arena, schema),
            .name = belay_arena_strdup(s->arena, name),
            .text = text,
            .length = length,
            .of_table = json_object_get(json, "inherited") == NULL};
    json_decref(json);
}

static void add_lines(belay_statistics *s, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        add_line(s, text, length);
        text += length + (text[length] == '\n');
    }
}

bool belay_statistics_read(belay_archive *archive, belay_statistics **ret, belay_error *err)
{
    const belay_manifest *manifest = belay_archive_manifest(archive);
    BELAY_AUTO(belay_statistics_free) belay_statistics *s = belay_alloc(sizeof *s);
    s->arena = belay_arena_new();
    for (size_t i = 0; i < manifest->member_count; i++) {
        char *text = NULL;
        size_t size = 0;
        const char *name = manifest->members[i].name;
        if (!belay_starts_with(name, BELAY_MEMBERS_STATISTICS))
            continue;
        if (!belay_archive_read_decoded(archive, name, &text, &size, err))
            return false;
        belay_list_add_owned(&s->texts, text);
        add_lines(s, text);
    }
    if (s->count > 1)
        qsort(s->lines, s->count, sizeof *s->lines, by_table);
    *ret = s->count == 0 ? NULL : belay_take(s);
    return true;
}

/* The first line of the table, or behind where it would be. */
static size_t find(const belay_statistics *s, const line *wanted)
{
    size_t from = 0;
    size_t end = s->count;
    while (from < end) {
        size_t middle = from + (end - from) / 2;
        if (by_table(&s->lines[middle], wanted) < 0)
            from = middle + 1;
        else
            end = middle;
    }
    return from;
}

char *belay_statistics_of(const belay_statistics *s, const char *schema, const char *name)
{
    const line wanted = {.schema = (char *)(uintptr_t)schema, .name = (char *)(uintptr_t)name};
    json_t *array = json_array();
    bool columns = false;
    for (size_t i = find(s, &wanted); i < s->count && by_table(&s->lines[i], &wanted) == 0; i++) {
        json_array_append_new(array, json_loadb(s->lines[i].text, s->lines[i].length, 0, NULL));
        columns = columns || !s->lines[i].of_table;
    }
    char *text = columns ? json_dumps(array, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(array);
    return text;
}
