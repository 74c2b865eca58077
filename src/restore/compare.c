#include "restore/compare.h"

#include "pg/names.h"
#include "restore/compare_parts.h"
#include "restore/compare_rows.h"
#include "restore/relations.h"
#include "restore/restore.sql.h"
#include "util/clock.h"

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

/* What the manifest says of the table and of all that share its root. */
static bool expected_sum(const belay_manifest *manifest, const belay_table *table, bool generated,
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

bool belay_compare_is_with_earlier(const belay_manifest *manifest, size_t number)
{
    const belay_table *table = &manifest->tables[number];
    for (size_t i = number; table->root_name != NULL && i > 0; i--) {
        if (same_root(table, &manifest->tables[i - 1]))
            return true;
    }
    return false;
}

void belay_compare_note_sums(
    belay_compare_differences *to, const char *what, const belay_rowsum *expected, const belay_rowsum *got)
{
    if (belay_rowsum_equal(expected, got))
        return;
    if (expected->rows != got->rows)
        belay_compare_note_difference(
            to, belay_format("%s: expected %llu rows, got %llu", what, (unsigned long long)expected->rows,
                    (unsigned long long)got->rows));
    else
        belay_compare_note_difference(
            to, belay_format("%s: %llu rows, but other values in at least one of them", what,
                    (unsigned long long)got->rows));
}

bool belay_compare_note_table(const belay_manifest *manifest, const belay_table *table, bool generated,
    const belay_readback *got, const char *missing, belay_compare_differences *to, belay_error *err)
{
    belay_rowsum expected;
    bool root = table->root_name != NULL;
    if (missing != NULL) {
        belay_compare_note_difference(
            to, belay_format("table %s.%s: %s", table->schema, table->name, missing));
        return true;
    }
    to->rows += generated ? 0 : got->sum.rows;
    to->raw_bytes += got->bytes;
    if (!expected_sum(manifest, table, generated, &expected, err))
        return false;
    BELAY_AUTO(belay_free)
    char *what = belay_format("table %s.%s%s", root ? table->root_schema : table->schema,
        root ? table->root_name : table->name, generated ? " (generated columns)" : "");
    belay_compare_note_sums(to, what, &expected, &got->sum);
    return true;
}

static void add_part(const belay_comparison *c, const belay_relations *relations, const belay_table *table,
    bool generated, belay_compare_parts *to)
{
    long found = table->root_name == NULL ? belay_relations_find(relations, table->schema, table->name)
                                          : BELAY_NO_RELATION;
    const belay_relation *relation = found == BELAY_NO_RELATION ? NULL : &relations->items[found];
    const belay_compare_part part = {.table = table,
        .generated = generated,
        .name = belay_format("table %s.%s", table->schema, table->name),
        .what = {.select = belay_readback_select(table, generated, c->plain_names),
            .filter = table->filter,
            .format = table->format,
            .oid = relation == NULL ? 0 : relation->oid}};
    belay_compare_parts_add(to, part, table->raw_bytes, relation != NULL && relation->heap);
}

static bool list_parts(const belay_comparison *c, belay_compare_parts *to, belay_error *err)
{
    BELAY_AUTO(belay_relations_done) belay_relations relations = {0};
    if (!belay_relations_read(c->pg, &relations, err))
        return false;
    for (size_t i = 0; i < c->manifest->table_count; i++) {
        const belay_table *table = &c->manifest->tables[i];
        if ((c->options->skip_ledger && belay_equal(table->schema, "belay")) ||
            belay_compare_is_with_earlier(c->manifest, i))
            continue;
        add_part(c, &relations, table, false, to);
        if (table->generated_count > 0)
            add_part(c, &relations, table, true, to);
    }
    return true;
}

/* Sums of a table's parts, which stand side by side: sums know no order. */
static bool note_parts(belay_comparison *c, const belay_compare_parts *parts, belay_error *err)
{
    for (size_t i = 0; i < parts->count; i += parts->items[i].what.parts) {
        const belay_compare_part *first = &parts->items[i];
        belay_readback got = {0};
        const char *missing = NULL;
        for (size_t j = 0; j < first->what.parts; j++) {
            belay_readback_merge(&got, &first[j].got[0]);
            missing = missing == NULL ? first[j].missing : missing;
        }
        if (!belay_compare_note_table(
                c->manifest, first->table, first->generated, &got, missing, c->ret, err))
            return false;
    }
    return true;
}

static bool compare_tables(belay_comparison *c, belay_error *err)
{
    BELAY_AUTO(belay_compare_parts_done) belay_compare_parts parts = {0};
    BELAY_AUTO(belay_free) char *encoding = NULL;
    const belay_compare_reading reading = {.options = c->options,
        .sides = {{c->options->dbname, c->pg}},
        .side_count = 1,
        .total_bytes = c->manifest->raw_bytes};
    if (!belay_pg_value(c->pg, sql_database_encoding, NULL, 0, &encoding, err))
        return false;
    c->plain_names = belay_name_plain(encoding);
    return list_parts(c, &parts, err) && belay_compare_read(&reading, &parts, err) &&
           note_parts(c, &parts, err);
}

static bool compare_all(belay_comparison *c, belay_error *err)
{
    return belay_pg_exec(c->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) &&
           (c->options->skip_schema || belay_compare_schema(c, err)) &&
           (c->options->skip_sequences || belay_compare_sequences(c, err)) &&
           (c->options->skip_large_objects || belay_compare_large_objects(c, 0, 1, err)) &&
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
