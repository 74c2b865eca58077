#include "store/sftp_parts.h"

typedef struct sftp_source {
    belay_source base;
    sftp_store *store;
    char *name;
    uint64_t number; /* by which connections know it */
    char *whole;     /* of a small file, read when it was opened; NULL: not */
} sftp_source;

static belay_span handle_of(const sftp_stream *stream)
{
    return (belay_span){stream->handle, stream->handle_length};
}

/* ---- what is under way */

static void drop_pieces(sftp_stream *stream)
{
    for (; stream->count > 0; stream->count--) {
        free(stream->pieces[stream->first].bytes);
        stream->first = (stream->first + 1) % SFTP_PIECES_MAX;
    }
}

void sftp_stream_drop(sftp_connection *c)
{
    sftp_stream *stream = &c->stream;
    drop_pieces(stream);
    if (stream->source != 0 && c->sftp != NULL)
        belay_sftp_close_handle(c->sftp, handle_of(stream));
    free(stream->handle);
    *stream = (sftp_stream){0};
}

/* A server may answer with less than it was asked for; id 0: it ended, and the piece stays short. */
bool sftp_stream_take(sftp_stream *stream, const belay_sftp_answer *answer, bool *ret_ok)
{
    *ret_ok = true;
    for (size_t i = 0; i < stream->count; i++) {
        sftp_piece *one = &stream->pieces[(stream->first + i) % SFTP_PIECES_MAX];
        if (one->id != answer->id)
            continue;
        size_t left = one->want - one->got;
        *ret_ok = answer->kind == BELAY_SFTP_DATA && answer->body.length > 0 && answer->body.length <= left;
        one->id = 0;
        if (*ret_ok) {
            memcpy(one->bytes + one->got, answer->body.data, answer->body.length);
            one->got += answer->body.length;
        }
        return true;
    }
    return false;
}

static void ask_rest(sftp_connection *c, uint64_t piece_at, sftp_piece *one)
{
    one->id = belay_sftp_read(c->sftp, handle_of(&c->stream), piece_at + one->got, one->want - one->got);
}

/* Asks for what follows, up to `to`. */
static bool ask_to(sftp_connection *c, uint64_t to, belay_error *err)
{
    sftp_stream *stream = &c->stream;
    size_t most = belay_sftp_read_max(c->sftp);
    while (stream->asked_to < to && stream->count < SFTP_PIECES_MAX &&
           stream->asked_to - stream->at < SFTP_AHEAD_BYTES) {
        uint64_t left = to - stream->asked_to;
        sftp_piece one = {.want = left < most ? (size_t)left : most};
        one.bytes = belay_try_alloc(one.want, err);
        if (one.bytes == NULL)
            return false;
        ask_rest(c, stream->asked_to, &one);
        stream->pieces[(stream->first + stream->count++) % SFTP_PIECES_MAX] = one;
        stream->asked_to += one.want;
    }
    return true;
}

/* Until the first piece is whole. */
static bool complete_first(sftp_source *self, sftp_connection *c, belay_error *err)
{
    sftp_stream *stream = &c->stream;
    sftp_piece *first = &stream->pieces[stream->first];
    while (first->got < first->want) {
        belay_sftp_answer answer;
        bool ok;
        if (first->id == 0)
            ask_rest(c, stream->at, first);
        if (!belay_sftp_next(c->sftp, belay_now_ms() + SFTP_ANSWER_MS, &answer, err))
            return false;
        if (!sftp_stream_take(stream, &answer, &ok) || ok || first->id != 0)
            continue;
        if (answer.kind == BELAY_SFTP_STATUS && answer.status != BELAY_SFTP_EOF)
            return sftp_fail(self->store, c, &answer, "read", self->name, err);
        return belay_fail(err, BELAY_E_IO, "%s/%s is shorter than it was: it ends before byte %llu",
            self->store->base.url, self->name, (unsigned long long)(stream->at + first->want));
    }
    return true;
}

/* ---- reading */

static bool check_size(sftp_source *self, sftp_connection *c, uint64_t *ret_bytes, belay_error *err)
{
    belay_sftp_answer answer;
    uint32_t id = belay_sftp_fstat(c->sftp, handle_of(&c->stream));
    if (!sftp_expect(self->store, c, id, BELAY_SFTP_ATTRIBUTES, "open", self->name, &answer, err))
        return false;
    if (!answer.attributes.has_size)
        return belay_fail(err, BELAY_E_UNSUPPORTED, "%s: the SFTP server does not say how large files are",
            self->store->base.url);
    if (answer.attributes.has_mode && !S_ISREG(answer.attributes.mode))
        return belay_fail(err, BELAY_E_IO, "%s/%s is not a regular file", self->store->base.url, self->name);
    *ret_bytes = answer.attributes.size_bytes;
    return true;
}

static bool open_on(sftp_source *self, sftp_connection *c, uint64_t *ret_bytes, belay_error *err)
{
    sftp_stream_drop(c);
    BELAY_AUTO(belay_free) char *path = sftp_path(self->store, self->name);
    BELAY_AUTO(belay_free) char *handle = NULL;
    size_t length = 0;
    uint32_t id = belay_sftp_open_file(c->sftp, path, BELAY_SFTP_READ);
    if (!sftp_expect_handle(self->store, c, id, "open", self->name, &handle, &length, err))
        return false;
    c->stream.source = self->number;
    c->stream.handle = belay_take(handle);
    c->stream.handle_length = length;
    return check_size(self, c, ret_bytes, err);
}

typedef struct read_wish {
    sftp_source *source;
    uint64_t offset;
    char *to;
    size_t size_bytes;
} read_wish;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whoever has read on and on will go on: as much as that is asked for ahead, so that a reader of small parts
 * does not wait a round trip for each. */
static bool read_here(const read_wish *w, sftp_connection *c, belay_error *err)
{
    sftp_stream *stream = &c->stream;
    uint64_t end = w->offset + w->size_bytes;
    if (stream->at != w->offset) {
        drop_pieces(stream);
        stream->run_bytes = 0;
        stream->at = stream->asked_to = w->offset;
    }
    uint64_t ahead = least(w->source->base.size_bytes, end + least(stream->run_bytes, SFTP_AHEAD_BYTES));
    for (char *to = w->to; stream->at < end;) {
        if (!ask_to(c, ahead, err) || !complete_first(w->source, c, err))
            return false;
        sftp_piece *first = &stream->pieces[stream->first];
        size_t size = (size_t)least(first->want, end - stream->at);
        memcpy(to, first->bytes, size);
        to += size;
        stream->at += size;
        stream->run_bytes += size;
        if (size == first->want) {
            free(first->bytes);
            stream->first = (stream->first + 1) % SFTP_PIECES_MAX;
            stream->count--;
        } else { /* the rest is for who reads on */
            memmove(first->bytes, first->bytes + size, first->want - size);
            first->want = first->got = first->want - size;
        }
    }
    return ask_to(c, ahead, err) && belay_sftp_flush(c->sftp, err);
}

static bool read_once(sftp_store *store, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)store, (void)tries;
    const read_wish *w = context;
    uint64_t size_bytes = w->source->base.size_bytes;
    belay_sftp_heed_stop(c->sftp, true);
    if (c->stream.source != w->source->number && !open_on(w->source, c, &size_bytes, err))
        return false;
    if (size_bytes < w->source->base.size_bytes)
        return belay_fail(
            err, BELAY_E_IO, "%s/%s is shorter than it was", w->source->store->base.url, w->source->name);
    if (read_here(w, c, err))
        return true;
    sftp_stream_drop(c);
    return false;
}

static bool source_read(belay_source *base, uint64_t offset, void *data, size_t size_bytes, belay_error *err)
{
    sftp_source *self = (sftp_source *)base;
    if (offset > base->size_bytes || size_bytes > base->size_bytes - offset)
        return belay_fail(err, BELAY_E_IO, "%s/%s ends before byte %llu", self->store->base.url, self->name,
            (unsigned long long)offset + size_bytes);
    if (self->whole != NULL) {
        memcpy(data, self->whole + offset, size_bytes);
        return true;
    }
    read_wish wish = {self, offset, data, size_bytes};
    sftp_want want = {.source = self->number, .at = offset};
    return sftp_run(self->store, &want, read_once, &wish, err);
}

/* Those that are busy read something else: a source is closed when nobody reads it. */
static void source_close(belay_source *base)
{
    sftp_source *self = (sftp_source *)base;
    pthread_mutex_lock(&self->store->mutex);
    for (sftp_connection *c = self->store->connections; c != NULL; c = c->next) {
        if (!c->busy && c->stream.source == self->number)
            sftp_stream_drop(c);
    }
    pthread_mutex_unlock(&self->store->mutex);
    free(self->whole);
    free(self->name);
    free(self);
}

/* ---- opening */

static bool read_whole(sftp_source *self, sftp_connection *c, belay_error *err)
{
    size_t size = (size_t)self->base.size_bytes;
    BELAY_AUTO(belay_free) char *whole = belay_try_alloc(size, err);
    read_wish wish = {self, 0, whole, size};
    if (whole == NULL || !read_here(&wish, c, err))
        return false;
    self->whole = belay_take(whole);
    sftp_stream_drop(c);
    return true;
}

/* Looked at before it is opened: opening a FIFO would hang the server. */
static bool open_once(sftp_store *store, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    sftp_source *self = context;
    sftp_sight sight = {0};
    if (!sftp_look(store, c, self->name, "open", &sight, err))
        return false;
    if (sight.missing)
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s/%s does not exist", store->base.url, self->name);
    if (S_ISLNK(sight.itself.mode)) {
        belay_fail(err, BELAY_E_IO, "cannot open %s/%s: it is a link", store->base.url, self->name);
        return belay_error_hint(
            err, "links inside a store are not followed: replace it by the file or folder");
    }
    if (!S_ISREG(sight.itself.mode))
        return belay_fail(err, BELAY_E_IO, "%s/%s is not a regular file", store->base.url, self->name);
    bool ok = open_on(self, c, &self->base.size_bytes, err) &&
              (self->base.size_bytes > SFTP_SMALL_BYTES || read_whole(self, c, err));
    if (!ok)
        sftp_stream_drop(c);
    return ok;
}

bool sftp_open_source(belay_store *base, const char *name, belay_source **ret, belay_error *err)
{
    sftp_store *store = (sftp_store *)base;
    if (!belay_store_check_name(name, err))
        return false;
    BELAY_AUTO(belay_source_close) belay_source *opened = NULL;
    sftp_source *source = belay_alloc(sizeof *source);
    *source =
        (sftp_source){.base = {0, source_read, source_close}, .store = store, .name = belay_strdup(name)};
    opened = &source->base;
    pthread_mutex_lock(&store->mutex);
    source->number = ++store->last_source;
    pthread_mutex_unlock(&store->mutex);
    if (!sftp_run(store, &(sftp_want){0}, open_once, source, err))
        return false;
    *ret = belay_take(opened);
    return true;
}
