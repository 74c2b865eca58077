#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "archive/archive.h"
#include "archive/locator.h"
#include "archive/member.h"
#include "util/library.h"

enum { MEMBER_TABLE_START = 256 };

#define LIBARCHIVE_FUNCTIONS(X)                                                                              \
    X(archive_entry_free)                                                                                    \
    X(archive_entry_new)                                                                                     \
    X(archive_entry_set_filetype)                                                                            \
    X(archive_entry_set_mtime)                                                                               \
    X(archive_entry_set_pathname)                                                                            \
    X(archive_entry_set_perm)                                                                                \
    X(archive_entry_set_size)                                                                                \
    X(archive_error_string)                                                                                  \
    X(archive_set_error)                                                                                     \
    X(archive_write_close)                                                                                   \
    X(archive_write_data)                                                                                    \
    X(archive_write_finish_entry)                                                                            \
    X(archive_write_free)                                                                                    \
    X(archive_write_header)                                                                                  \
    X(archive_write_new)                                                                                     \
    X(archive_write_open)                                                                                    \
    X(archive_write_set_bytes_in_last_block)                                                                 \
    X(archive_write_set_bytes_per_block)                                                                     \
    X(archive_write_set_format_pax_restricted)

BELAY_LIBRARY(lib, BELAY_SONAME_LIBARCHIVE, "libarchive13", LIBARCHIVE_FUNCTIONS)

struct belay_archive_writer {
    belay_store *store;
    char *part;
    belay_sink *sink;
    struct archive *tar;
    uint64_t written_bytes;
    belay_sha256 *span_hash;
    char last_block[BELAY_TAR_BLOCK]; /* the end of what was written last: the tar header when one was just
                                         written */
    belay_error error;                /* of the sink, inside of libarchive's callback */
    belay_arena *arena;
    belay_member *members;
    size_t member_count, member_capacity;
    bool finished;
    bool discarding; /* nothing more goes to the sink */
};

static la_ssize_t on_write(struct archive *tar, void *context, const void *data, size_t size_bytes)
{
    belay_archive_writer *w = context;
    if (w->discarding)
        return (la_ssize_t)size_bytes;
    if (!w->sink->write(w->sink, data, size_bytes, &w->error)) {
        lib.archive_set_error(tar, EIO, "store");
        return -1;
    }
    w->written_bytes += size_bytes;
    belay_sha256_update(w->span_hash, data, size_bytes);
    if (size_bytes >= BELAY_TAR_BLOCK)
        memcpy(w->last_block, (const char *)data + size_bytes - BELAY_TAR_BLOCK, BELAY_TAR_BLOCK);
    return (la_ssize_t)size_bytes;
}

static bool tar_failed(belay_archive_writer *w, belay_error *err)
{
    if (w->error.code != BELAY_E_NONE) {
        if (err != NULL)
            *err = w->error;
        return false;
    }
    return belay_fail(err, BELAY_E_INTERNAL, "tar: %s", lib.archive_error_string(w->tar));
}

bool belay_archive_can_write(belay_error *err)
{
    return belay_library_load(&lib_library, err);
}

bool belay_archive_create(belay_store *store, const char *name, belay_archive_writer **ret, belay_error *err)
{
    if (!belay_archive_can_write(err))
        return false;
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = belay_alloc(sizeof *w);
    w->store = store;
    w->part = belay_format("%s.part", name);
    w->arena = belay_arena_new();
    w->span_hash = belay_sha256_new();
    if (!store->create(store, w->part, &w->sink, err))
        return false;
    w->tar = lib.archive_write_new();
    if (w->tar == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "no memory for a tar writer");
    lib.archive_write_set_format_pax_restricted(w->tar);
    lib.archive_write_set_bytes_per_block(
        w->tar, 0); /* every byte reaches the callback at once: offsets are exact */
    lib.archive_write_set_bytes_in_last_block(w->tar, 1);
    if (lib.archive_write_open(w->tar, w, NULL, on_write, NULL) != ARCHIVE_OK)
        return tar_failed(w, err);
    *ret = belay_take(w);
    return true;
}

/* Header of a member; the hash of its span begins. libarchive writes 0 bytes for an entry without size. */
static bool put_header(belay_archive_writer *w, const char *name, size_t size_bytes, belay_error *err)
{
    struct archive_entry *entry = lib.archive_entry_new();
    if (entry == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "no memory for a tar entry");
    char unused[BELAY_SHA256_HEX_SIZE];
    belay_sha256_finish(w->span_hash, unused);
    lib.archive_entry_set_pathname(entry, name);
    lib.archive_entry_set_size(entry, (la_int64_t)size_bytes);
    lib.archive_entry_set_filetype(entry, AE_IFREG);
    lib.archive_entry_set_perm(entry, 0600);
    lib.archive_entry_set_mtime(entry, 0, 0);
    bool ok = lib.archive_write_header(w->tar, entry) == ARCHIVE_OK;
    lib.archive_entry_free(entry);
    return ok || tar_failed(w, err);
}

static bool put_content(belay_archive_writer *w, const void *data, size_t size_bytes, belay_error *err)
{
    if (size_bytes > 0 && lib.archive_write_data(w->tar, data, size_bytes) != (la_ssize_t)size_bytes)
        return tar_failed(w, err);
    return lib.archive_write_finish_entry(w->tar) == ARCHIVE_OK || tar_failed(w, err);
}

static bool put(belay_archive_writer *w, const char *name, const void *data, size_t size_bytes,
    belay_member *ret, belay_error *err)
{
    ret->offset = w->written_bytes;
    if (!put_header(w, name, size_bytes, err))
        return false;
    ret->data_offset = w->written_bytes;
    if (!put_content(w, data, size_bytes, err))
        return false;
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_finish(w->span_hash, hex);
    ret->name = belay_arena_strdup(w->arena, name);
    ret->sha256 = belay_arena_strdup(w->arena, hex);
    ret->stored_bytes = size_bytes;
    ret->span_bytes = w->written_bytes - ret->offset;
    if (ret->data_offset + belay_tar_padded(size_bytes) != w->written_bytes)
        return belay_fail(err, BELAY_E_INTERNAL, "tar member %s was not written whole", name);
    return true;
}

bool belay_archive_add(belay_archive_writer *w, const char *member, const void *data, size_t size_bytes,
    uint64_t raw_bytes, uint64_t rows, belay_error *err)
{
    if (!belay_member_name_ok(member))
        return belay_fail(err, BELAY_E_INTERNAL, "member name \"%s\"", member);
    if (w->member_count == w->member_capacity) {
        w->member_capacity = w->member_capacity == 0 ? MEMBER_TABLE_START : w->member_capacity * 2;
        w->members = belay_realloc_array(w->members, w->member_capacity, sizeof *w->members);
    }
    belay_member *m = &w->members[w->member_count];
    *m = (belay_member){.raw_bytes = raw_bytes, .rows = rows};
    if (!put(w, member, data, size_bytes, m, err))
        return false;
    w->member_count++;
    return true;
}

/* manifest.json and the locator behind it. */
static bool put_tail(belay_archive_writer *w, const belay_manifest *rest, belay_error *err)
{
    belay_manifest whole = *rest;
    whole.format_version = BELAY_FORMAT_VERSION;
    whole.members = w->members;
    whole.member_count = w->member_count;
    json_t *json = belay_manifest_to_json(&whole);
    BELAY_AUTO(belay_free)
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (text == NULL)
        return belay_fail(
            err, BELAY_E_INTERNAL, "the manifest cannot be written as JSON (a name that is not UTF-8?)");
    belay_member manifest = {0};
    if (!put(w, "manifest.json", text, strlen(text), &manifest, err) ||
        !put_header(w, "locator", BELAY_TAR_BLOCK, err))
        return false;
    belay_locator locator = {.manifest_offset = manifest.offset,
        .manifest_data_offset = manifest.data_offset,
        .manifest_bytes = manifest.stored_bytes,
        .manifest_span_bytes = manifest.span_bytes};
    memcpy(locator.manifest_sha256, manifest.sha256, BELAY_SHA256_HEX_SIZE);
    belay_sha256_of(w->last_block, BELAY_TAR_BLOCK, locator.header_sha256);
    char block[BELAY_TAR_BLOCK];
    belay_locator_format(&locator, block);
    return put_content(w, block, sizeof block, err);
}

bool belay_archive_finish(belay_archive_writer *w, const belay_manifest *rest, belay_error *err)
{
    if (!put_tail(w, rest, err))
        return false;
    if (lib.archive_write_close(w->tar) != ARCHIVE_OK)
        return tar_failed(w, err);
    if (!w->sink->sync(w->sink, err))
        return false;
    w->finished = true;
    return true;
}

void belay_archive_writer_free(belay_archive_writer *w)
{
    if (w == NULL)
        return;
    if (w->tar != NULL) {
        w->discarding = !w->finished; /* archive_write_fail would leak libarchive's buffer */
        lib.archive_write_free(w->tar);
    }
    belay_sink_close(w->sink);
    if (!w->finished && w->sink != NULL)
        w->store->remove(w->store, w->part, NULL);
    belay_sha256_free(w->span_hash);
    belay_arena_free(w->arena);
    free(w->members);
    free(w->part);
    free(w);
}

bool belay_archive_publish(
    belay_store *store, const char *name, int jobs, belay_reporter *reporter, belay_error *err)
{
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", name);
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    if (!belay_archive_open(store, part, &archive, err) ||
        !belay_archive_verify(archive, jobs, reporter, err)) {
        belay_error_prefix(err, err->code == BELAY_E_CANCELLED
                                    ? "while the snapshot was read back"
                                    : "the snapshot was read back and is not what was written");
        store->remove(store, part, NULL);
        return false;
    }
    return store->rename(store, part, name, err);
}
