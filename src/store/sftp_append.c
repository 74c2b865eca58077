/* A journal over SFTP. Two machines may write to it, when one believes the other dead that is only cut off:
 * neither may overwrite what the other wrote, and each is to see that it is not alone.
 *
 * What is appended goes to the end of the file, which is the server's to find (SSH_FXF_APPEND), and the
 * file's length is asked for along with it: if it is longer than all that was written from here, it is
 * somebody else's, too. The request names the place as well, for servers that do not heed the flag. Which
 * kind it is tells the first thing that is appended, in two requests that name the same place:
 *
 *   {                       at 100: the file has 101 bytes
 *   "seq":1, ... }\n        at 100: it has as many more, or as many less one, and is then put right
 *
 * With such a server the file's length is asked for before each record, too; what two machines write within
 * the same moment may be lost with it (docs/remote-store.md). */
#include "store/sftp_sink.h"
#include "util/stop.h"

enum { ALONE_MS = 1000 /* who is nobody's for so long may have been gone on with by somebody else */ };

static bool fail_taken_over(const sftp_sink *self, belay_error *err)
{
    BELAY_AUTO(belay_free) char *path = belay_store_path(&self->store->base, self->name);
    return belay_store_fail_not_own(path, err);
}

/* Bytes of the ring from `at` on, without its end; not more than `most`, and not beyond `to`. */
static size_t piece_of(uint64_t at, uint64_t to, size_t most)
{
    size_t size = to - at < most ? (size_t)(to - at) : most;
    size_t room = SFTP_AHEAD_BYTES - (size_t)(at % SFTP_AHEAD_BYTES);
    return size < room ? size : room;
}

static const char *bytes_at(const sftp_sink *self, uint64_t at)
{
    return self->ring + at % SFTP_AHEAD_BYTES;
}

/* `size_bytes` of the file from `at` on (its own count). */
static bool read_file(sftp_sink *self, uint64_t at, char *ret, size_t size_bytes, belay_error *err)
{
    size_t most = belay_sftp_read_max(self->c->sftp);
    for (size_t got = 0; got < size_bytes;) {
        belay_sftp_answer answer;
        size_t want = size_bytes - got < most ? size_bytes - got : most;
        uint32_t id = belay_sftp_read(self->c->sftp, sftp_sink_handle(self), at + got, want);
        if (!sftp_expect(self->store, self->c, id, BELAY_SFTP_DATA, "read", self->name, &answer, err))
            return false;
        if (answer.body.length == 0 || answer.body.length > want)
            return belay_fail(err, BELAY_E_IO, "%s/%s cannot be read", self->store->base.url, self->name);
        memcpy(ret + got, answer.body.data, answer.body.length);
        got += answer.body.length;
    }
    return true;
}

/* ---- what a lost connection had under way */

static void forget_flying(sftp_sink *self)
{
    free(belay_take(self->flying));
    self->flying_bytes = 0;
}

static void forget_late(sftp_sink *self)
{
    free(belay_take(self->late));
    self->late_bytes = 0;
}

void sftp_append_done(sftp_sink *self)
{
    forget_flying(self);
    forget_late(self);
}

/* The same bytes twice, what came late and what was written instead of it, in whatever order? */
static bool is_twice(
    const char *bytes, const char *now, size_t now_bytes, const char *late, size_t late_bytes)
{
    return (memcmp(bytes, now, now_bytes) == 0 && memcmp(bytes + now_bytes, late, late_bytes) == 0) ||
           (memcmp(bytes, late, late_bytes) == 0 && memcmp(bytes + late_bytes, now, now_bytes) == 0);
}

/* The file is of that size, and its end was written from here up to `to`: is it all of it? */
static bool is_own_end(sftp_sink *self, uint64_t size_bytes, uint64_t to, belay_error *err)
{
    if (size_bytes <= to + self->extra_bytes)
        return true;
    if (self->late == NULL || size_bytes != to + self->extra_bytes + self->late_bytes)
        return fail_taken_over(self, err);
    size_t now_bytes = (size_t)(to - self->acknowledged), bytes = now_bytes + self->late_bytes;
    BELAY_AUTO(belay_free) char *there = belay_alloc(bytes);
    if (!read_file(self, self->acknowledged + self->extra_bytes, there, bytes, err))
        return false;
    if (!is_twice(there, bytes_at(self, self->acknowledged), now_bytes, self->late, self->late_bytes))
        return fail_taken_over(self, err);
    self->extra_bytes += self->late_bytes;
    self->kept_from = to; /* before it, places in the file are not those of the ring any more */
    forget_late(self);
    return true;
}

/* ---- appending */

/* One piece, with the place that is to be named; how long the file is then. */
static bool put(sftp_sink *self, const char *data, size_t size_bytes, uint64_t place,
    uint64_t *ret_file_bytes, belay_error *err)
{
    belay_sftp_answer answers[2];
    forget_flying(self);
    self->flying = belay_strndup(data, size_bytes);
    self->flying_bytes = size_bytes;
    uint32_t first =
        belay_sftp_write(self->c->sftp, sftp_sink_handle(self), place + self->extra_bytes, data, size_bytes);
    belay_sftp_fstat(self->c->sftp, sftp_sink_handle(self));
    if (!sftp_await_all(self->c, first, BELAY_COUNT(answers), answers, err))
        return false;
    forget_flying(self);
    if (answers[0].kind != BELAY_SFTP_STATUS || answers[0].status != BELAY_SFTP_OK)
        return sftp_fail(self->store, self->c, &answers[0], "write", self->name, err);
    if (answers[1].kind != BELAY_SFTP_ATTRIBUTES)
        return sftp_fail(self->store, self->c, &answers[1], "write", self->name, err);
    *ret_file_bytes = answers[1].attributes.size_bytes;
    return true;
}

static void move_to(sftp_sink *self, uint64_t to)
{
    self->sent = self->acknowledged = to;
    if (!belay_sftp_can(self->c->sftp)->fsync)
        self->kept_from = to;
    self->retry = (sftp_retry){0}; /* it goes on */
}

static bool put_piece(sftp_sink *self, size_t size_bytes, uint64_t place, belay_error *err)
{
    uint64_t file_bytes = 0, to = self->sent + size_bytes;
    if (!put(self, bytes_at(self, self->sent), size_bytes, place, &file_bytes, err) ||
        !is_own_end(self, file_bytes, to, err))
        return false;
    move_to(self, to);
    return true;
}

/* The first piece: its first byte, and the rest, both with the same place. */
static bool try_end(sftp_sink *self, size_t size_bytes, belay_error *err)
{
    uint64_t place = self->sent, file_bytes = 0, to = place + size_bytes;
    if (!put_piece(self, 1, place, err) ||
        !put(self, bytes_at(self, place + 1), size_bytes - 1, place, &file_bytes, err))
        return false;
    bool at_the_end = file_bytes >= to + self->extra_bytes;
    self->appending = at_the_end ? SFTP_AT_THE_END : SFTP_WHERE_TOLD;
    if (at_the_end && !is_own_end(self, file_bytes, to, err))
        return false;
    self->sent = self->acknowledged = at_the_end ? to : place;
    if (!at_the_end)
        return put_piece(self, size_bytes, place, err);
    move_to(self, to);
    return true;
}

static bool ask_alone(sftp_sink *self, belay_error *err)
{
    belay_sftp_answer answer;
    return sftp_expect(self->store, self->c, belay_sftp_fstat(self->c->sftp, sftp_sink_handle(self)),
               BELAY_SFTP_ATTRIBUTES, "write", self->name, &answer, err) &&
           is_own_end(self, answer.attributes.size_bytes, self->sent, err);
}

bool sftp_append_is_alone(sftp_sink *self, belay_error *err)
{
    return belay_now_ms() - self->c->used_ms < ALONE_MS || ask_alone(self, err);
}

bool sftp_append_rest(sftp_sink *self, belay_error *err)
{
    while (self->sent < self->written) {
        size_t size = piece_of(self->sent, self->written, belay_sftp_write_max(self->c->sftp));
        if (self->appending == SFTP_WHERE_TOLD && !ask_alone(self, err))
            return false;
        bool tries = self->appending == SFTP_NOT_TRIED && size > 1;
        if (!(tries ? try_end(self, size, err) : put_piece(self, size, self->sent, err)))
            return false;
    }
    return true;
}

/* ---- going on after a lost connection */

/* What the file has beyond what is safe must be what was written from here, or NUL where that host crashed,
 * which is put right. */
static bool check_own(sftp_sink *self, uint64_t to, bool *ret_holes, belay_error *err)
{
    BELAY_AUTO(belay_free) char *there = belay_alloc(belay_sftp_read_max(self->c->sftp));
    *ret_holes = false;
    for (uint64_t at = self->kept_from; at < to;) {
        size_t size = piece_of(at, to, belay_sftp_read_max(self->c->sftp));
        const char *mine = bytes_at(self, at);
        if (!read_file(self, at + self->extra_bytes, there, size, err))
            return false;
        for (size_t i = 0; i < size; i++) {
            if (there[i] != '\0' && there[i] != mine[i])
                return fail_taken_over(self, err);
            *ret_holes = *ret_holes || there[i] != mine[i];
        }
        at += size;
    }
    return true;
}

/* In places that were looked at, where what others append does not come. */
static bool fill_holes(sftp_sink *self, uint64_t to, belay_error *err)
{
    BELAY_AUTO(belay_free) char *path = sftp_path(self->store, self->name);
    BELAY_AUTO(belay_free) char *handle = NULL;
    size_t length = 0;
    belay_sftp *sftp = self->c->sftp;
    bool ok = true;
    if (!sftp_expect_handle(self->store, self->c, belay_sftp_open_file(sftp, path, BELAY_SFTP_WRITE), "write",
            self->name, &handle, &length, err))
        return false;
    belay_span there = {handle, length};
    for (uint64_t at = self->kept_from; ok && at < to;) {
        belay_sftp_answer answer;
        size_t size = piece_of(at, to, belay_sftp_write_max(sftp));
        uint32_t id = belay_sftp_write(sftp, there, at + self->extra_bytes, bytes_at(self, at), size);
        ok = sftp_expect(self->store, self->c, id, BELAY_SFTP_STATUS, "write", self->name, &answer, err);
        at += size;
    }
    belay_sftp_close_handle(sftp, there);
    return ok;
}

bool sftp_append_go_on(sftp_sink *self, uint64_t size_bytes, belay_error *err)
{
    uint64_t to = size_bytes - self->extra_bytes;
    bool holes = false;
    if (to > self->written)
        return fail_taken_over(self, err);
    if (!check_own(self, to, &holes, err) || (holes && !fill_holes(self, to, err)))
        return false;
    if (self->flying != NULL && to == self->acknowledged && self->appending != SFTP_WHERE_TOLD) {
        forget_late(self);
        self->late = belay_take(self->flying);
        self->late_bytes = self->flying_bytes;
    }
    forget_flying(self);
    self->sent = self->acknowledged = to;
    return true;
}
