/* Large objects, in batches: many small ones by one statement, a large one in pieces. */
#include "restore/load.h"
#include "restore/restore.sql.h"
#include "util/hash.h"

enum { BATCH_OBJECTS = 1000, BATCH_BYTES = 8 * 1024 * 1024, PIECE_BYTES = 1024 * 1024, HEX_BYTES = 4096 };

/* Entries of blobs.json. */
typedef struct batch {
    const json_t *objects;
    size_t first, end;
    uint64_t bytes;
} batch;

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static batch batch_at(const json_t *objects, size_t first)
{
    batch b = {.objects = objects, .first = first, .end = first};
    size_t count = json_array_size(objects);
    do
        b.bytes += (uint64_t)number_of(json_array_get(objects, b.end++), "bytes");
    while (b.end < count && b.end - first < BATCH_OBJECTS &&
           b.bytes + (uint64_t)number_of(json_array_get(objects, b.end), "bytes") <= BATCH_BYTES);
    return b;
}

/* The decoded bytes of the object, all of them or an error. */
static bool decode(
    belay_loader *loader, const json_t *object, belay_codec_sink *sink, void *context, belay_error *err)
{
    const json_t *chunks = json_object_get(object, "chunks");
    long long expected = number_of(object, "bytes");
    uint64_t got = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(chunks); i++) {
        const char *name = json_string_value(json_array_get(chunks, i));
        BELAY_AUTO(belay_free) void *stored = NULL;
        size_t size = 0;
        uint64_t bytes = 0;
        ok =
            belay_archive_read_stored(loader->archive, name == NULL ? "" : name, NULL, &stored, &size, err) &&
            belay_codec_decode(loader->codec, stored, size, sink, context, &bytes, err);
        got += bytes;
    }
    if (ok && got != (uint64_t)expected)
        ok = belay_fail(err, BELAY_E_ARCHIVE, "its chunks hold %llu bytes, blobs.json says %lld",
            (unsigned long long)got, expected);
    return ok || belay_error_prefix(err, "large object %lld", number_of(object, "oid"));
}

static bool to_hex(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    const unsigned char *bytes = data;
    char hex[2 * HEX_BYTES + 1];
    for (size_t piece; size_bytes > 0; bytes += piece, size_bytes -= piece) {
        piece = size_bytes > HEX_BYTES ? HEX_BYTES : size_bytes;
        belay_hex(bytes, piece, hex);
        belay_str_append_n(context, hex, 2 * piece);
    }
    return belay_str_check(context, "large objects", err);
}

/* '{1,2}' of all, and '{"\\\\x00"}' of their bytes. */
static bool put_small(belay_loader *loader, const batch *b, const char *oids, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str values = BELAY_STR_MAX((size_t)2 * BATCH_BYTES + 16 * BATCH_OBJECTS);
    for (size_t i = b->first; i < b->end; i++) {
        belay_str_append(&values, i == b->first ? "{\"\\\\x" : "\",\"\\\\x");
        if (!decode(loader, json_array_get(b->objects, i), to_hex, &values, err))
            return false;
    }
    belay_str_append(&values, "\"}");
    return belay_str_check(&values, "large objects", err) &&
           belay_pg_queryp(loader->pg, sql_put_large_objects, NULL, err, oids, belay_str_text(&values));
}

/* Where the bytes of a large object go next. */
typedef struct object_writer {
    belay_loader *loader;
    const char *oid;
    uint64_t at;
} object_writer;

static bool to_large_object(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    object_writer *writer = context;
    const unsigned char *bytes = data;
    while (size_bytes > 0) {
        size_t piece = size_bytes > PIECE_BYTES ? PIECE_BYTES : size_bytes;
        BELAY_AUTO(belay_free) char *hex = belay_realloc_array(NULL, 2 * piece + 3, 1);
        hex[0] = '\\';
        hex[1] = 'x';
        belay_hex(bytes, piece, hex + 2);
        BELAY_AUTO(belay_free) char *offset = belay_format("%llu", (unsigned long long)writer->at);
        if (!belay_loader_check_stop(writer->loader, err) ||
            !belay_pg_queryp(writer->loader->pg, sql_put_large_object, NULL, err, writer->oid, offset, hex))
            return false;
        writer->at += piece;
        bytes += piece;
        size_bytes -= piece;
    }
    return true;
}

static bool put(belay_loader *loader, const batch *b, const char *oids, belay_error *err)
{
    if (b->bytes <= BATCH_BYTES)
        return put_small(loader, b, oids, err);
    const json_t *object = json_array_get(b->objects, b->first);
    BELAY_AUTO(belay_free) char *oid = belay_format("%lld", number_of(object, "oid"));
    object_writer writer = {loader, oid, 0};
    return decode(loader, object, to_large_object, &writer, err);
}

static char *list_oids(const batch *b)
{
    belay_str list = BELAY_STR_INIT;
    for (size_t i = b->first; i < b->end; i++)
        belay_str_appendf(
            &list, "%c%lld", i == b->first ? '{' : ',', number_of(json_array_get(b->objects, i), "oid"));
    belay_str_append_char(&list, '}');
    return belay_str_steal(&list);
}

static bool load_batch(belay_loader *loader, const batch *b, belay_error *err)
{
    BELAY_AUTO(belay_free) char *key = belay_format("objects %zu", b->first);
    BELAY_AUTO(belay_free) char *oids = list_oids(b);
    if (belay_marks_find(loader->marks, key) != NULL)
        return true;
    if (belay_pg_exec(loader->pg, "BEGIN", err) &&
        belay_pg_queryp(loader->pg, sql_create_large_objects, NULL, err, oids) && put(loader, b, oids, err) &&
        belay_loader_leave_mark(loader, false, key, err) && belay_pg_exec(loader->pg, "COMMIT", err)) {
        atomic_fetch_add(&loader->count->bytes, b->bytes);
        return true;
    }
    belay_pg_exec(loader->pg, "ROLLBACK", NULL);
    return belay_error_prefix(err, "large objects");
}

bool belay_load_large_objects(belay_loader *loader, size_t part, size_t parts, belay_error *err)
{
    json_t *objects = NULL;
    if (!belay_load_json(loader->archive, "blobs.json", &objects, err))
        return false;
    bool ok = true;
    size_t number = 0;
    batch b = {0};
    for (size_t at = 0; ok && at < json_array_size(objects); at = b.end, number++) {
        b = batch_at(objects, at);
        if (number % parts == part)
            ok = belay_loader_check_stop(loader, err) && load_batch(loader, &b, err);
    }
    json_decref(objects);
    return ok;
}
