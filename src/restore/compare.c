#include "restore/compare.h"

#include "pg/names.h"
#include "restore/compare_parts.h"
#include "restore/readback.h"
#include "restore/restore.sql.h"
#include "util/clock.h"
#include "util/stop.h"

enum { SHOWN_DIFFERENCES = 8 };

void belay_compare_differences_done(belay_compare_differences *differences)
{
    belay_list_done(&differences->texts);
}

void belay_compare_note_difference(belay_compare_differences *differences, char *text)
{
    differences->count++;
    if (differences->texts.count < SHOWN_DIFFERENCES)
        belay_list_add_owned(&differences->texts, text);
    else
        free(text);
}

void belay_compare_note(belay_comparison *c, char *text)
{
    belay_compare_note_difference(c->ret, text);
}

static bool same_root(const belay_table *a, const belay_table *b)
{
    return a->root_name != NULL && b->root_name != NULL && belay_equal(a->root_name, b->root_name) &&
           belay_equal(a->root_schema, b->root_schema);
}

bool belay_compare_expected(const belay_manifest *manifest, const belay_table *table, bool generated,
    belay_rowsum *ret, belay_error *err)
{
    *ret = (belay_rowsum){0};
    bool alone = table->root_name == NULL;
    const belay_table *tables = alone ? table : manifest->tables;
    for (size_t i = 0; i < (alone ? 1 : manifest->table_count); i++) {
        const belay_table *other = &tables[i];
        if (other != table && !same_root(table, other))
            continue;
        belay_rowsum part = {0};
        if (!belay_rowsum_parse(generated ? other->generated_hash : other->row_hash, other->rows, &part))
            return belay_fail(err, BELAY_E_ARCHIVE, "the manifest has no row hash for table %s.%s",
                other->schema, other->name);
        belay_rowsum_merge(ret, &part);
    }
    return true;
}

void belay_compare_note_sums(belay_compare_differences *to, const belay_table *table, bool generated,
    const belay_rowsum *expected, const belay_rowsum *got)
{
    if (belay_rowsum_equal(expected, got))
        return;
    const char *what = generated ? " (generated columns)" : "";
    const char *schema = table->root_name == NULL ? table->schema : table->root_schema;
    const char *name = table->root_name == NULL ? table->name : table->root_name;
    if (expected->rows != got->rows) {
        belay_compare_note_difference(
            to, belay_format("table %s.%s%s: expected %llu rows, got %llu", schema, name, what,
                    (unsigned long long)expected->rows, (unsigned long long)got->rows));
        return;
    }
    belay_compare_note_difference(
        to, belay_format("table %s.%s%s: %llu rows, but other values in at least one of them", schema, name,
                what, (unsigned long long)got->rows));
}

static bool compare_rows(belay_comparison *c, const belay_table *table, bool generated, belay_error *err)
{
    belay_rowsum expected;
    if (!belay_compare_expected(c->manifest, table, generated, &expected, err))
        return false;
    BELAY_AUTO(belay_free)
    char *copy = belay_readback_statement(table, generated, c->plain_names, (belay_page_range){0});
    belay_readback got = {0};
    belay_error fault = {0};
    if (!belay_pg_exec(c->pg, "SAVEPOINT belay", err))
        return false;
    bool binary = belay_equal(table->format, "binary");
    if (belay_readback_copy(c->pg, copy, binary, &got, &fault) ||
        (belay_pg_is_missing_name(&fault) && belay_pg_exec(c->pg, "ROLLBACK TO belay", err) &&
            belay_readback_by_path(c->pg, copy, binary, &got, &fault))) {
        c->ret->rows += generated ? 0 : got.sum.rows;
        c->ret->raw_bytes += got.bytes;
        belay_compare_note_sums(c->ret, table, generated, &expected, &got.sum);
        return belay_pg_exec(c->pg, "ROLLBACK TO belay; RELEASE belay", err);
    }
    if (!belay_pg_is_missing_name(&fault)) {
        if (err != NULL)
            *err = fault;
        return belay_error_prefix(err, "table %s.%s", table->schema, table->name);
    }
    belay_compare_note(c, belay_format("table %s.%s: %s", table->schema, table->name, fault.message));
    return belay_pg_exec(c->pg, "ROLLBACK TO belay", err);
}

/* Left out by option, or compared already with an earlier partition of the same root. */
static bool is_skipped(const belay_comparison *c, size_t number)
{
    const belay_table *table = &c->manifest->tables[number];
    if (c->options->skip_ledger && belay_equal(table->schema, "belay"))
        return true;
    BELAY_AUTO(belay_free) char *name = belay_format("%s.%s", table->schema, table->name);
    if (c->options->skip_tables != NULL && belay_list_has(c->options->skip_tables, name))
        return true;
    for (size_t i = 0; table->root_name != NULL && i < number; i++) {
        if (same_root(table, &c->manifest->tables[i]))
            return true;
    }
    return false;
}

static void report(belay_comparison *c, const belay_table *table, int64_t started_ms)
{
    const belay_progress progress = {.what = "compare",
        .item = table->name,
        .done_bytes = c->ret->raw_bytes,
        .total_bytes = c->manifest->raw_bytes,
        .done_rows = c->ret->rows,
        .elapsed_ms = belay_now_ms() - started_ms};
    belay_report_progress(c->options->reporter, &progress);
}

static bool compare_tables(belay_comparison *c, belay_error *err)
{
    int64_t started_ms = belay_now_ms();
    BELAY_AUTO(belay_free) char *encoding = NULL;
    if (!belay_pg_value(c->pg, sql_database_encoding, NULL, 0, &encoding, err) ||
        !belay_pg_execf(c->pg, err, "SET client_encoding = '%s'", encoding))
        return false;
    c->plain_names = belay_name_plain(encoding);
    for (size_t i = 0; i < c->manifest->table_count; i++) {
        const belay_table *table = &c->manifest->tables[i];
        if (is_skipped(c, i))
            continue;
        report(c, table, started_ms);
        if (!belay_stop_check(err) || !compare_rows(c, table, false, err) ||
            (table->generated_count > 0 && !compare_rows(c, table, true, err)))
            return false;
    }
    return true;
}

static bool compare_all(belay_comparison *c, belay_error *err)
{
    return belay_pg_exec(c->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) &&
           (c->options->skip_schema || belay_compare_schema(c, err)) &&
           (c->options->skip_sequences || belay_compare_sequences(c, err)) &&
           (c->options->skip_large_objects || belay_compare_large_objects(c, err)) &&
           compare_tables(c, err) && belay_pg_exec(c->pg, "COMMIT", err);
}

bool belay_compare_database(const belay_compare_options *options, belay_archive *archive,
    belay_compare_differences *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    const belay_pg_options how = {
        .dbname = options->dbname, .application_name = options->run_id, .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(options->dialer, &how, &pg, err))
        return false;
    belay_comparison c = {.options = options,
        .archive = archive,
        .manifest = belay_archive_manifest(archive),
        .pg = pg,
        .ret = ret};
    int64_t started_ms = belay_now_ms();
    bool ok = compare_all(&c, err);
    ret->seconds = (double)(belay_now_ms() - started_ms) / 1000.0;
    return ok;
}
