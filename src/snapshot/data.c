/* The rows: one COPY per table, cut between rows into chunks that are complete COPY files each. */
#include "pg/names.h"
#include "snapshot/parts.h"
#include "util/hash.h"
#include "util/stop.h"

/* Signature, flags and the length of the header extension; a tuple count of -1 ends the data. */
enum { BINARY_HEADER_BYTES = 19, BINARY_TRAILER_BYTES = 2 };
static const char binary_header[BINARY_HEADER_BYTES] = "PGCOPY\n\377\r\n";
static const char binary_trailer[BINARY_TRAILER_BYTES] = "\377\377";

/* File names end at 255 bytes. */
enum { FOLDER_MAX = 230 };

char *belay_taking_folder(const char *schema, const char *name)
{
    BELAY_AUTO(belay_free) char *left = belay_member_encode(schema);
    BELAY_AUTO(belay_free) char *right = belay_member_encode(name);
    bool dash = left[0] == '-'; /* would be an option to the commands of a restore by hand */
    BELAY_AUTO(belay_free)
    char *whole = belay_format("%s%s.%s", dash ? "%2D" : "", left + (dash ? 1 : 0), right);
    if (strlen(whole) <= FOLDER_MAX)
        return belay_take(whole);
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of(whole, strlen(whole), hex);
    return belay_format("%.180s-%.16s", whole, hex);
}

/* A table on its way into the archive. */
typedef struct output {
    belay_taking *t;
    belay_table *table;
    bool binary;
    char *folder;
    const char **chunks;
    size_t chunk_capacity;
    uint64_t chunk_rows;
    belay_rowsum sum;
} output;

/* The relation itself where possible: a query would lock its indexes as well. */
static char *copy_statement(const belay_taking *t, const belay_table *table, bool generated)
{
    BELAY_AUTO(belay_free) char *name = belay_name_qualified(table->schema, table->name, t->plain_names);
    const char *const *names = generated ? table->generated : table->columns;
    size_t count = generated ? table->generated_count : table->column_count;
    BELAY_AUTO(belay_free) char *columns = belay_name_columns(names, count, t->plain_names);
    if (count > 0 && !generated && table->filter == NULL)
        return belay_format("COPY %s (%s) TO STDOUT (FORMAT %s)", name, columns, table->format);
    return belay_format("COPY (SELECT %s FROM ONLY %s%s%s) TO STDOUT (FORMAT %s)", columns, name,
        table->filter == NULL ? "" : " WHERE ", table->filter == NULL ? "" : table->filter, table->format);
}

static void note_chunk(output *o, const char *member)
{
    size_t count = o->table->chunk_count;
    if (count == o->chunk_capacity) {
        size_t capacity = o->chunk_capacity == 0 ? 4 : o->chunk_capacity * 2;
        const char **chunks = belay_arena_alloc(o->t->arena, capacity * sizeof *chunks);
        if (count > 0)
            memcpy(chunks, o->chunks, count * sizeof *chunks);
        o->chunks = chunks;
        o->chunk_capacity = capacity;
    }
    o->chunks[count] = belay_arena_strdup(o->t->arena, member);
    o->table->chunk_count++;
    o->table->chunks = o->chunks;
}

static bool end_chunk(output *o, belay_error *err)
{
    belay_str *raw = &o->t->raw;
    if (o->chunk_rows == 0)
        return true;
    if (o->binary)
        belay_str_append_n(raw, binary_trailer, sizeof binary_trailer);
    BELAY_AUTO(belay_free)
    char *member = belay_format("data/%s/%zu.copy.zst", o->folder, o->table->chunk_count + 1);
    if (!belay_str_check(raw, "a chunk of rows", err) ||
        !belay_taking_add(o->t, member, raw->data, raw->length, o->chunk_rows, err))
        return false;
    o->table->raw_bytes += raw->length;
    note_chunk(o, member);
    belay_taking_advance(o->t, raw->length, o->chunk_rows);
    belay_str_clear(raw);
    o->chunk_rows = 0;
    return true;
}

static bool take_row(output *o, const char *row, size_t size_bytes, belay_error *err)
{
    belay_str *raw = &o->t->raw;
    belay_rowsum_add(&o->sum, row, size_bytes);
    if (o->binary && o->chunk_rows == 0)
        belay_str_append_n(raw, binary_header, sizeof binary_header);
    belay_str_append_n(raw, row, size_bytes);
    o->chunk_rows++;
    return raw->length < BELAY_CHUNK_BYTES || end_chunk(o, err);
}

static bool is_trailer(const char *data, size_t size)
{
    return size == sizeof binary_trailer && memcmp(data, binary_trailer, size) == 0;
}

/* The header comes in front of the first row, or of the trailer; only_sum: nothing is kept. */
static bool read_rows(output *o, const char *copy, bool only_sum, belay_error *err)
{
    const char *data = NULL;
    size_t size = 0;
    bool first = true;
    belay_copy_status status;
    if (!belay_pg_copy_out_begin(o->t->pg, copy, err))
        return false;
    while ((status = belay_pg_copy_read(o->t->pg, &data, &size, err)) == BELAY_COPY_ROW) {
        if (o->binary && first) {
            if (size < BINARY_HEADER_BYTES || memcmp(data, binary_header, BINARY_HEADER_BYTES) != 0)
                return belay_fail(
                    err, BELAY_E_UNSUPPORTED, "the server writes an unknown kind of binary COPY");
            data += BINARY_HEADER_BYTES;
            size -= BINARY_HEADER_BYTES;
        }
        first = false;
        if (o->binary && (size == 0 || is_trailer(data, size)))
            continue;
        if (only_sum)
            belay_rowsum_add(&o->sum, data, size);
        else if (!take_row(o, data, size, err))
            return false;
    }
    return status == BELAY_COPY_END;
}

static const char *sum_text(output *o)
{
    char hex[BELAY_ROWSUM_HEX_SIZE];
    belay_rowsum_hex(&o->sum, hex);
    return belay_arena_strdup(o->t->arena, hex);
}

static bool take_generated(output *o, belay_error *err)
{
    if (o->table->generated_count == 0)
        return true;
    BELAY_AUTO(belay_free) char *copy = copy_statement(o->t, o->table, true);
    o->sum = (belay_rowsum){0};
    if (!read_rows(o, copy, true, err))
        return false;
    o->table->generated_hash = sum_text(o);
    return true;
}

static bool take_table(belay_taking *t, belay_table *table, belay_error *err)
{
    BELAY_AUTO(belay_free) char *copy = copy_statement(t, table, false);
    BELAY_AUTO(belay_free) char *folder = belay_taking_folder(table->schema, table->name);
    output o = {.t = t, .table = table, .binary = belay_equal(table->format, "binary"), .folder = folder};
    belay_str_clear(&t->raw);
    t->progress.item = table->name;
    belay_taking_advance(t, 0, 0);
    if (!read_rows(&o, copy, false, err) || !end_chunk(&o, err))
        return false;
    table->rows = o.sum.rows;
    table->row_hash = sum_text(&o);
    t->rows += table->rows;
    t->raw_bytes += table->raw_bytes;
    return take_generated(&o, err);
}

bool belay_taking_rows(belay_taking *t, belay_error *err)
{
    if (!belay_pg_execf(t->pg, err, "SET LOCAL client_encoding = '%s'", t->encoding))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        if (!belay_stop_check(err))
            return false;
        if (!take_table(t, &t->tables[i], err))
            return belay_error_prefix(err, "table %s.%s", t->tables[i].schema, t->tables[i].name);
    }
    return belay_pg_exec(t->pg, "SET LOCAL client_encoding = 'UTF8'", err);
}
