/* Writes snapshots without a server, for tests of the verbs and for benchmarks.
 *
 *     archive_driver STORE TARGET ID [CHUNKS [CHUNK_KB [REVISION]]]    one table in CHUNKS chunks of text
 *
 * The rows are lines of a counter and pseudo-random words, so that they compress as real text does. */
#include <inttypes.h>
#include <stdio.h>

#include "archive/archive.h"
#include "archive/codec.h"

typedef struct content {
    long long chunks, chunk_bytes;
    uint64_t rows, raw_bytes;
    uint32_t random;
    char **names;
} content;

/* Rows until the chunk is full; returns their number. */
static uint64_t fill(content *c, belay_str *text)
{
    uint64_t rows = 0;
    while (text->length < (size_t)c->chunk_bytes) {
        c->random = c->random * 1664525u + 1013904223u;
        belay_str_appendf(text, "%" PRIu64 "\tentry %08" PRIx32 "\t%" PRIu32 ".%02u\n", c->rows + ++rows,
            c->random, c->random % 9973u, (c->random >> 8) % 100u);
    }
    return rows;
}

static bool add_chunk(
    content *c, long long number, belay_codec *codec, belay_archive_writer *w, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str frame = BELAY_STR_INIT;
    uint64_t rows = fill(c, &text);
    c->rows += rows;
    c->raw_bytes += text.length;
    c->names[number] = belay_format("data/public.entries/%lld.copy.zst", number);
    return belay_codec_encode(codec, text.data, text.length, &frame, err) &&
           belay_archive_add(w, c->names[number], frame.data, frame.length, text.length, rows, err);
}

static bool add_all(content *c, belay_archive_writer *w, belay_error *err)
{
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    static const char readme[] = "Restore with tar, zstd and psql.\n";
    bool ok = belay_archive_add(w, "README.txt", readme, strlen(readme), strlen(readme), 0, err);
    for (long long i = 0; ok && i < c->chunks; i++)
        ok = add_chunk(c, i, codec, w, err);
    return ok;
}

static bool finish(content *c, const char *target, const char *id, const char *revision,
    belay_archive_writer *w, belay_error *err)
{
    const char *const columns[] = {"id", "word", "amount"};
    const belay_table table = {.schema = "public",
        .name = "entries",
        .format = "text",
        .columns = columns,
        .column_count = BELAY_COUNT(columns),
        .rows = c->rows,
        .raw_bytes = c->raw_bytes,
        .row_hash = "00000000000000000000000000000000",
        .chunks = (const char *const *)c->names,
        .chunk_count = (size_t)c->chunks};
    const belay_manifest rest = {.id = id,
        .target = target,
        .created_at = "2025-11-04T12:34:00Z",
        .server_version = 150018,
        .revisions = &revision,
        .revision_count = 1,
        .seconds = 0.5,
        .raw_bytes = c->raw_bytes,
        .rows = c->rows,
        .tables = &table,
        .table_count = 1};
    return belay_archive_finish(w, &rest, err);
}

static bool make(belay_store *store, const char *target, const char *id, const char *revision, content *c,
    belay_error *err)
{
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = NULL;
    BELAY_AUTO(belay_free) char *name = belay_format("%s/%s.tar", target, id);
    return belay_archive_create(store, name, &w, err) && add_all(c, w, err) &&
           finish(c, target, id, revision, w, err) && belay_archive_publish(store, name, 1, NULL, err);
}

int main(int argc, char **argv)
{
    content c = {.chunks = 1, .chunk_bytes = 1};
    if (argc < 4 ||
        (argc > 4 && (!belay_parse_int64(argv[4], &c.chunks) || c.chunks < 0 || c.chunks > 100000)) ||
        (argc > 5 &&
            (!belay_parse_int64(argv[5], &c.chunk_bytes) || c.chunk_bytes < 0 || c.chunk_bytes > 32768)))
        return 2;
    c.chunk_bytes *= 1024;
    c.names = belay_alloc(((size_t)c.chunks + 1) * sizeof *c.names);
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    bool ok = belay_store_open(argv[1], NULL, &store, &err) &&
              make(store, argv[2], argv[3], argc > 6 ? argv[6] : "3f2a9c1b7d10", &c, &err);
    if (!ok)
        fprintf(stderr, "%s: %s\n", belay_code_name(err.code), err.message);
    for (long long i = 0; i < c.chunks; i++)
        free(c.names[i]);
    free(c.names);
    return ok ? 0 : 1;
}
