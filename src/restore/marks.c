#include "restore/marks.h"

#include "restore/restore.sql.h"

typedef struct mark {
    char *key;
    char *note;
} mark;

struct belay_marks {
    mark *items; /* sorted by key */
    size_t count;
    bool whole; /* there is nothing that is not done */
};

static const char snapshot_key[] = "snapshot";
static const char no_crash_key[] = "no crash";

void belay_marks_free(belay_marks *marks)
{
    if (marks == NULL)
        return;
    for (size_t i = 0; i < marks->count; i++) {
        free(marks->items[i].key);
        free(marks->items[i].note);
    }
    free(marks->items);
    free(marks);
}

static char *schema_of(const char *run_id)
{
    return belay_format("belay_restore_%s", run_id);
}

static char *table_of(const char *run_id, bool unlogged)
{
    BELAY_AUTO(belay_free) char *schema = schema_of(run_id);
    return belay_quote_qualified(schema, unlogged ? "done_unlogged" : "done");
}

bool belay_marks_create(belay_pg *pg, const char *run_id, const char *snapshot_id, belay_error *err)
{
    BELAY_AUTO(belay_free) char *schema = schema_of(run_id);
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(schema);
    BELAY_AUTO(belay_free) char *logged = table_of(run_id, false);
    BELAY_AUTO(belay_free) char *unlogged = table_of(run_id, true);
    BELAY_AUTO(belay_free) char *first = belay_marks_insert(run_id, false, snapshot_key, snapshot_id);
    BELAY_AUTO(belay_free) char *second = belay_marks_insert(run_id, true, no_crash_key, NULL);
    return belay_pg_execf(pg, err,
        "BEGIN; CREATE SCHEMA %s; CREATE TABLE %s (key text PRIMARY KEY, note text) USING heap; "
        "CREATE UNLOGGED TABLE %s (key text PRIMARY KEY, note text) USING heap; %s; %s; COMMIT",
        quoted, logged, unlogged, first, second);
}

bool belay_marks_saw_crash(const belay_marks *marks)
{
    return belay_marks_find(marks, no_crash_key) == NULL;
}

bool belay_marks_settle_crash(belay_pg *pg, const char *run_id, belay_error *err)
{
    BELAY_AUTO(belay_free) char *insert = belay_marks_insert(run_id, true, no_crash_key, NULL);
    return belay_pg_exec(pg, insert, err);
}

char *belay_marks_insert(const char *run_id, bool unlogged, const char *key, const char *note)
{
    BELAY_AUTO(belay_free) char *table = table_of(run_id, unlogged);
    BELAY_AUTO(belay_free) char *key_text = belay_quote_literal(key);
    BELAY_AUTO(belay_free) char *note_text = belay_quote_literal(note == NULL ? "" : note);
    return belay_format("INSERT INTO %s VALUES (%s, %s)", table, key_text, note_text);
}

char *belay_marks_drop(const char *run_id)
{
    BELAY_AUTO(belay_free) char *schema = schema_of(run_id);
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(schema);
    return belay_format("DROP SCHEMA IF EXISTS %s CASCADE", quoted);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const mark *)a)->key, ((const mark *)b)->key);
}

static bool exist(belay_pg *pg, const char *run_id, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *schema = schema_of(run_id);
    BELAY_AUTO(belay_free) char *found = NULL;
    if (!belay_pg_value(pg, sql_schema_exists, (const char *const[]){schema}, 1, &found, err))
        return false;
    *ret = found != NULL;
    return true;
}

bool belay_marks_read(belay_pg *pg, const char *run_id, belay_marks **ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *logged = table_of(run_id, false);
    BELAY_AUTO(belay_free) char *unlogged = table_of(run_id, true);
    BELAY_AUTO(belay_free)
    char *sql = belay_format("SELECT key, note FROM %s UNION ALL SELECT key, note FROM %s", logged, unlogged);
    bool there = false;
    *ret = NULL;
    if (!exist(pg, run_id, &there, err) || (there && !belay_pg_query0(pg, sql, &rows, err)))
        return false;
    if (!there)
        return true;
    belay_marks *marks = belay_alloc(sizeof *marks);
    marks->count = belay_rows_count(rows);
    marks->items = belay_realloc_array(NULL, marks->count + 1, sizeof *marks->items);
    for (size_t i = 0; i < marks->count; i++)
        marks->items[i] =
            (mark){belay_strdup(belay_rows_text(rows, i, 0)), belay_strdup(belay_rows_text(rows, i, 1))};
    qsort(marks->items, marks->count, sizeof *marks->items, by_key);
    *ret = marks;
    return true;
}

const char *belay_marks_find(const belay_marks *marks, const char *key)
{
    if (marks == NULL)
        return NULL;
    if (marks->whole)
        return "";
    const mark wanted = {.key = (char *)(uintptr_t)key};
    const mark *found = bsearch(&wanted, marks->items, marks->count, sizeof *marks->items, by_key);
    return found == NULL ? NULL : found->note;
}

belay_marks *belay_marks_of_whole(void)
{
    belay_marks *marks = belay_alloc(sizeof *marks);
    marks->whole = true;
    return marks;
}

bool belay_marks_are_of_whole(const belay_marks *marks)
{
    return marks != NULL && marks->whole;
}

bool belay_marks_are_of(const belay_marks *marks, const char *snapshot_id)
{
    const char *note = belay_marks_find(marks, snapshot_key);
    return note != NULL && belay_equal(note, snapshot_id);
}

void belay_marks_notes(const belay_marks *marks, const char *prefix, belay_list *ret)
{
    for (size_t i = 0; marks != NULL && i < marks->count; i++) {
        if (belay_starts_with(marks->items[i].key, prefix) && marks->items[i].note[0] != '\0')
            belay_list_add(ret, marks->items[i].note);
    }
}
