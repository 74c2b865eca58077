#include "restore/load.h"

#include "pg/names.h"
#include "restore/restore.sql.h"
#include "restore/search_path.h"
#include "util/stop.h"

/* setval keeps a lock until the transaction ends. */
enum { SEQUENCES_PER_TRANSACTION = 100 };

bool belay_loader_init(belay_loader *loader, belay_error *err)
{
    if (!belay_pg_value(loader->pg, sql_database_encoding, NULL, 0, &loader->encoding, err))
        return false;
    loader->plain_names = belay_name_plain(loader->encoding);
    loader->codec = belay_codec_new(1);
    return true;
}

bool belay_loader_to_rows(belay_loader *loader, belay_error *err)
{
    return belay_pg_execf(
        loader->pg, err, "SET client_encoding = '%s'; SET synchronous_commit = off", loader->encoding);
}

void belay_loader_done(belay_loader *loader)
{
    belay_codec_free(loader->codec);
    free(loader->encoding);
    loader->codec = NULL;
    loader->encoding = NULL;
}

bool belay_loader_check_stop(const belay_loader *loader, belay_error *err)
{
    if (atomic_load(&loader->count->abort))
        return belay_fail(err, BELAY_E_CANCELLED, "ended since something else failed");
    return belay_stop_check(err);
}

static bool to_copy(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    belay_loader *loader = context;
    atomic_fetch_add(&loader->count->bytes, size_bytes);
    return belay_loader_check_stop(loader, err) && belay_pg_copy_write(loader->pg, data, size_bytes, err);
}

static bool send_chunk(belay_loader *loader, const char *copy, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) void *stored = NULL;
    size_t size = 0;
    const belay_member *member = NULL;
    if (!belay_loader_check_stop(loader, err) ||
        !belay_archive_read_stored(loader->archive, name, &member, &stored, &size, err) ||
        !belay_pg_copy_in_begin(loader->pg, copy, err))
        return false;
    if (!belay_codec_decode(loader->codec, stored, size, to_copy, loader, NULL, err)) {
        belay_pg_copy_abort(loader->pg, "belay could not read the snapshot");
        return false;
    }
    uint64_t rows = 0;
    if (!belay_pg_copy_end(loader->pg, &rows, err))
        return false;
    atomic_fetch_add(&loader->count->rows, rows);
    if (rows != member->rows)
        return belay_fail(err, BELAY_E_ARCHIVE, "%s holds %llu rows, the manifest says %llu", name,
            (unsigned long long)rows, (unsigned long long)member->rows);
    return true;
}

static bool copy_chunk(
    belay_loader *loader, const char *copy, const belay_table *table, size_t number, belay_error *err)
{
    return send_chunk(loader, copy, table->chunks[number], err) ||
           belay_error_prefix(err, "loading chunk %zu of %zu", number + 1, table->chunk_count);
}

static char *copy_statement(const belay_loader *loader, const belay_table *table, bool freeze)
{
    bool through_root = table->root_name != NULL;
    BELAY_AUTO(belay_free)
    char *name = belay_name_qualified(through_root ? table->root_schema : table->schema,
        through_root ? table->root_name : table->name, loader->plain_names);
    BELAY_AUTO(belay_free)
    char *columns = belay_name_columns(table->columns, table->column_count, loader->plain_names);
    bool list = table->column_count > 0;
    return belay_format("COPY %s%s%s%s FROM STDIN (FORMAT %s%s)", name, list ? " (" : "", columns,
        list ? ")" : "", table->format, freeze ? ", FREEZE" : "");
}

bool belay_loader_leave_mark(belay_loader *loader, bool unlogged, const char *key, belay_error *err)
{
    if (loader->run_id == NULL)
        return true;
    BELAY_AUTO(belay_free) char *insert = belay_marks_insert(loader->run_id, unlogged, key, NULL);
    return belay_pg_exec(loader->pg, insert, err);
}

static bool copy_table(belay_loader *loader, const belay_load_job *job, belay_error *err)
{
    const belay_table *table = job->table;
    BELAY_AUTO(belay_free) char *copy = copy_statement(loader, table, job->freeze);
    BELAY_AUTO(belay_free) char *name = belay_name_qualified(table->schema, table->name, loader->plain_names);
    if (job->freeze && !belay_pg_execf(loader->pg, err, "TRUNCATE ONLY %s", name))
        return false;
    for (size_t i = 0; i < table->chunk_count; i++) {
        if (!copy_chunk(loader, copy, table, i, err))
            return false;
    }
    return belay_loader_leave_mark(loader, job->unlogged, job->key, err);
}

/* One try at a transaction: whole tables, or one chunk of a table (chunk above 0, counted from 1). */
typedef struct loading {
    const belay_load_job *jobs;
    size_t count;
    size_t chunk;
} loading;

static bool load_once(belay_loader *loader, const loading *l, const char *path, belay_error *err)
{
    if (!belay_pg_execf(loader->pg, err, "BEGIN;\n%s", path))
        return false;
    size_t done = 0;
    bool ok = true;
    if (l->chunk > 0) {
        const char *member = l->jobs->table->chunks[l->chunk - 1];
        BELAY_AUTO(belay_free) char *copy = copy_statement(loader, l->jobs->table, false);
        ok = copy_chunk(loader, copy, l->jobs->table, l->chunk - 1, err) &&
             belay_loader_leave_mark(loader, l->jobs->unlogged, member, err);
    }
    for (; ok && l->chunk == 0 && done < l->count; done++)
        ok = copy_table(loader, &l->jobs[done], err);
    if (ok && belay_pg_exec(loader->pg, "COMMIT", err))
        return true;
    belay_pg_exec(loader->pg, "ROLLBACK", NULL);
    const belay_table *table = l->jobs[done > 0 ? done - 1 : 0].table;
    return belay_error_prefix(err, "table %s.%s", table->schema, table->name);
}

/* Once more where a check or a generated column leans on the source's search_path. */
static bool load(belay_loader *loader, const loading *l, belay_error *err)
{
    belay_error first = {0};
    if (load_once(loader, l, "", &first))
        return true;
    BELAY_AUTO(belay_free)
    char *path = loader->toc == NULL ? NULL : belay_search_path_sql(loader->toc, true);
    if (path != NULL && belay_pg_is_missing_name(&first) && load_once(loader, l, path, NULL))
        return true;
    if (err != NULL)
        *err = first;
    return false;
}

bool belay_load_tables(belay_loader *loader, const belay_load_job *jobs, size_t count, belay_error *err)
{
    return load(loader, &(loading){jobs, count, 0}, err);
}

bool belay_load_chunk(belay_loader *loader, const belay_load_job *job, size_t chunk, belay_error *err)
{
    return load(loader, &(loading){job, 1, chunk + 1}, err);
}

bool belay_load_json(belay_archive *archive, const char *member, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    *ret = NULL;
    if (belay_manifest_find(belay_archive_manifest(archive), member) == NULL)
        return true;
    if (!belay_archive_read_decoded(archive, member, &text, &size, err))
        return false;
    json_error_t fault;
    *ret = json_loadb(text, size, 0, &fault);
    if (*ret == NULL)
        return belay_fail(err, BELAY_E_ARCHIVE, "%s of the snapshot is not readable: %s", member, fault.text);
    return true;
}

bool belay_sequence_name(const json_t *sequence, char **ret, belay_error *err)
{
    const char *schema = json_string_value(json_object_get(sequence, "schema"));
    const char *name = json_string_value(json_object_get(sequence, "name"));
    if (schema == NULL || name == NULL)
        return belay_fail(err, BELAY_E_ARCHIVE, "sequences.json of the snapshot has an entry without a name");
    *ret = belay_quote_qualified(schema, name);
    return true;
}

static bool set_sequence(belay_loader *loader, const json_t *sequence, belay_error *err)
{
    BELAY_AUTO(belay_free) char *regclass = NULL;
    if (!belay_sequence_name(sequence, &regclass, err))
        return false;
    BELAY_AUTO(belay_free)
    char *value =
        belay_format("%lld", (long long)json_integer_value(json_object_get(sequence, "last_value")));
    const char *called = json_is_true(json_object_get(sequence, "is_called")) ? "true" : "false";
    if (belay_pg_queryp(loader->pg, sql_set_sequence, NULL, err, regclass, value, called))
        return true;
    return belay_error_prefix(err, "sequence %s", regclass);
}

static bool set_sequences(belay_loader *loader, const json_t *sequences, belay_error *err)
{
    for (size_t i = 0; i < json_array_size(sequences); i++) {
        bool first = i % SEQUENCES_PER_TRANSACTION == 0;
        if (first && !belay_pg_exec(loader->pg, i == 0 ? "BEGIN" : "COMMIT; BEGIN", err))
            return false;
        if (!set_sequence(loader, json_array_get(sequences, i), err))
            return false;
    }
    return json_array_size(sequences) == 0 || belay_pg_exec(loader->pg, "COMMIT", err);
}

bool belay_load_sequences(belay_loader *loader, belay_error *err)
{
    json_t *sequences = NULL;
    if (!belay_load_json(loader->archive, "sequences.json", &sequences, err))
        return false;
    /* Names go as parameters, in UTF-8. */
    bool ok = belay_pg_exec(loader->pg, "SET client_encoding = 'UTF8'", err) &&
              set_sequences(loader, sequences, err);
    json_decref(sequences);
    return ok;
}
