/* Large objects of a comparison. The server hashes what a member of the archive should hold; of an object's
 * last one it is asked for one byte more, so that a longer object differs. */
#include "restore/compare_parts.h"
#include "restore/load.h"
#include "restore/restore.sql.h"
#include "util/hash.h"
#include "util/stop.h"

enum { BATCH_PARTS = 1000, BATCH_BYTES = 8 * 1024 * 1024 };

/* Members whose hashes are asked for together: each a member of the JSON array that the query takes. */
typedef struct batch {
    belay_comparison *c;
    json_t *asked;       /* [[oid, offset, length, hash], ...] */
    uint64_t size_bytes; /* of their members */
    char *last_differing;
} batch;

/* An object is named once, though several of its members may differ. */
static void note(batch *b, const char *oid, bool is_missing)
{
    if (b->last_differing != NULL && belay_equal(b->last_differing, oid))
        return;
    free(b->last_differing);
    b->last_differing = belay_strdup(oid);
    belay_compare_note(
        b->c, belay_format("large object %s: %s", oid, is_missing ? "does not exist" : "other bytes"));
}

static bool ask(batch *b, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(b->asked, JSON_COMPACT);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_stop_check(err) || !belay_pg_queryp(b->c->pg, sql_differing_large_objects, &rows, err, text))
        return belay_error_prefix(err, "large objects");
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        note(b, belay_rows_text(rows, i, 0), belay_rows_bool(rows, i, 1));
    json_array_clear(b->asked);
    b->size_bytes = 0;
    return true;
}

static bool add(batch *b, json_int_t oid, uint64_t offset, const void *data, size_t size_bytes, bool is_last,
    belay_error *err)
{
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of(data, size_bytes, hex);
    json_array_append_new(b->asked,
        json_pack("[I, I, I, s]", oid, (json_int_t)offset, (json_int_t)size_bytes + (is_last ? 1 : 0), hex));
    b->size_bytes += size_bytes;
    return (json_array_size(b->asked) < BATCH_PARTS && b->size_bytes < BATCH_BYTES) || ask(b, err);
}

static bool add_object(batch *b, const json_t *object, belay_error *err)
{
    json_int_t oid = json_integer_value(json_object_get(object, "oid"));
    const json_t *chunks = json_object_get(object, "chunks");
    size_t count = json_array_size(chunks);
    uint64_t offset = 0;
    if (count == 0)
        return add(b, oid, 0, "", 0, true, err);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(chunks, i));
        BELAY_AUTO(belay_free) char *data = NULL;
        size_t size = 0;
        if (!belay_archive_read_decoded(b->c->archive, name == NULL ? "" : name, &data, &size, err) ||
            !add(b, oid, offset, data, size, i + 1 == count, err))
            return belay_error_prefix(err, "large object %lld", (long long)oid);
        offset += size;
    }
    return true;
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

bool belay_compare_large_objects(belay_comparison *c, size_t part, size_t parts, belay_error *err)
{
    json_t *objects = NULL;
    if (!belay_load_json(c->archive, "blobs.json", &objects, err))
        return false;
    size_t count = json_array_size(objects);
    batch b = {.c = c, .asked = json_array()};
    bool ok = part > 0 || compare_count(c, count, err);
    for (size_t i = count * part / parts; ok && i < count * (part + 1) / parts; i++)
        ok = add_object(&b, json_array_get(objects, i), err);
    ok = ok && (json_array_size(b.asked) == 0 || ask(&b, err));
    json_decref(b.asked);
    free(b.last_differing);
    json_decref(objects);
    return ok;
}
