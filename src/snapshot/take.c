#include "seal/seal.h"
#include "snapshot/parts.h"
#include "util/clock.h"
#include "util/crew.h"

enum { DEFAULT_LOCK_WAIT_MS = 10000, DEFAULT_LEVEL = 1 };

/* A row may hold a gigabyte, and twice as much as text. */
#define CHUNK_MAX_BYTES ((size_t)4 * 1024 * 1024 * 1024)

bool belay_taking_add(
    belay_taking *t, const char *member, const void *data, size_t size_bytes, uint64_t rows, belay_error *err)
{
    belay_str_clear(&t->frame);
    return belay_codec_encode(t->codec, data, size_bytes, &t->frame, err) &&
           belay_archive_add(t->writer, member, t->frame.data, t->frame.length, size_bytes, rows, err);
}

bool belay_taking_add_json(belay_taking *t, const char *member, const json_t *json, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(json, JSON_INDENT(1));
    if (text == NULL)
        return belay_fail(
            err, BELAY_E_INTERNAL, "%s cannot be written as JSON (a name that is not UTF-8?)", member);
    size_t length = strlen(text);
    return belay_archive_add(t->writer, member, text, length, length, 0, err);
}

void belay_taking_advance(belay_taking *t, uint64_t bytes, uint64_t rows)
{
    t->progress.done_bytes += bytes;
    t->progress.done_rows += rows;
    t->progress.elapsed_ms = belay_now_ms() - t->started_ms;
    belay_report_progress(t->options->reporter, &t->progress);
}

belay_codec *belay_taking_codec(const belay_taking *t)
{
    belay_codec *codec = belay_codec_new(t->options->level != 0 ? t->options->level : DEFAULT_LEVEL);
    if (t->options->look_far)
        belay_codec_look_far(codec);
    return codec;
}

static void init(belay_taking *t, const belay_snapshot_options *options, const char *made_id)
{
    t->options = options;
    t->id = options->id == NULL ? made_id : options->id;
    t->run_id = options->run_id == NULL ? t->id : options->run_id;
    t->lock_wait_ms = options->lock_wait_ms > 0 ? options->lock_wait_ms : DEFAULT_LOCK_WAIT_MS;
    t->codec = belay_taking_codec(t);
    t->jobs = belay_crew_size(options->target->jobs);
    t->arena = belay_arena_new();
    t->frame = BELAY_STR_MAX(CHUNK_MAX_BYTES);
    t->progress.what = "snapshot";
    t->started_ms = t->watched_ms = t->looked_ms = belay_now_ms();
}

static void done(belay_taking *t)
{
    atomic_store(&t->given_up, true);
    belay_dump_free(t->dump);
    belay_dump_programs_done(&t->programs);
    belay_pg_close(t->pg);
    belay_pg_close(t->watcher);
    belay_archive_writer_free(t->writer);
    belay_codec_free(t->codec);
    belay_arena_free(t->arena);
    belay_rows_free(t->large_object_ddl);
    belay_rows_free(t->large_object_oids);
    belay_rows_free(t->sequence_names);
    belay_rows_free(t->closed_public);
    free(t->snapshot);
    free(t->encoding);
    free(t->description);
    belay_str_done(&t->frame);
    json_decref(t->header);
    json_decref(t->sequences);
    json_decref(t->large_objects);
    belay_list_done(&t->revisions);
    belay_list_done(&t->told);
}

static bool connect(belay_taking *t, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = t->options->dbname, .application_name = t->run_id, .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(t->options->dialer, &how, &t->pg, err))
        return false;
    t->server_version = belay_pg_server_version(t->pg);
    return true;
}

static const char *created_at(const belay_taking *t)
{
    return json_string_value(json_object_get(t->header, "created_at"));
}

static double seconds_since(int64_t started_ms)
{
    return (double)(belay_now_ms() - started_ms) / 1000.0;
}

/* The manifest; the transaction has ended: its locks stand in nobody's way while the file is read back. */
static bool finish(belay_taking *t, belay_error *err)
{
    const belay_manifest rest = {.format_version = BELAY_FORMAT_VERSION,
        .id = t->id,
        .target = t->options->target->name,
        .created_at = created_at(t),
        .server_version = belay_pg_server_version(t->pg),
        .revisions = (const char *const *)t->revisions.items,
        .revision_count = t->revisions.count,
        .seconds = seconds_since(t->started_ms),
        .raw_bytes = t->raw_bytes,
        .rows = t->rows,
        .tables = t->tables,
        .table_count = t->table_count};
    return belay_pg_exec(t->pg, "COMMIT", err) && belay_archive_finish(t->writer, &rest, err);
}

/* Told to who measures where the time goes. */
static bool passed(const belay_taking *t, const char *stage)
{
    belay_report_stage(t->options->reporter, "snapshot", stage);
    return true;
}

static bool write_archive(belay_taking *t, belay_store *store, const char *name, belay_error *err)
{
    return connect(t, err) && belay_taking_sweep(t, store, err) &&
           belay_archive_create(store, name, &t->writer, err) && belay_taking_plan(t, err) &&
           passed(t, "planned") && belay_taking_header(t, err) && belay_taking_readme(t, err) &&
           belay_taking_add_json(t, "header.json", t->header, err) && belay_taking_bulk(t, err) &&
           passed(t, "rows") && belay_taking_script(t, err) && finish(t, err) && passed(t, "synced");
}

static json_t *details_of(const belay_taking *t, const char *name)
{
    return json_pack("{s:s, s:s}", "snapshot", t->id, "name", name);
}

/* Reads back, renames. */
static bool publish(belay_taking *t, belay_store *store, const char *name, belay_error *err)
{
    belay_recorder *recorder = t->options->recorder;
    if (belay_record(recorder, BELAY_RECORD_INTENT, "snapshot.publish", details_of(t, name), err) &&
        belay_archive_publish(store, name, (int)t->jobs, t->options->reporter, err))
        return belay_record(recorder, BELAY_RECORD_DONE, "snapshot.publish", details_of(t, name), err);
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", name);
    store->remove(store, part, NULL);
    return false;
}

static void fill_info(belay_taking *t, belay_store *store, const char *name, belay_snapshot_info *ret)
{
    *ret = (belay_snapshot_info){.id = belay_strdup(t->id),
        .name = belay_strdup(name),
        .path = belay_store_path(store, name),
        .target = belay_strdup(t->options->target->name),
        .created_at = belay_strdup(created_at(t)),
        .state = "verified",
        .bytes = belay_snapshot_file_bytes(store, name),
        .raw_bytes = t->raw_bytes,
        .rows = t->rows,
        .tables = t->table_count,
        .seconds = seconds_since(t->started_ms)};
    for (size_t i = 0; i < t->revisions.count; i++)
        belay_list_add(&ret->revisions, t->revisions.items[i]);
}

/* A store that was opened without the target's keys must not get a plain file. */
static bool check_sealed(const belay_snapshot_options *options, const belay_store *store, belay_error *err)
{
    return options->target->encrypt_to.count == 0 || belay_seal_encrypts(store) ||
           belay_fail(err, BELAY_E_INTERNAL, "the store has no keys to encrypt with");
}

bool belay_snapshot_take(
    const belay_snapshot_options *options, belay_store *store, belay_snapshot_info *ret, belay_error *err)
{
    char made_id[BELAY_RUN_ID_SIZE];
    belay_taking t = {0};
    belay_new_run_id(made_id);
    init(&t, options, made_id);
    BELAY_AUTO(belay_free)
    char *name = belay_format("%s/%s%s", options->target->name, t.id, belay_seal_suffix(store));
    bool ok = check_sealed(options, store, err) && write_archive(&t, store, name, err);
    t.progress.item = NULL;
    t.progress.total_bytes = ok ? t.progress.done_bytes : t.progress.total_bytes;
    t.progress.finished = true;
    belay_taking_advance(&t, 0, 0);
    ok = ok && publish(&t, store, name, err) && passed(&t, "verified");
    if (ok)
        fill_info(&t, store, name, ret);
    done(&t);
    return ok || belay_error_prefix(err, "no snapshot was taken");
}
