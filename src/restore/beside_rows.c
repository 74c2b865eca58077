#include "restore/beside_rows.h"

#include "archive/codec.h"
#include "pg/names.h"
#include "restore/readback.h"
#include "util/clock.h"
#include "util/stop.h"

bool belay_beside_has(const belay_beside_plan *plan, const char *schema, const char *name)
{
    BELAY_AUTO(belay_free) char *key = belay_quote_qualified(schema, name);
    return belay_list_has(&plan->tables, key);
}

/* The manifest's table as it is now: in the other schema, loaded through its root only if that is there. */
static belay_table moved(const belay_beside_rows *r, const belay_table *table)
{
    belay_table copy = *table;
    copy.schema = r->schema;
    if (table->root_name != NULL && belay_beside_has(r->plan, table->root_schema, table->root_name))
        copy.root_schema = r->schema;
    else
        copy.root_schema = copy.root_name = NULL;
    return copy;
}

typedef struct sink {
    belay_beside_rows *rows;
    belay_codec *codec;
    belay_progress progress;
    int64_t started_ms;
} sink;

static void report(sink *s)
{
    s->progress.done_bytes = s->rows->raw_bytes;
    s->progress.done_rows = s->rows->rows;
    s->progress.elapsed_ms = belay_now_ms() - s->started_ms;
    belay_report_progress(s->rows->reporter, &s->progress);
}

static bool to_copy(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    sink *s = context;
    s->rows->raw_bytes += size_bytes;
    report(s);
    return belay_pg_copy_write(s->rows->pg, data, size_bytes, err);
}

static bool load_chunk(belay_beside_rows *r, const char *copy, const char *name, sink *to, belay_error *err)
{
    BELAY_AUTO(belay_free) void *stored = NULL;
    size_t size = 0;
    const belay_member *member = NULL;
    uint64_t rows = 0;
    if (!belay_stop_check(err) ||
        !belay_archive_read_stored(r->archive, name, &member, &stored, &size, err) ||
        !belay_pg_copy_in_begin(r->pg, copy, err))
        return false;
    if (!belay_codec_decode(to->codec, stored, size, to_copy, to, NULL, err)) {
        belay_pg_copy_abort(r->pg, "belay could not read the snapshot");
        return false;
    }
    if (!belay_pg_copy_end(r->pg, &rows, err))
        return false;
    r->rows += rows;
    return true;
}

static char *copy_statement(const belay_beside_rows *r, const belay_table *table)
{
    bool root = table->root_name != NULL;
    bool list = table->column_count > 0;
    BELAY_AUTO(belay_free)
    char *name = belay_name_qualified(
        root ? table->root_schema : table->schema, root ? table->root_name : table->name, r->plain_names);
    BELAY_AUTO(belay_free)
    char *columns = belay_name_columns(table->columns, table->column_count, r->plain_names);
    return belay_format("COPY %s%s%s%s FROM STDIN (FORMAT %s)", name, list ? " (" : "", columns,
        list ? ")" : "", table->format);
}

static bool load_table(belay_beside_rows *r, const belay_table *table, sink *to, belay_error *err)
{
    const belay_table now = moved(r, table);
    BELAY_AUTO(belay_free) char *copy = copy_statement(r, &now);
    to->progress.item = table->name;
    for (size_t i = 0; i < table->chunk_count; i++) {
        if (!load_chunk(r, copy, table->chunks[i], to, err))
            return belay_error_prefix(err, "rows of %s.%s", table->schema, table->name);
    }
    return true;
}

static bool load_all(belay_beside_rows *r, sink *to, belay_error *err)
{
    const belay_manifest *m = belay_archive_manifest(r->archive);
    r->rows = r->raw_bytes = 0;
    for (size_t i = 0; i < m->table_count; i++) {
        if (belay_beside_has(r->plan, m->tables[i].schema, m->tables[i].name) &&
            !load_table(r, &m->tables[i], to, err))
            return false;
    }
    to->progress.finished = true;
    report(to);
    return true;
}

/* Once more where a check or a generated column leans on the source's search_path. */
bool belay_beside_load(belay_beside_rows *r, belay_error *err)
{
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    const belay_manifest *m = belay_archive_manifest(r->archive);
    sink to = {r, codec, {.what = "restore"}, belay_now_ms()};
    belay_error first = {0};
    for (size_t i = 0; i < m->table_count; i++) {
        if (belay_beside_has(r->plan, m->tables[i].schema, m->tables[i].name))
            to.progress.total_bytes += m->tables[i].raw_bytes;
    }
    if (!belay_pg_exec(r->pg, "SAVEPOINT belay", err))
        return false;
    if (load_all(r, &to, &first) ||
        (belay_pg_is_missing_name(&first) && belay_pg_exec(r->pg, "ROLLBACK TO belay", NULL) &&
            belay_pg_exec(r->pg, r->path, NULL) && load_all(r, &to, NULL)))
        return belay_pg_exec(r->pg, "SET LOCAL search_path = ''; RELEASE belay", err);
    if (err != NULL)
        *err = first;
    return false;
}

/* The sum of all tables of the snapshot that are read back with this one; false: an earlier one was. */
static bool expected_sum(const belay_manifest *m, size_t number, const belay_table *now, bool generated,
    belay_rowsum *ret, bool *ret_legible)
{
    const belay_table *table = &m->tables[number];
    *ret_legible = true;
    for (size_t i = 0; i < m->table_count; i++) {
        const belay_table *other = &m->tables[i];
        bool same = i == number || (now->root_name != NULL && other->root_name != NULL &&
                                       belay_equal(other->root_name, table->root_name) &&
                                       belay_equal(other->root_schema, table->root_schema));
        belay_rowsum part = {0};
        if (!same)
            continue;
        if (i < number)
            return false;
        *ret_legible = *ret_legible && belay_rowsum_parse(generated ? other->generated_hash : other->row_hash,
                                           other->rows, &part);
        belay_rowsum_merge(ret, &part);
    }
    return true;
}

static bool compare_columns(belay_beside_rows *r, size_t number, bool generated, belay_error *err)
{
    const belay_manifest *m = belay_archive_manifest(r->archive);
    const belay_table now = moved(r, &m->tables[number]);
    belay_rowsum expected = {0};
    belay_readback got = {0};
    bool legible = false;
    if (!expected_sum(m, number, &now, generated, &expected, &legible))
        return true;
    if (!legible)
        return belay_fail(
            err, BELAY_E_ARCHIVE, "the manifest has no row hash for table %s.%s", now.schema, now.name);
    BELAY_AUTO(belay_free)
    char *select = belay_readback_select(&now, generated, r->plain_names);
    BELAY_AUTO(belay_free)
    char *copy = belay_readback_statement(
        &(belay_readback_part){.select = select, .filter = now.filter, .format = now.format});
    if (!belay_readback_copy(r->pg, copy, belay_equal(now.format, "binary"), &got, err))
        return false;
    if (belay_rowsum_equal(&expected, &got.sum))
        return true;
    if (generated && got.sum.rows == expected.rows) {
        char *text = belay_format(
            "generated columns of %s have other values than in the snapshot: what computes them has changed",
            now.name);
        belay_say(r->reporter, BELAY_WARN, "%s", text);
        belay_list_add_owned(r->warnings, text);
        return true;
    }
    return belay_fail(err, BELAY_E_COMPARE,
        "table %s differs from the snapshot: %llu rows read back, %llu expected, or other values", now.name,
        (unsigned long long)got.sum.rows, (unsigned long long)expected.rows);
}

bool belay_beside_compare(belay_beside_rows *r, belay_error *err)
{
    const belay_manifest *m = belay_archive_manifest(r->archive);
    for (size_t i = 0; i < m->table_count; i++) {
        if (belay_beside_has(r->plan, m->tables[i].schema, m->tables[i].name) &&
            (!belay_stop_check(err) || !compare_columns(r, i, false, err) ||
                (m->tables[i].generated_count > 0 && !compare_columns(r, i, true, err))))
            return false;
    }
    return true;
}
