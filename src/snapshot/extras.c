/* Sequence positions and large objects. */
#include "snapshot/extras.sql.h"
#include "snapshot/parts.h"
#include "util/stop.h"

enum { SEQUENCES_PER_QUERY = 200 };

/* Positions of some sequences, in order, by one query. */
static bool read_positions(belay_taking *t, const belay_rows *names, size_t from, size_t to, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    for (size_t i = from; i < to; i++) {
        BELAY_AUTO(belay_free)
        char *name = belay_quote_qualified(belay_rows_text(names, i, 0), belay_rows_text(names, i, 1));
        belay_str_appendf(
            &sql, "%sSELECT %zu, last_value, is_called FROM %s", i == from ? "" : " UNION ALL ", i, name);
    }
    if (!belay_pg_query0(t->pg, belay_str_text(&sql), &rows, err))
        return belay_error_prefix(err, "reading the positions of sequences");
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        size_t number = (size_t)belay_rows_int(rows, i, 0);
        json_t *position = json_pack("{s:s, s:s, s:I, s:b}", "schema", belay_rows_text(names, number, 0),
            "name", belay_rows_text(names, number, 1), "last_value", (json_int_t)belay_rows_int(rows, i, 1),
            "is_called", belay_rows_bool(rows, i, 2));
        if (json_array_append_new(t->sequences, position) != 0) {
            belay_fail(err, BELAY_E_UNSUPPORTED, "the name of sequence %s is not UTF-8",
                belay_rows_text(names, number, 1));
            return belay_error_hint(err, "ALTER SEQUENCE ... RENAME TO gives it a name that is");
        }
    }
    return true;
}

/* After the rows: positions are not of the transaction, so that they are at or beyond what rows used. */
bool belay_taking_sequences(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *names = NULL;
    if (!belay_pg_query0(t->pg, sql_extras_sequences, &names, err))
        return false;
    size_t count = belay_rows_count(names);
    t->sequences = json_array();
    for (size_t i = 0; i < count; i += SEQUENCES_PER_QUERY) {
        size_t to = i + SEQUENCES_PER_QUERY < count ? i + SEQUENCES_PER_QUERY : count;
        if (!belay_stop_check(err) || !belay_taking_watch(t, err) || !read_positions(t, names, i, to, err))
            return false;
    }
    return belay_taking_add_json(t, "sequences.json", t->sequences, err);
}

/* The one field of the one row: tuple count, length, bytes. */
static bool add_field(void *context, const void *row, size_t size_bytes, belay_error *err)
{
    enum { ROW_HEAD_BYTES = 6 };
    if (size_bytes < ROW_HEAD_BYTES)
        return belay_fail(err, BELAY_E_UNSUPPORTED, "the server writes an unknown kind of binary COPY");
    belay_str_append_n(context, (const char *)row + ROW_HEAD_BYTES, size_bytes - ROW_HEAD_BYTES);
    return true;
}

static bool read_piece(belay_taking *t, const char *oid, uint64_t offset, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *copy = belay_format("COPY (SELECT pg_catalog.lo_get(%s, %llu, %d)) TO STDOUT (FORMAT binary)", oid,
        (unsigned long long)offset, BELAY_CHUNK_BYTES);
    belay_str_clear(&t->raw);
    return belay_pg_copy_rows(t->pg, copy, true, add_field, &t->raw, err) &&
           belay_str_check(&t->raw, "a piece of a large object", err);
}

static bool take_large_object(belay_taking *t, const char *oid, size_t *number, belay_error *err)
{
    json_t *chunks = json_array();
    uint64_t at = 0;
    bool ok = true;
    json_t *object = json_pack("{s:I, s:o}", "oid", (json_int_t)strtoll(oid, NULL, 10), "chunks", chunks);
    do {
        ok = belay_stop_check(err) && belay_taking_watch(t, err) && read_piece(t, oid, at, err);
        if (!ok || t->raw.length == 0)
            break;
        BELAY_AUTO(belay_free) char *member = belay_format("blobs/%zu.zst", ++*number);
        json_array_append_new(chunks, json_string(member));
        ok = belay_taking_add(t, member, t->raw.data, t->raw.length, 0, err);
        at += t->raw.length;
        belay_taking_advance(t, t->raw.length, 0);
    } while (ok && t->raw.length == BELAY_CHUNK_BYTES);
    json_object_set_new(object, "bytes", json_integer((json_int_t)at));
    json_array_append_new(t->large_objects, object);
    t->raw_bytes += at;
    return ok || belay_error_prefix(err, "large object %s", oid);
}

bool belay_taking_large_objects(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *oids = NULL;
    size_t number = 0;
    if (!belay_pg_query0(t->pg, sql_extras_large_objects, &oids, err))
        return false;
    t->large_objects = json_array();
    t->progress.item = "large objects";
    for (size_t i = 0; i < belay_rows_count(oids); i++) {
        if (!take_large_object(t, belay_rows_text(oids, i, 0), &number, err))
            return false;
    }
    return belay_taking_add_json(t, "blobs.json", t->large_objects, err);
}
