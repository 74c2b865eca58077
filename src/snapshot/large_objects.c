/* Large objects: several per piece. The first BELAY_CHUNK_BYTES of each come in one stream, what is longer is
 * asked for part by part behind it. t->large_object_bytes says how far each is handed over: a worker that
 * lost its connection goes on there. */
#include "snapshot/extras.sql.h"
#include "snapshot/flow.h"

enum { MOST_PER_PIECE = 1000, PIECES_PER_JOB = 8 };

/* A row of binary COPY with one field: number of fields, its length, its bytes. */
enum { ROW_HEAD_BYTES = 6 };

typedef struct reader {
    belay_worker *w;
    belay_piece *piece;
    size_t number; /* of the large object whose row is next */
    bool is_empty; /* the last row was */
} reader;

static bool hand_over(reader *r, const char *data, size_t size_bytes, belay_error *err)
{
    belay_worker *w = r->w;
    if (!belay_chunk_begin(w, r->piece, err) || !belay_chunk_add(w, data, size_bytes, err) ||
        !belay_chunk_end(w, err))
        return false;
    w->flow->t->large_object_bytes[r->number] += size_bytes;
    atomic_fetch_add(&w->flow->bytes, size_bytes);
    return true;
}

static bool take_row(void *context, const void *row, size_t size_bytes, belay_error *err)
{
    reader *r = context;
    if (size_bytes < ROW_HEAD_BYTES)
        return belay_fail(err, BELAY_E_UNSUPPORTED, "the server writes an unknown kind of binary COPY");
    r->is_empty = size_bytes == ROW_HEAD_BYTES;
    if (!r->is_empty && !hand_over(r, (const char *)row + ROW_HEAD_BYTES, size_bytes - ROW_HEAD_BYTES, err))
        return false;
    r->number++;
    return true;
}

static const char *oid_of(const belay_taking *t, size_t number)
{
    return belay_rows_text(t->large_object_oids, number, 0);
}

/* Of those that are not begun yet. */
static bool take_first_parts(reader *r, belay_error *err)
{
    const belay_taking *t = r->w->flow->t;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_str_appendf(
        &sql, "COPY (SELECT pg_catalog.lo_get(o.oid, 0, %d) FROM pg_catalog.unnest('", BELAY_CHUNK_BYTES);
    r->number = r->piece->first;
    for (size_t i = r->piece->first; i < r->piece->end; i++)
        r->number = t->large_object_bytes[i] > 0 ? i + 1 : r->number;
    for (size_t i = r->number; i < r->piece->end; i++)
        belay_str_appendf(&sql, "%c%s", i == r->number ? '{' : ',', oid_of(t, i));
    belay_str_append(&sql, "}'::pg_catalog.oid[]) o(oid)) TO STDOUT (FORMAT binary)");
    return r->number == r->piece->end ||
           belay_pg_copy_rows(r->w->pg, belay_str_text(&sql), true, take_row, r, err);
}

static bool take_rest(reader *r, size_t number, belay_error *err)
{
    const belay_taking *t = r->w->flow->t;
    r->is_empty = false;
    while (!r->is_empty && t->large_object_bytes[number] > 0 &&
           t->large_object_bytes[number] % BELAY_CHUNK_BYTES == 0) {
        BELAY_AUTO(belay_free)
        char *copy = belay_format("COPY (SELECT pg_catalog.lo_get(%s, %llu, %d)) TO STDOUT (FORMAT binary)",
            oid_of(t, number), (unsigned long long)t->large_object_bytes[number], BELAY_CHUNK_BYTES);
        r->number = number;
        if (!belay_pg_copy_rows(r->w->pg, copy, true, take_row, r, err))
            return belay_error_prefix(err, "large object %s", oid_of(t, number));
    }
    return true;
}

static bool take_some(belay_worker *w, belay_piece *piece, belay_error *err)
{
    reader r = {.w = w, .piece = piece};
    if (!take_first_parts(&r, err))
        return belay_error_prefix(err, "large objects");
    for (size_t i = piece->first; i < piece->end; i++) {
        if (!take_rest(&r, i, err))
            return false;
    }
    return true;
}

static size_t per_piece(const belay_taking *t, size_t objects)
{
    size_t fair = objects / (t->jobs * PIECES_PER_JOB) + 1;
    return fair < MOST_PER_PIECE ? fair : MOST_PER_PIECE;
}

static bool begin(belay_taking *t, size_t *ret_count, belay_error *err)
{
    if (!belay_pg_query0(t->pg, sql_extras_large_objects, &t->large_object_oids, err))
        return false;
    size_t objects = belay_rows_count(t->large_object_oids);
    t->large_object_bytes = belay_arena_alloc(t->arena, (objects + 1) * sizeof *t->large_object_bytes);
    *ret_count = (objects + per_piece(t, objects) - 1) / per_piece(t, objects);
    return true;
}

static void cut(belay_taking *t, belay_piece *pieces, size_t count)
{
    size_t objects = belay_rows_count(t->large_object_oids), each = per_piece(t, objects);
    uint64_t all_bytes = count == 0 ? 0 : (uint64_t)belay_rows_int(t->large_object_oids, 0, 1);
    t->progress.total_bytes += all_bytes;
    for (size_t i = 0; i < count; i++)
        pieces[i] = (belay_piece){.take = take_some,
            .needs_server = true,
            .cost_bytes = all_bytes / count,
            .first = i * each,
            .end = i + 1 == count ? objects : (i + 1) * each};
}

/* The piece's members in the order in which they were handed over. */
static bool note_objects(belay_taking *t, const belay_piece *piece, belay_error *err)
{
    size_t firsts = 0, rest = 0;
    for (size_t i = piece->first; i < piece->end; i++)
        rest += t->large_object_bytes[i] > 0;
    for (size_t i = piece->first; i < piece->end; i++) {
        uint64_t bytes = t->large_object_bytes[i];
        json_t *chunks = json_array();
        if (bytes > 0)
            json_array_append_new(chunks, json_string(piece->chunks[firsts++]));
        for (uint64_t at = BELAY_CHUNK_BYTES; at < bytes; at += BELAY_CHUNK_BYTES)
            json_array_append_new(chunks, json_string(piece->chunks[rest++]));
        json_array_append_new(
            t->large_objects, json_pack("{s:I, s:o, s:I}", "oid", (json_int_t)strtoll(oid_of(t, i), NULL, 10),
                                  "chunks", chunks, "bytes", (json_int_t)bytes));
        t->raw_bytes += bytes;
    }
    return rest == piece->chunk_count ||
           belay_fail(err, BELAY_E_INTERNAL, "large objects: %zu members are noted, %zu were written", rest,
               piece->chunk_count);
}

static bool end(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err)
{
    t->large_objects = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!note_objects(t, &pieces[i], err))
            return false;
    }
    return belay_taking_add_json(t, "blobs.json", t->large_objects, err);
}

const belay_extra belay_extra_large_objects = {begin, cut, end};
