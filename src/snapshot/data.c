/* The rows of a table, or of a range of it, cut between rows into chunks that are complete COPY files each.
 */
#include "pg/names.h"
#include "snapshot/flow.h"

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

/* The conditions on its rows; "" for the whole table. */
static char *condition(const belay_piece *piece)
{
    const belay_table *table = piece->planned->table;
    belay_str text = BELAY_STR_INIT;
    if (table->filter != NULL)
        belay_str_appendf(&text, " WHERE %s", table->filter);
    else if (piece->end_block > 0)
        belay_str_appendf(&text,
            " WHERE ctid OPERATOR(pg_catalog.>=) '(%llu,0)' AND ctid OPERATOR(pg_catalog.<) '(%llu,0)'",
            (unsigned long long)piece->first_block, (unsigned long long)piece->end_block);
    else if (piece->first_block > 0)
        belay_str_appendf(
            &text, " WHERE ctid OPERATOR(pg_catalog.>=) '(%llu,0)'", (unsigned long long)piece->first_block);
    return belay_str_steal(&text);
}

/* The lock first, in the same round trip: a reader that waits for it behind somebody who waits for the
 * coordinator's would wait for ever. The relation itself where possible: a query would lock its indexes as
 * well. */
static char *copy_statement(const belay_worker *w, const belay_piece *piece, bool generated)
{
    const belay_table *table = piece->planned->table;
    bool plain = w->flow->t->plain_names;
    BELAY_AUTO(belay_free) char *name = belay_name_qualified(table->schema, table->name, plain);
    const char *const *names = generated ? table->generated : table->columns;
    size_t count = generated ? table->generated_count : table->column_count;
    BELAY_AUTO(belay_free) char *columns = belay_name_columns(names, count, plain);
    BELAY_AUTO(belay_free) char *where = condition(piece);
    const char *path = piece->by_path ? "SET LOCAL search_path = DEFAULT; " : "";
    if (count > 0 && !generated && *where == '\0')
        return belay_format(
            "%sLOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; COPY %s (%s) TO STDOUT (FORMAT %s)", path,
            name, name, columns, table->format);
    return belay_format(
        "%sLOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; COPY (SELECT %s FROM ONLY %s%s) TO STDOUT "
        "(FORMAT %s)",
        path, name, columns, name, where, table->format);
}

/* What is read of one COPY. */
typedef struct reader {
    belay_worker *w;
    belay_piece *piece;
    bool binary;
    bool only_sum; /* nothing is kept */
} reader;

static bool end_chunk(reader *r, belay_error *err)
{
    belay_worker *w = r->w;
    if (w->chunk == NULL)
        return true;
    if (r->binary && !belay_chunk_add(w, belay_copy_trailer, sizeof belay_copy_trailer, err))
        return false;
    uint64_t bytes = w->chunk->raw_bytes, rows = w->chunk->rows;
    if (!belay_chunk_end(w, err))
        return false;
    r->piece->handed_over = w->sum;
    atomic_fetch_add(&w->flow->bytes, bytes);
    atomic_fetch_add(&r->piece->planned->read_bytes, bytes);
    atomic_fetch_add(&w->flow->rows, rows);
    return true;
}

static bool begin_chunk(reader *r, belay_error *err)
{
    return belay_chunk_begin(r->w, r->piece, err) &&
           (!r->binary || belay_chunk_add(r->w, belay_copy_header, sizeof belay_copy_header, err));
}

/* After a lost connection: a row that the writer has already. */
static bool is_handed_over(const reader *r)
{
    return r->w->sum.rows <= r->piece->handed_over.rows;
}

static bool check_handed_over(const reader *r, belay_error *err)
{
    return r->w->sum.rows != r->piece->handed_over.rows ||
           belay_rowsum_equal(&r->w->sum, &r->piece->handed_over) ||
           belay_fail(err, BELAY_E_UNSUPPORTED,
               "after a lost connection the server sent the rows in another order than before");
}

static bool take_row(void *context, const void *row, size_t size_bytes, belay_error *err)
{
    reader *r = context;
    belay_worker *w = r->w;
    belay_rowsum_add(&w->sum, row, size_bytes);
    if (r->only_sum)
        return true;
    if (is_handed_over(r))
        return check_handed_over(r, err);
    if ((w->chunk == NULL && !begin_chunk(r, err)) || !belay_chunk_add(w, row, size_bytes, err))
        return false;
    w->chunk->rows++;
    return w->chunk->raw_bytes < BELAY_CHUNK_BYTES || end_chunk(r, err);
}

static bool read_rows(reader *r, const char *copy, belay_error *err)
{
    BELAY_AUTO(belay_free) char *opening = belay_worker_opening(r->w);
    BELAY_AUTO(belay_free) char *all = belay_format("%s%s", opening, copy);
    r->w->sum = (belay_rowsum){0};
    return belay_pg_copy_rows(r->w->pg, all, r->binary, take_row, r, err);
}

static bool read_generated(reader *r, belay_error *err)
{
    if (r->piece->planned->table->generated_count == 0)
        return true;
    BELAY_AUTO(belay_free) char *copy = copy_statement(r->w, r->piece, true);
    r->only_sum = true;
    if (!read_rows(r, copy, err))
        return false;
    r->piece->generated_sum = r->w->sum;
    return true;
}

bool belay_take_rows(belay_worker *w, belay_piece *piece, belay_error *err)
{
    BELAY_AUTO(belay_free) char *copy = copy_statement(w, piece, false);
    reader r = {.w = w, .piece = piece, .binary = belay_equal(piece->planned->table->format, "binary")};
    if (!read_rows(&r, copy, err) || !end_chunk(&r, err))
        return false;
    if (is_handed_over(&r) && !belay_rowsum_equal(&w->sum, &piece->handed_over))
        return belay_fail(
            err, BELAY_E_UNSUPPORTED, "after a lost connection the server sent fewer rows than before");
    piece->sum = w->sum;
    return read_generated(&r, err);
}
