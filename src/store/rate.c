#include "store/rate.h"

#include <pthread.h>

#include "util/clock.h"
#include "util/stop.h"

/* What was not used is not saved up for longer, and a piece is what passes in this time. */
enum { SLACK_MS = 100, PIECE_MIN_BYTES = 64 * 1024 };

/* The bytes follow each other on a line of time; whoever asks gets the next stretch, and waits for its
 * beginning.
 */
typedef struct bucket {
    belay_rate_clock clock;
    uint64_t bytes_per_s;
    pthread_mutex_t mutex;
    int64_t free_from_us; /* the end of the last stretch */
} bucket;

typedef struct rate_store {
    belay_store base;
    belay_store *behind;
    bucket limit;
} rate_store;

typedef struct rate_sink {
    belay_sink base;
    belay_sink *behind;
    bucket *limit;
} rate_sink;

typedef struct rate_source {
    belay_source base;
    belay_source *behind;
    bucket *limit;
} rate_source;

static size_t piece_of(const bucket *limit, size_t size_bytes)
{
    uint64_t piece = limit->bytes_per_s / 1000 * SLACK_MS;
    if (piece < PIECE_MIN_BYTES)
        piece = PIECE_MIN_BYTES;
    return size_bytes < piece ? size_bytes : (size_t)piece;
}

/* When the stretch of these bytes begins, in ms from now. */
static int64_t reserve(bucket *limit, size_t size_bytes)
{
    int64_t length_us = (int64_t)((double)size_bytes * 1e6 / (double)limit->bytes_per_s);
    pthread_mutex_lock(&limit->mutex);
    int64_t now_us = limit->clock.now_ms(limit->clock.context) * 1000;
    if (limit->free_from_us < now_us - SLACK_MS * 1000)
        limit->free_from_us = now_us - SLACK_MS * 1000;
    int64_t wait_us = limit->free_from_us - now_us;
    limit->free_from_us += length_us;
    pthread_mutex_unlock(&limit->mutex);
    return wait_us <= 0 ? 0 : (wait_us + 999) / 1000;
}

static bool wait_for(bucket *limit, size_t size_bytes, belay_error *err)
{
    int64_t wait_ms = reserve(limit, size_bytes);
    if (wait_ms == 0 || !limit->clock.wait(limit->clock.context, wait_ms))
        return true;
    return belay_fail(err, BELAY_E_CANCELLED, "stopped by a signal");
}

static bool sink_write(belay_sink *base, const void *data, size_t size_bytes, belay_error *err)
{
    rate_sink *self = (rate_sink *)base;
    for (const char *at = data; size_bytes > 0;) {
        size_t piece = piece_of(self->limit, size_bytes);
        if (!wait_for(self->limit, piece, err) || !self->behind->write(self->behind, at, piece, err))
            return false;
        at += piece;
        size_bytes -= piece;
    }
    return true;
}

static bool sink_sync(belay_sink *base, belay_error *err)
{
    rate_sink *self = (rate_sink *)base;
    return self->behind->sync(self->behind, err);
}

static void sink_close(belay_sink *base)
{
    rate_sink *self = (rate_sink *)base;
    belay_sink_close(self->behind);
    free(self);
}

static bool source_read(belay_source *base, uint64_t offset, void *data, size_t size_bytes, belay_error *err)
{
    rate_source *self = (rate_source *)base;
    for (char *at = data; size_bytes > 0;) {
        size_t piece = piece_of(self->limit, size_bytes);
        if (!wait_for(self->limit, piece, err) || !self->behind->read(self->behind, offset, at, piece, err))
            return false;
        at += piece;
        offset += piece;
        size_bytes -= piece;
    }
    return true;
}

static void source_close(belay_source *base)
{
    rate_source *self = (rate_source *)base;
    belay_source_close(self->behind);
    free(self);
}

static bool store_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    belay_sink *behind = NULL;
    if (!self->behind->create(self->behind, name, &behind, err))
        return false;
    rate_sink *sink = belay_alloc(sizeof *sink);
    *sink = (rate_sink){{sink_write, sink_sync, sink_close}, behind, &self->limit};
    *ret = &sink->base;
    return true;
}

static bool store_append(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->append(self->behind, name, ret, err);
}

static bool store_open(belay_store *base, const char *name, belay_source **ret, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    belay_source *behind = NULL;
    if (!self->behind->open(self->behind, name, &behind, err))
        return false;
    rate_source *source = belay_alloc(sizeof *source);
    *source = (rate_source){{behind->size_bytes, source_read, source_close}, behind, &self->limit};
    *ret = &source->base;
    return true;
}

static bool store_rename(belay_store *base, const char *from, const char *to, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->rename(self->behind, from, to, err);
}

static bool store_remove(belay_store *base, const char *name, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->remove(self->behind, name, err);
}

static bool store_list(belay_store *base, const char *prefix, belay_store_listing *ret, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->list(self->behind, prefix, ret, err);
}

static bool store_folders(belay_store *base, const char *folder, belay_list *ret, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->folders(self->behind, folder, ret, err);
}

static bool store_is_held(belay_store *base, const char *name)
{
    rate_store *self = (rate_store *)base;
    return self->behind->is_held(self->behind, name);
}

static bool store_free_space(belay_store *base, uint64_t *ret_bytes, belay_error *err)
{
    rate_store *self = (rate_store *)base;
    return self->behind->free_space(self->behind, ret_bytes, err);
}

static void store_free(belay_store *base)
{
    rate_store *self = (rate_store *)base;
    belay_store_free(self->behind);
    pthread_mutex_destroy(&self->limit.mutex);
    free(self);
}

static int64_t clock_now(void *context)
{
    (void)context;
    return belay_now_ms();
}

static bool clock_wait(void *context, int64_t duration_ms)
{
    (void)context;
    return belay_stop_wait(duration_ms);
}

belay_store *belay_rate_store(belay_store *behind, uint64_t bytes_per_s, const belay_rate_clock *clock)
{
    rate_store *self = belay_alloc(sizeof *self);
    self->base = (belay_store){.url = behind->url,
        .bytes_per_s = bytes_per_s,
        .is_remote = behind->is_remote,
        .caveat = behind->caveat,
        .create = store_create,
        .append = store_append,
        .open = store_open,
        .rename = store_rename,
        .remove = store_remove,
        .list = store_list,
        .folders = store_folders,
        .is_held = store_is_held,
        .free_space = store_free_space,
        .free = store_free};
    self->behind = behind;
    self->limit.bytes_per_s = bytes_per_s;
    self->limit.clock = clock != NULL ? *clock : (belay_rate_clock){clock_now, clock_wait, NULL};
    pthread_mutex_init(&self->limit.mutex, NULL);
    return &self->base;
}
