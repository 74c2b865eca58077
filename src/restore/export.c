#include "restore/export.h"

#include "pg/names.h"
#include "pg/pg.h"
#include "restore/load.h"
#include "restore/to_text.h"
#include "util/hash.h"
#include "util/stop.h"

typedef struct exporter {
    belay_archive *archive;
    belay_codec *codec;
    belay_to_text *texts; /* NULL: no table is in binary format */
    belay_codec_sink *to;
    void *context;
    bool plain_names;
    /* of the large object at work */
    const char *oid;
    uint64_t at;
} exporter;

static bool put(exporter *e, const char *text, belay_error *err)
{
    return e->to(e->context, text, strlen(text), err);
}

static bool is_binary(const belay_table *table)
{
    return table->chunk_count > 0 && belay_equal(table->format, "binary");
}

bool belay_export_needs_server(const belay_archive *archive)
{
    const belay_manifest *m = belay_archive_manifest(archive);
    for (size_t i = 0; i < m->table_count; i++) {
        if (is_binary(&m->tables[i]))
            return true;
    }
    return false;
}

static bool put_section(exporter *e, const char *member, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    return belay_archive_read_decoded(e->archive, member, &text, &size, err) &&
           e->to(e->context, text, size, err) && put(e, "\n", err);
}

/* A stored member decoded into `sink`. */
static bool decode(exporter *e, const char *name, belay_codec_sink *sink, void *context, belay_error *err)
{
    BELAY_AUTO(belay_free) void *stored = NULL;
    size_t size = 0;
    return belay_stop_check(err) && belay_archive_read_stored(e->archive, name, NULL, &stored, &size, err) &&
           belay_codec_decode(e->codec, stored, size, sink, context, NULL, err);
}

static bool put_lines(exporter *e, const belay_table *t, belay_error *err)
{
    if (is_binary(t))
        return belay_to_text_table(e->texts, t, e->to, e->context, err);
    for (size_t i = 0; i < t->chunk_count; i++) {
        if (!decode(e, t->chunks[i], e->to, e->context, err))
            return false;
    }
    return true;
}

static bool put_table(exporter *e, const belay_table *t, belay_error *err)
{
    bool root = t->root_name != NULL;
    BELAY_AUTO(belay_free)
    char *name = belay_name_qualified(
        root ? t->root_schema : t->schema, root ? t->root_name : t->name, e->plain_names);
    BELAY_AUTO(belay_free) char *columns = belay_name_columns(t->columns, t->column_count, e->plain_names);
    bool list = t->column_count > 0;
    BELAY_AUTO(belay_free)
    char *copy =
        belay_format("COPY %s%s%s%s FROM stdin;\n", name, list ? " (" : "", columns, list ? ")" : "");
    if (t->chunk_count == 0)
        return true;
    if (!put(e, copy, err) || !put_lines(e, t, err))
        return false;
    return put(e, "\\.\n\n", err);
}

static bool put_bytes(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    exporter *e = context;
    BELAY_AUTO(belay_free) char *hex = belay_realloc_array(NULL, size_bytes + 1, 2);
    belay_hex(data, size_bytes, hex);
    BELAY_AUTO(belay_free)
    char *sql = belay_format(
        "SELECT pg_catalog.lo_put(%s, %llu, '\\x%s');\n", e->oid, (unsigned long long)e->at, hex);
    e->at += size_bytes;
    return put(e, sql, err);
}

static bool put_large_object(exporter *e, const json_t *object, belay_error *err)
{
    size_t i;
    const json_t *chunk;
    BELAY_AUTO(belay_free)
    char *oid = belay_format("%lld", (long long)json_integer_value(json_object_get(object, "oid")));
    BELAY_AUTO(belay_free)
    char *create = belay_format("SELECT pg_catalog.lo_create(%s) WHERE NOT EXISTS (SELECT FROM "
                                "pg_catalog.pg_largeobject_metadata WHERE oid = %s);\n",
        oid, oid);
    e->oid = oid;
    e->at = 0;
    bool ok = put(e, create, err);
    json_array_foreach(json_object_get(object, "chunks"), i, chunk)
    {
        const char *name = json_string_value(chunk);
        ok = ok && decode(e, name == NULL ? "" : name, put_bytes, e, err);
    }
    return ok;
}

static bool put_sequence(exporter *e, const json_t *sequence, belay_error *err)
{
    BELAY_AUTO(belay_free) char *qualified = NULL;
    if (!belay_sequence_name(sequence, &qualified, err))
        return false;
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(qualified);
    BELAY_AUTO(belay_free)
    char *sql = belay_format("SELECT pg_catalog.setval(%s, %lld, %s);\n", literal,
        (long long)json_integer_value(json_object_get(sequence, "last_value")),
        json_is_true(json_object_get(sequence, "is_called")) ? "true" : "false");
    return put(e, sql, err);
}

/* Each item of a JSON member. */
static bool put_each(exporter *e, const char *member,
    bool (*put_one)(exporter *, const json_t *, belay_error *), belay_error *err)
{
    json_t *list = NULL;
    size_t i;
    const json_t *one;
    bool ok = belay_load_json(e->archive, member, &list, err);
    json_array_foreach(list, i, one) ok = ok && put_one(e, one, err);
    json_decref(list);
    return ok && put(e, "\n", err);
}

static bool put_rows(exporter *e, belay_error *err)
{
    const belay_manifest *m = belay_archive_manifest(e->archive);
    json_t *header = NULL;
    if (!belay_load_json(e->archive, "header.json", &header, err))
        return false;
    const char *encoding =
        json_string_value(json_object_get(json_object_get(header, "database"), "encoding"));
    BELAY_AUTO(belay_free)
    char *set = belay_format(
        "SET client_encoding = '%s';\nSET lc_monetary = 'C';\n\n", encoding == NULL ? "" : encoding);
    bool known = encoding != NULL && encoding[strcspn(encoding, "'\\\n")] == '\0';
    e->plain_names = known && belay_name_plain(encoding);
    json_decref(header);
    if (!known)
        return belay_fail(err, BELAY_E_ARCHIVE, "header.json of the snapshot does not say the encoding");
    bool ok = put(e, set, err);
    for (size_t i = 0; ok && i < m->table_count; i++)
        ok = put_table(e, &m->tables[i], err);
    return ok && put(e, "RESET lc_monetary;\nSET client_encoding = 'UTF8';\n", err);
}

/* A script that ends before this line was cut. */
static bool put_end(exporter *e, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *line = belay_format("-- end of snapshot %s\n", belay_archive_manifest(e->archive)->id);
    return put(e, line, err);
}

/* psql takes a script that ends within COPY for a whole one: what read it so far must fail. That the output
 * is gone is no matter. */
static void put_failure(exporter *e)
{
    belay_error ignored = {0};
    put(e,
        "\n\\.\nDO $$BEGIN RAISE EXCEPTION 'this script is not whole: the export of the snapshot failed'; "
        "END$$;\n",
        &ignored);
}

static bool put_all(exporter *e, belay_error *err)
{
    return put_section(e, "schema/pre-data.sql.zst", err) && put_rows(e, err) &&
           put_each(e, "blobs.json", put_large_object, err) &&
           put_each(e, "sequences.json", put_sequence, err) &&
           put_section(e, "schema/post-data.sql.zst", err) && put_end(e, err);
}

bool belay_export(belay_archive *archive, const belay_restore_options *server, belay_codec_sink *to,
    void *context, belay_error *err)
{
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    exporter e = {.archive = archive, .codec = codec, .to = to, .context = context};
    if (belay_export_needs_server(archive) && !belay_to_text_open(server, archive, &e.texts, err))
        return false;
    bool ok = put_all(&e, err);
    if (!ok)
        put_failure(&e);
    return belay_to_text_close(e.texts, ok ? err : NULL) && ok;
}
