#include "restore/to_text.h"

#include "pg/names.h"
#include "restore/load.h"
#include "restore/scratch.h"
#include "util/json.h"
#include "util/stop.h"

static const char copy_in[] = "COPY pg_temp.belay_rows FROM STDIN (FORMAT binary)";
static const char copy_out[] = "COPY pg_temp.belay_rows TO STDOUT";

struct belay_to_text {
    belay_restore_options how;
    belay_archive *archive;
    belay_codec *codec;
    belay_pg *pg;
    bool plain_names;
};

static bool make_scratch(belay_to_text *t, belay_error *err)
{
    BELAY_AUTO(belay_restore_result_done) belay_restore_result result = {0};
    belay_restore_options how = t->how;
    how.pre_data_only = true;
    return belay_scratch_sweep(how.maintenance, belay_target_dbname(how.target), how.reporter, err) &&
           belay_restore_into(&how, t->archive, &result, err);
}

/* The rows are in the snapshot's encoding, which the scratch database has as well. */
static bool connect(belay_to_text *t, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *header = NULL;
    const belay_pg_options how = {
        .dbname = t->how.dbname, .application_name = t->how.run_id, .profile = BELAY_PG_DATA};
    if (!belay_load_json(t->archive, "header.json", &header, err) ||
        !belay_pg_open(t->how.dialer, &how, &t->pg, err))
        return false;
    const char *encoding = belay_json_text_or(json_object_get(header, "database"), "encoding", "UTF8");
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(encoding);
    t->plain_names = belay_name_plain(encoding);
    return belay_pg_execf(t->pg, err, "SET client_encoding = %s; SET lc_monetary = 'C'", literal);
}

bool belay_to_text_open(
    const belay_restore_options *how, belay_archive *archive, belay_to_text **ret, belay_error *err)
{
    belay_to_text *t = belay_alloc(sizeof *t);
    *t = (belay_to_text){.how = *how, .archive = archive, .codec = belay_codec_new(1)};
    if (!make_scratch(t, err)) {
        belay_codec_free(t->codec);
        free(t);
        return false;
    }
    if (connect(t, err)) {
        *ret = t;
        return true;
    }
    belay_to_text_close(t, NULL);
    return false;
}

static bool to_copy(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    belay_to_text *t = context;
    return belay_pg_copy_write(t->pg, data, size_bytes, err);
}

static bool put_in(belay_to_text *t, const char *chunk, belay_error *err)
{
    BELAY_AUTO(belay_free) void *stored = NULL;
    size_t size = 0;
    if (!belay_stop_check(err) || !belay_archive_read_stored(t->archive, chunk, NULL, &stored, &size, err) ||
        !belay_pg_copy_in_begin(t->pg, copy_in, err))
        return false;
    if (!belay_codec_decode(t->codec, stored, size, to_copy, t, NULL, err)) {
        belay_pg_copy_abort(t->pg, "belay could not read the snapshot");
        return false;
    }
    return belay_pg_copy_end(t->pg, NULL, err);
}

/* The server's palloc refuses a text of a gigabyte. */
static bool explain(const belay_table *table, belay_error *err)
{
    static const char *const too_long[] = {"XX000", "54000", "53200"};
    for (size_t i = 0; err != NULL && i < BELAY_COUNT(too_long); i++) {
        if (!belay_equal(err->sqlstate, too_long[i]))
            continue;
        err->code = BELAY_E_UNSUPPORTED;
        belay_error_prefix(err,
            "table %s.%s has a row that is too long for text, so no SQL script can carry it", table->schema,
            table->name);
        return belay_error_hint(
            err, "`belay restore` brings it back, and so does restore.sh in the snapshot");
    }
    return belay_error_prefix(err, "table %s.%s as text", table->schema, table->name);
}

static bool pass_chunks(
    belay_to_text *t, const belay_table *table, belay_codec_sink *to, void *context, belay_error *err)
{
    for (size_t i = 0; i < table->chunk_count; i++) {
        if ((i > 0 && !belay_pg_exec(t->pg, "TRUNCATE pg_temp.belay_rows", err)) ||
            !put_in(t, table->chunks[i], err) ||
            !belay_pg_copy_rows(t->pg, copy_out, false, to, context, err))
            return false;
    }
    return true;
}

bool belay_to_text_table(
    belay_to_text *t, const belay_table *table, belay_codec_sink *to, void *context, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = belay_name_qualified(table->schema, table->name, t->plain_names);
    BELAY_AUTO(belay_free)
    char *columns = belay_name_columns(table->columns, table->column_count, t->plain_names);
    if (belay_pg_execf(t->pg, err,
            "BEGIN; CREATE TEMPORARY TABLE belay_rows ON COMMIT DROP AS SELECT %s FROM ONLY %s WITH NO DATA",
            columns, name) &&
        pass_chunks(t, table, to, context, err) && belay_pg_exec(t->pg, "COMMIT", err))
        return true;
    return explain(table, err);
}

bool belay_to_text_close(belay_to_text *t, belay_error *err)
{
    if (t == NULL)
        return true;
    belay_pg_close(t->pg);
    belay_codec_free(t->codec);
    bool ok = belay_scratch_drop(&t->how, err);
    free(t);
    return ok;
}
