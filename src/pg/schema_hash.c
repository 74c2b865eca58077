#include "pg/schema_hash.h"

#include "pg/schema_hash.sql.h"
#include "pg/schema_text.h"
#include "util/crew.h"
#include "util/hash.h"

typedef struct part {
    const char *sql;
    int least_version, below_version; /* 0: any */
} part;

/* Those that take long come first. */
static const part parts[] = {
    {sql_schema_columns, 0, 0},
    {sql_schema_indexes, 0, 0},
    {sql_schema_constraints, 0, 0},
    {sql_schema_relations, 0, 0},
    {sql_schema_functions, 0, 0},
    {sql_schema_schemas, 0, 0},
    {sql_schema_extensions, 0, 0},
    {sql_schema_inheritance, 0, 0},
    {sql_schema_not_null_constraints, 180000, 0},
    {sql_schema_sequences, 0, 0},
    {sql_schema_aggregates, 0, 0},
    {sql_schema_triggers, 0, 0},
    {sql_schema_rules, 0, 0},
    {sql_schema_policies, 0, 0},
    {sql_schema_enums, 0, 0},
    {sql_schema_domains, 0, 0},
    {sql_schema_ranges, 0, 0},
    {sql_schema_base_types, 0, 0},
    {sql_schema_operators, 0, 0},
    {sql_schema_operator_classes, 0, 0},
    {sql_schema_casts, 0, 0},
    {sql_schema_collations, 0, 0},
    {sql_schema_languages, 0, 0},
    {sql_schema_text_search, 0, 0},
    {sql_schema_foreign, 0, 0},
    {sql_schema_statistics, 0, 0},
    {sql_schema_event_triggers, 0, 0},
    {sql_schema_publications, 0, 0},
    {sql_schema_publication_tables_14, 0, 150000},
    {sql_schema_publication_tables_15, 150000, 0},
    {sql_schema_transforms, 0, 0},
    {sql_schema_comments, 0, 0},
};

enum { SETTING_COUNT = 7, DESCRIPTION_MAX_BYTES = 512 * 1024 * 1024 };

static bool set_settings(belay_pg *pg, const char *const values[SETTING_COUNT], belay_error *err)
{
    const char *params[SETTING_COUNT + 1];
    memcpy(params, values, SETTING_COUNT * sizeof *values);
    params[SETTING_COUNT] = belay_pg_in_transaction(pg) ? "true" : "false";
    return belay_pg_query(pg, sql_schema_set, params, SETTING_COUNT + 1, NULL, err);
}

/* A definition on one line: what was a newline is "\n", what was a backslash is doubled. */
static char *one_line(const char *text)
{
    BELAY_AUTO(belay_free) char *canonical = belay_schema_text(text);
    belay_str line = BELAY_STR_INIT;
    for (const char *p = canonical; *p != '\0'; p++) {
        if (*p == '\n')
            belay_str_append(&line, "\\n");
        else if (*p == '\\')
            belay_str_append(&line, "\\\\");
        else
            belay_str_append_char(&line, *p);
    }
    return belay_str_steal(&line);
}

static bool read_part(belay_pg *pg, const char *query, belay_list *lines, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    belay_str_append(&sql, sql_schema_prefix);
    belay_str_append(&sql, query);
    if (!belay_pg_query0(pg, belay_str_text(&sql), &rows, err))
        return belay_error_prefix(err, "cannot describe the schema");
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add_owned(lines, one_line(belay_rows_text(rows, i, 0)));
    return true;
}

/* One of the connections, and what was read through it. */
typedef struct reader {
    belay_pg *pg;
    char *own[SETTING_COUNT]; /* settings as they were */
    belay_list lines;
} reader;

typedef struct readers {
    reader items[BELAY_SCHEMA_READERS];
    size_t count;
    atomic_size_t taken; /* by threads */
    const char *queries[BELAY_COUNT(parts)];
    size_t query_count;
} readers;

static bool pin(reader *r, belay_error *err)
{
    static const char *const pinned[SETTING_COUNT] = {"", "ISO", "postgres", "3", "hex", "off", "UTC"};
    BELAY_AUTO(belay_rows_free) belay_rows *before = NULL;
    if (!belay_pg_query0(r->pg, sql_schema_pin, &before, err))
        return false;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        r->own[i] = belay_strdup(belay_rows_text(before, 0, i));
    return set_settings(r->pg, pinned, err);
}

/* Does nothing where pin did not get as far. */
static bool put_back(reader *r, belay_error *err)
{
    bool ok = r->own[0] == NULL || set_settings(r->pg, (const char *const *)r->own, err);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        free(r->own[i]);
    return ok;
}

static void *take_reader(void *context)
{
    readers *all = context;
    return &all->items[atomic_fetch_add(&all->taken, 1)];
}

static bool read_number(void *context, void *own, size_t number, belay_error *err)
{
    const readers *all = context;
    reader *r = own;
    return read_part(r->pg, all->queries[number], &r->lines, err);
}

static void init(readers *all, belay_pg *const *pgs, size_t count)
{
    int version = belay_pg_server_version(pgs[0]);
    all->count = count < BELAY_SCHEMA_READERS ? count : BELAY_SCHEMA_READERS;
    for (size_t i = 0; i < all->count; i++)
        all->items[i].pg = pgs[i];
    for (size_t i = 0; i < BELAY_COUNT(parts); i++) {
        const part *p = &parts[i];
        if (version >= p->least_version && (p->below_version == 0 || version < p->below_version))
            all->queries[all->query_count++] = p->sql;
    }
}

static bool read_all(readers *all, belay_error *err)
{
    const belay_crew_task task = {.work = read_number, .begin = take_reader, .context = all};
    bool ok = true;
    for (size_t i = 0; ok && i < all->count; i++)
        ok = pin(&all->items[i], err);
    ok = ok && belay_crew_run(&task, all->query_count, all->count, err);
    for (size_t i = 0; i < all->count; i++)
        ok = put_back(&all->items[i], ok ? err : NULL) && ok;
    return ok;
}

static bool put_together(readers *all, belay_str *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    for (size_t i = 0; i < all->count; i++) {
        for (size_t l = 0; l < all->items[i].lines.count; l++)
            belay_list_add_owned(&lines, belay_take(all->items[i].lines.items[l]));
    }
    belay_list_sort(&lines);
    belay_str_clear(ret);
    ret->max = DESCRIPTION_MAX_BYTES;
    for (size_t i = 0; i < lines.count; i++) {
        belay_str_append(ret, lines.items[i]);
        belay_str_append_char(ret, '\n');
    }
    return belay_str_check(ret, "the description of the schema", err);
}

bool belay_schema_describe_on(belay_pg *const *pgs, size_t count, belay_str *ret, belay_error *err)
{
    readers all = {0};
    init(&all, pgs, count);
    bool ok = read_all(&all, err) && put_together(&all, ret, err);
    for (size_t i = 0; i < all.count; i++)
        belay_list_done(&all.items[i].lines);
    return ok;
}

bool belay_schema_describe(belay_pg *pg, belay_str *ret, belay_error *err)
{
    return belay_schema_describe_on(&pg, 1, ret, err);
}

bool belay_schema_hash(belay_pg *pg, char hex[static 65], belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    if (!belay_schema_describe(pg, &text, err))
        return false;
    belay_sha256_of(belay_str_text(&text), text.length, hex);
    return true;
}

static belay_span take_line(const char **text)
{
    size_t length = strcspn(*text, "\n");
    belay_span line = {*text, length};
    *text += length + ((*text)[length] == '\n');
    return line;
}

static int compare_lines(belay_span a, belay_span b)
{
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static void add_line(belay_str *to, char sign, belay_span line, size_t *count, size_t max_lines)
{
    if (++*count > max_lines)
        return;
    belay_str_appendf(to, "%c ", sign);
    belay_str_append_n(to, line.data, line.length);
    belay_str_append_char(to, '\n');
}

char *belay_schema_difference(const char *before, const char *after, size_t max_lines)
{
    belay_str to = BELAY_STR_INIT;
    size_t count = 0;
    while (*before != '\0' || *after != '\0') {
        const char *next_before = before;
        const char *next_after = after;
        belay_span a = take_line(&next_before);
        belay_span b = take_line(&next_after);
        int order = *before == '\0' ? 1 : *after == '\0' ? -1 : compare_lines(a, b);
        if (order < 0)
            add_line(&to, '-', a, &count, max_lines);
        else if (order > 0)
            add_line(&to, '+', b, &count, max_lines);
        before = order <= 0 ? next_before : before;
        after = order >= 0 ? next_after : after;
    }
    if (count > max_lines)
        belay_str_appendf(&to, "... and %zu more\n", count - max_lines);
    if (count == 0) {
        belay_str_done(&to);
        return NULL;
    }
    return belay_str_steal(&to);
}
