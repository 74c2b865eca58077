#include <stdatomic.h>

#include "archive/archive.h"
#include "archive/check.h"
#include "archive/codec.h"
#include "archive/locator.h"
#include "util/clock.h"
#include "util/crew.h"

#define MANIFEST_MAX_BYTES ((uint64_t)1 << 30)
enum { READ_BYTES = 1024 * 1024, ZSTD_LEVEL_UNUSED = 1 };

struct belay_archive {
    belay_source *source;
    char *name;
    belay_manifest *manifest;
};

static bool bad_member(const belay_member *m, const char *what, belay_error *err)
{
    return belay_fail(
        err, BELAY_E_ARCHIVE, "member %s at byte %llu: %s", m->name, (unsigned long long)m->offset, what);
}

/* SHA-256 over a span while it is read into `to`, whose size is that of the span. */
static bool read_span(belay_archive *a, uint64_t offset, uint64_t size_bytes, const char *sha256,
    const char *name, char *to, belay_error *err)
{
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    char hex[BELAY_SHA256_HEX_SIZE];
    for (uint64_t at = 0; at < size_bytes;) {
        size_t piece = size_bytes - at > READ_BYTES ? READ_BYTES : (size_t)(size_bytes - at);
        if (!a->source->read(a->source, offset + at, to + at, piece, err))
            return belay_error_prefix(err, "member %s", name);
        belay_sha256_update(hash, to + at, piece);
        at += piece;
    }
    belay_sha256_finish(hash, hex);
    if (belay_equal(hex, sha256))
        return true;
    return belay_fail(err, BELAY_E_ARCHIVE, "member %s, bytes %llu to %llu: damaged (SHA-256 differs)", name,
        (unsigned long long)offset, (unsigned long long)(offset + size_bytes));
}

static bool read_manifest(belay_archive *a, const belay_locator *l, belay_error *err)
{
    if (l->manifest_span_bytes > MANIFEST_MAX_BYTES)
        return belay_fail(err, BELAY_E_ARCHIVE, "manifest.json is larger than any manifest may be");
    BELAY_AUTO(belay_free) char *span = belay_try_alloc((size_t)l->manifest_span_bytes, err);
    if (span == NULL || !read_span(a, l->manifest_offset, l->manifest_span_bytes, l->manifest_sha256,
                            "manifest.json", span, err))
        return false;
    size_t front = (size_t)(l->manifest_data_offset - l->manifest_offset);
    return belay_manifest_read(span + front, (size_t)l->manifest_bytes, &a->manifest, err) &&
           belay_manifest_check(a->manifest, l->manifest_offset, err);
}

bool belay_archive_open(belay_store *store, const char *name, belay_archive **ret, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *a = NULL;
    if (!belay_archive_peek(store, name, &a, err))
        return false;
    if (store->trust != NULL && !store->trust(store, name, a->source, err))
        return belay_error_prefix(err, "%s", name);
    *ret = belay_take(a);
    return true;
}

bool belay_archive_peek(belay_store *store, const char *name, belay_archive **ret, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *a = belay_alloc(sizeof *a);
    char tail[BELAY_LOCATOR_TAIL];
    belay_locator locator;
    a->name = belay_strdup(name);
    if (!store->open(store, name, &a->source, err))
        return false;
    if (a->source->size_bytes < BELAY_LOCATOR_TAIL || a->source->size_bytes % BELAY_TAR_BLOCK != 0) {
        belay_fail(err, BELAY_E_ARCHIVE, "%llu bytes are not a whole snapshot",
            (unsigned long long)a->source->size_bytes);
        return belay_error_prefix(err, "%s", name);
    }
    if (!a->source->read(a->source, a->source->size_bytes - sizeof tail, tail, sizeof tail, err) ||
        !belay_locator_parse(tail, a->source->size_bytes, &locator, err) || !read_manifest(a, &locator, err))
        return belay_error_prefix(err, "%s", name);
    *ret = belay_take(a);
    return true;
}

void belay_archive_close(belay_archive *archive)
{
    if (archive == NULL)
        return;
    belay_manifest_free(archive->manifest);
    belay_source_close(archive->source);
    free(archive->name);
    free(archive);
}

const belay_manifest *belay_archive_manifest(const belay_archive *archive)
{
    return archive->manifest;
}

bool belay_archive_read(
    belay_archive *a, const belay_member *m, void **ret, size_t *ret_size, belay_error *err)
{
    BELAY_AUTO(belay_free) char *span = belay_try_alloc((size_t)m->span_bytes + 1, err);
    if (span == NULL || !read_span(a, m->offset, m->span_bytes, m->sha256, m->name, span, err))
        return false;
    size_t front = (size_t)(m->data_offset - m->offset);
    memmove(span, span + front, (size_t)m->stored_bytes);
    span[m->stored_bytes] = '\0';
    *ret_size = (size_t)m->stored_bytes;
    *ret = belay_take(span);
    return true;
}

bool belay_archive_read_stored(belay_archive *a, const char *name, const belay_member **ret_member,
    void **ret, size_t *ret_size, belay_error *err)
{
    const belay_member *member = belay_manifest_find(a->manifest, name);
    if (member == NULL)
        return belay_fail(err, BELAY_E_ARCHIVE, "%s: there is no member %s", a->name, name);
    if (ret_member != NULL)
        *ret_member = member;
    return belay_archive_read(a, member, ret, ret_size, err);
}

static bool append(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    belay_str_append_n(context, data, size_bytes);
    return belay_str_check(context, "a decoded member", err);
}

bool belay_archive_read_decoded(
    belay_archive *a, const char *member, char **ret, size_t *ret_size, belay_error *err)
{
    const belay_member *m = NULL;
    BELAY_AUTO(belay_free) void *stored = NULL;
    size_t size = 0;
    if (!belay_archive_read_stored(a, member, &m, &stored, &size, err))
        return false;
    if (!belay_ends_with(member, ".zst")) {
        *ret = belay_take(stored);
        *ret_size = size;
        return true;
    }
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(ZSTD_LEVEL_UNUSED);
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_MAX((size_t)m->raw_bytes + 2);
    if (!belay_codec_decode(codec, stored, size, append, &text, NULL, err))
        return belay_error_prefix(err, "member %s", member);
    *ret_size = text.length;
    *ret = belay_str_steal(&text);
    return true;
}

/* What the threads of a verification share. */
typedef struct verification {
    belay_archive *archive;
    belay_reporter *reporter;
    int64_t started_ms;
    atomic_uint_fast64_t done_bytes;
} verification;

/* Reused from member to member. */
typedef struct verifier {
    belay_codec *codec;
    char *span;
    size_t capacity_bytes;
} verifier;

static void *new_verifier(void *context)
{
    (void)context;
    verifier *own = belay_alloc(sizeof *own);
    own->codec = belay_codec_new(ZSTD_LEVEL_UNUSED);
    return own;
}

static void free_verifier(void *context, void *own)
{
    (void)context;
    verifier *v = own;
    belay_codec_free(v->codec);
    free(v->span);
    free(v);
}

static bool has_room(verifier *v, size_t size_bytes, belay_error *err)
{
    if (size_bytes <= v->capacity_bytes)
        return true;
    free(v->span);
    v->capacity_bytes = 0;
    v->span = belay_try_alloc(size_bytes, err);
    if (v->span == NULL)
        return false;
    v->capacity_bytes = size_bytes;
    return true;
}

/* Span and, for a frame, its whole decoding. */
static bool verify_member(void *context, void *own, size_t number, belay_error *err)
{
    verification *all = context;
    verifier *v = own;
    const belay_member *m = &all->archive->manifest->members[number];
    uint64_t raw = m->raw_bytes;
    if (!has_room(v, (size_t)m->span_bytes, err) ||
        !read_span(all->archive, m->offset, m->span_bytes, m->sha256, m->name, v->span, err))
        return false;
    if (belay_ends_with(m->name, ".zst") &&
        !belay_codec_decode(
            v->codec, v->span + (m->data_offset - m->offset), (size_t)m->stored_bytes, NULL, NULL, &raw, err))
        return belay_error_prefix(err, "member %s", m->name);
    atomic_fetch_add(&all->done_bytes, m->span_bytes);
    return raw == m->raw_bytes || bad_member(m, "it decodes to another length than the manifest says", err);
}

static void report(const verification *all, bool finished)
{
    const belay_progress progress = {.what = "verify",
        .done_bytes = atomic_load(&all->done_bytes),
        .total_bytes = all->archive->source->size_bytes,
        .elapsed_ms = belay_now_ms() - all->started_ms,
        .finished = finished};
    belay_report_progress(all->reporter, &progress);
}

static void tick(void *context)
{
    report(context, false);
}

bool belay_archive_verify(belay_archive *a, int jobs, belay_reporter *reporter, belay_error *err)
{
    verification all = {.archive = a, .reporter = reporter, .started_ms = belay_now_ms()};
    const belay_crew_task task = {
        .work = verify_member, .begin = new_verifier, .end = free_verifier, .tick = tick, .context = &all};
    if (!belay_crew_run(&task, a->manifest->member_count, belay_crew_size(jobs), err))
        return belay_error_prefix(err, "%s", a->name);
    report(&all, true);
    return true;
}
