/* Sequences and large objects of a comparison. */
#include "archive/codec.h"
#include "restore/compare_parts.h"
#include "restore/load.h"
#include "restore/restore.sql.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/stop.h"

/* Positions never go back: "at least" in the sequence's own direction. */
static bool position_holds(
    const belay_comparison *c, bool ascending, int64_t want, bool want_called, int64_t got, bool got_called)
{
    if (got == want)
        return got_called == want_called || (got_called && !c->options->exact_sequences);
    return !c->options->exact_sequences && (got > want) == ascending;
}

/* The reading of a sequence that must exist. */
static bool compare_position(
    belay_comparison *c, const char *name, const json_t *sequence, bool ascending, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *sql = belay_format("SELECT last_value, is_called FROM %s", name);
    if (!belay_pg_query0(c->pg, sql, &rows, err))
        return belay_error_prefix(err, "sequence %s", name);
    int64_t want = json_integer_value(json_object_get(sequence, "last_value"));
    bool want_called = json_is_true(json_object_get(sequence, "is_called"));
    int64_t got = belay_rows_int(rows, 0, 0);
    if (!position_holds(c, ascending, want, want_called, got, belay_rows_bool(rows, 0, 1)))
        belay_compare_note(c, belay_format("sequence %s: expected %s %lld, got %lld%s", name,
                                  c->options->exact_sequences ? "position" : "at least", (long long)want,
                                  (long long)got, got == want ? " not yet used" : ""));
    return true;
}

static bool compare_sequence(belay_comparison *c, const json_t *sequence, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    if (!belay_sequence_name(sequence, &name, err))
        return false;
    if (c->options->skip_ledger && belay_equal(belay_json_text(sequence, "schema"), "belay"))
        return true;
    BELAY_AUTO(belay_free) char *ascending = NULL;
    if (!belay_pg_value(c->pg, sql_sequence_direction, (const char *const[]){name}, 1, &ascending, err))
        return false;
    if (ascending == NULL) {
        belay_compare_note(c, belay_format("sequence %s: does not exist", name));
        return true;
    }
    return compare_position(c, name, sequence, belay_equal(ascending, "t"), err);
}

bool belay_compare_sequences(belay_comparison *c, belay_error *err)
{
    json_t *sequences = NULL;
    if (!belay_load_json(c->archive, "sequences.json", &sequences, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(sequences); i++)
        ok = compare_sequence(c, json_array_get(sequences, i), err);
    json_decref(sequences);
    return ok;
}

/* Reads along in a large object while its chunks are decoded. */
typedef struct object_reader {
    belay_comparison *c;
    const char *oid;
    uint64_t at;
    bool differs;
} object_reader;

/* The bytea "\x..." that the server would send for these bytes? */
static bool hex_equals(const char *text, const void *bytes, size_t size)
{
    BELAY_AUTO(belay_free) char *hex = belay_realloc_array(NULL, size + 1, 2);
    belay_hex(bytes, size, hex);
    return belay_starts_with(text, "\\x") && belay_equal(text + 2, hex);
}

static bool read_piece(object_reader *reader, size_t size, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *offset = belay_format("%llu", (unsigned long long)reader->at);
    BELAY_AUTO(belay_free) char *length = belay_format("%zu", size);
    return belay_pg_value(
        reader->c->pg, sql_get_large_object, (const char *const[]){reader->oid, offset, length}, 3, ret, err);
}

static bool compare_pieces(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    enum { PIECE_BYTES = 256 * 1024 };
    object_reader *reader = context;
    const unsigned char *bytes = data;
    while (size_bytes > 0 && !reader->differs) {
        size_t piece = size_bytes > PIECE_BYTES ? PIECE_BYTES : size_bytes;
        BELAY_AUTO(belay_free) char *hex = NULL;
        if (!belay_stop_check(err) || !read_piece(reader, piece, &hex, err))
            return false;
        reader->differs = hex == NULL || !hex_equals(hex, bytes, piece);
        reader->at += piece;
        bytes += piece;
        size_bytes -= piece;
    }
    return true;
}

static bool compare_chunks(object_reader *reader, const json_t *chunks, belay_error *err)
{
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    for (size_t i = 0; i < json_array_size(chunks); i++) {
        const char *name = json_string_value(json_array_get(chunks, i));
        BELAY_AUTO(belay_free) void *stored = NULL;
        size_t size = 0;
        if (!belay_archive_read_stored(
                reader->c->archive, name == NULL ? "" : name, NULL, &stored, &size, err) ||
            !belay_codec_decode(codec, stored, size, compare_pieces, reader, NULL, err))
            return false;
    }
    BELAY_AUTO(belay_free) char *rest = NULL;
    if (!reader->differs && !read_piece(reader, 1, &rest, err))
        return false;
    reader->differs = reader->differs || rest == NULL || !belay_equal(rest, "\\x");
    return true;
}

static bool compare_large_object(belay_comparison *c, const json_t *object, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *oid = belay_format("%lld", (long long)json_integer_value(json_object_get(object, "oid")));
    object_reader reader = {.c = c, .oid = oid};
    belay_error fault = {0};
    if (!belay_pg_exec(c->pg, "SAVEPOINT belay", err))
        return false;
    if (compare_chunks(&reader, json_object_get(object, "chunks"), &fault)) {
        if (reader.differs)
            belay_compare_note(c, belay_format("large object %s: other bytes", oid));
        return belay_pg_exec(c->pg, "RELEASE belay", err);
    }
    if (!belay_equal(fault.sqlstate, "42704")) {
        if (err != NULL)
            *err = fault;
        return belay_error_prefix(err, "large object %s", oid);
    }
    belay_compare_note(c, belay_format("large object %s: does not exist", oid));
    return belay_pg_exec(c->pg, "ROLLBACK TO belay", err);
}

static bool compare_count(belay_comparison *c, size_t expected, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(c->pg, sql_count_large_objects, &rows, err))
        return false;
    int64_t got = belay_rows_int(rows, 0, 0);
    if (got != (int64_t)expected)
        belay_compare_note(
            c, belay_format("large objects: expected %zu, got %lld", expected, (long long)got));
    return true;
}

bool belay_compare_large_objects(belay_comparison *c, belay_error *err)
{
    json_t *objects = NULL;
    if (!belay_load_json(c->archive, "blobs.json", &objects, err))
        return false;
    bool ok = compare_count(c, json_array_size(objects), err);
    for (size_t i = 0; ok && i < json_array_size(objects); i++)
        ok = compare_large_object(c, json_array_get(objects, i), err);
    json_decref(objects);
    return ok;
}
