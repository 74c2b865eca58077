/* Writing a file of the SFTP store: store/sftp_sink.h says what is kept, sftp_append.c how journals grow. */
#include "store/sftp_sink.h"
#include "util/stop.h"

enum { GOODBYE_MS = 10000 };

static bool fail(sftp_sink *self, const belay_error *why, belay_error *err)
{
    self->failed = true;
    self->fault = *why;
    if (err != NULL)
        *err = *why;
    return false;
}

belay_span sftp_sink_handle(const sftp_sink *self)
{
    return (belay_span){self->handle, self->handle_length};
}

/* ---- what is under way */

static void ask_one(sftp_sink *self)
{
    size_t most = belay_sftp_write_max(self->c->sftp);
    size_t at = (size_t)(self->sent % SFTP_AHEAD_BYTES);
    uint64_t left = self->written - self->sent;
    size_t size = left < most ? (size_t)left : most;
    if (size > SFTP_AHEAD_BYTES - at)
        size = SFTP_AHEAD_BYTES - at;
    under_way *one = &self->writes[(self->first + self->count++) % SFTP_WRITES_MAX];
    uint32_t id = belay_sftp_write(self->c->sftp, sftp_sink_handle(self), self->sent, self->ring + at, size);
    self->sent += size;
    *one = (under_way){id, self->sent, false};
}

/* `all`: also what fills no packet yet. */
static void ask(sftp_sink *self, bool all)
{
    while (self->count < SFTP_WRITES_MAX && self->sent < self->written &&
           (all || self->written - self->sent >= belay_sftp_write_max(self->c->sftp)))
        ask_one(self);
}

/* The first ones that are acknowledged are done with. */
static void move_on(sftp_sink *self)
{
    while (self->count > 0 && self->writes[self->first].acknowledged) {
        self->acknowledged = self->writes[self->first].end;
        self->first = (self->first + 1) % SFTP_WRITES_MAX;
        self->count--;
        self->retry = (sftp_retry){0}; /* it goes on */
    }
    self->kept_from = self->acknowledged;
}

static bool take(sftp_sink *self, const belay_sftp_answer *answer, belay_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        under_way *one = &self->writes[(self->first + i) % SFTP_WRITES_MAX];
        if (one->id != answer->id)
            continue;
        if (answer->kind != BELAY_SFTP_STATUS || answer->status != BELAY_SFTP_OK)
            return sftp_fail(self->store, self->c, answer, "write", self->name, err);
        one->acknowledged = true;
        break;
    }
    move_on(self);
    return true;
}

static bool take_one(sftp_sink *self, belay_error *err)
{
    belay_sftp_answer answer;
    return belay_sftp_next(self->c->sftp, belay_now_ms() + SFTP_ANSWER_MS, &answer, err) &&
           take(self, &answer, err);
}

static bool take_what_came(sftp_sink *self, belay_error *err)
{
    belay_sftp_answer answer;
    for (bool has = true; has;) {
        if (!belay_sftp_poll(self->c->sftp, &answer, &has, err) || (has && !take(self, &answer, err)))
            return false;
    }
    return true;
}

static bool drain(sftp_sink *self, belay_error *err)
{
    if (self->appends)
        return sftp_append_rest(self, err);
    do {
        ask(self, true);
        if (self->count > 0 && !take_one(self, err))
            return false;
    } while (self->count > 0 || self->sent < self->written);
    return true;
}

static bool sync_file(sftp_sink *self, belay_error *err)
{
    belay_sftp_answer answer;
    if (!drain(self, err))
        return false;
    if (belay_sftp_can(self->c->sftp)->fsync &&
        !sftp_expect(self->store, self->c, belay_sftp_fsync(self->c->sftp, sftp_sink_handle(self)),
            BELAY_SFTP_STATUS, "sync", self->name, &answer, err))
        return false;
    self->kept_from = self->acknowledged;
    if (!self->folder_synced && !sftp_sync_folder_of(self->store, self->c, self->name, err))
        return false;
    self->folder_synced = true;
    return true;
}

/* ---- reconnecting */

static void let_go(sftp_sink *self)
{
    sftp_connection *c = belay_take(self->c);
    if (c != NULL && self->handle != NULL)
        belay_sftp_close_handle(c->sftp, sftp_sink_handle(self));
    free(belay_take(self->handle));
    sftp_give_back(self->store, c);
}

/* `flags` besides those for writing. Some servers refuse to open a file for appending (on object stores, or
 * by a setting) and open it for writing. */
static bool take_handle(sftp_sink *self, const char *path, unsigned flags, const char *what, belay_error *err)
{
    belay_sftp *sftp = self->c->sftp;
    belay_error why = {0};
    flags |= BELAY_SFTP_WRITE | (self->appends ? BELAY_SFTP_READ : 0U);
    if (self->appends && self->appending != SFTP_WHERE_TOLD) {
        if (sftp_expect_handle(self->store, self->c,
                belay_sftp_open_file(sftp, path, flags | BELAY_SFTP_APPEND), what, self->name, &self->handle,
                &self->handle_length, &why))
            return true;
        if (why.code != BELAY_E_IO && why.code != BELAY_E_UNSUPPORTED) {
            if (err != NULL)
                *err = why;
            return false;
        }
        self->appending = SFTP_WHERE_TOLD;
    }
    return sftp_expect_handle(self->store, self->c, belay_sftp_open_file(sftp, path, flags), what, self->name,
        &self->handle, &self->handle_length, err);
}

static bool open_again(sftp_sink *self, belay_error *err)
{
    sftp_store *store = self->store;
    sftp_sight sight;
    belay_sftp_answer answer;
    BELAY_AUTO(belay_free) char *path = sftp_path(store, self->name);
    if (!sftp_borrow(store, &(sftp_want){.kept = true}, &self->c, err) ||
        !sftp_look(store, self->c, self->name, "write", &sight, err))
        return false;
    belay_sftp_heed_stop(self->c->sftp, !self->appends);
    if (sight.missing || !S_ISREG(sight.itself.mode))
        return belay_fail(
            err, BELAY_E_IO, "%s/%s was taken away while it was written", store->base.url, self->name);
    if (!take_handle(self, path, 0, "write", err) ||
        !sftp_expect(store, self->c, belay_sftp_fstat(self->c->sftp, sftp_sink_handle(self)),
            BELAY_SFTP_ATTRIBUTES, "write", self->name, &answer, err))
        return false;
    if (answer.attributes.size_bytes < self->kept_from + self->extra_bytes)
        return belay_fail(err, BELAY_E_IO,
            "%s/%s lost bytes that the server had acknowledged: has that host crashed?", store->base.url,
            self->name);
    if (self->appends)
        return sftp_append_go_on(self, answer.attributes.size_bytes, err);
    self->first = self->count = 0;
    self->sent = self->acknowledged = self->kept_from;
    return true;
}

/* After `why`: on with a new connection, or failed for good. */
static bool go_on(sftp_sink *self, belay_error *why, belay_error *err)
{
    for (;;) {
        let_go(self);
        if (!sftp_try_again(self->store, &self->retry, why))
            return fail(self, why, err);
        belay_error_clear(why);
        if (open_again(self, why))
            return true;
    }
}

/* Silence means nothing where nothing was asked for long. */
static bool still_lives(sftp_sink *self, belay_error *err)
{
    bool was_idle = belay_now_ms() - self->c->used_ms >= SFTP_IDLE_MS;
    if (self->count > 0 && was_idle)
        belay_sftp_wake(self->c->sftp);
    if (self->count > 0)
        return true;
    if (!sftp_lives(self->store, self->c))
        return belay_fail(err, BELAY_E_SSH_LOST, "%s: the SFTP session was lost while it was idle",
            belay_sftp_label(self->c->sftp));
    return !self->appends || sftp_append_is_alone(self, err);
}

/* A step of it, again with another connection when one is lost. */
static bool with_connection(
    sftp_sink *self, bool (*step)(sftp_sink *self, belay_error *err), belay_error *err)
{
    belay_error why = {0};
    if (self->failed && self->appends) {
        self->failed = false; /* a journal is tried again: there may be room, or the server back */
        self->retry = (sftp_retry){0};
    }
    if (self->failed)
        return fail(self, &self->fault, err);
    bool ok = self->c == NULL ? open_again(self, &why) : still_lives(self, &why);
    while (!ok || !step(self, &why)) {
        if (!go_on(self, &why, err))
            return false;
        ok = true;
    }
    self->c->used_ms = belay_now_ms();
    return true;
}

/* ---- the sink */

static bool make_room(sftp_sink *self, belay_error *err)
{
    if (self->appends)
        return sync_file(self, err); /* until then it is kept */
    ask(self, true);
    return self->count == 0 || take_one(self, err);
}

static bool push(sftp_sink *self, belay_error *err)
{
    ask(self, false);
    return take_what_came(self, err);
}

static size_t keep(sftp_sink *self, const char *data, size_t size_bytes)
{
    size_t room = SFTP_AHEAD_BYTES - (size_t)(self->written - self->kept_from);
    size_t at = (size_t)(self->written % SFTP_AHEAD_BYTES);
    size_t size = size_bytes < room ? size_bytes : room;
    if (size > SFTP_AHEAD_BYTES - at)
        size = SFTP_AHEAD_BYTES - at;
    memcpy(self->ring + at, data, size);
    self->written += size;
    return size;
}

static bool sink_write(belay_sink *base, const void *data, size_t size_bytes, belay_error *err)
{
    sftp_sink *self = (sftp_sink *)base;
    for (const char *at = data; size_bytes > 0;) {
        size_t kept = keep(self, at, size_bytes);
        at += kept;
        size_bytes -= kept;
        if ((kept == 0 || !self->appends) && !with_connection(self, kept == 0 ? make_room : push, err))
            return false;
    }
    /* A line of a journal is there when this returns, as it would be in a file of this machine. */
    return !self->appends || with_connection(self, drain, err);
}

static bool sink_sync(belay_sink *base, belay_error *err)
{
    return with_connection((sftp_sink *)base, sync_file, err);
}

/* What was written stays, if it can be had without trying again. */
static void sink_close(belay_sink *base)
{
    sftp_sink *self = (sftp_sink *)base;
    belay_error why = {0};
    int64_t until_ms = belay_now_ms() + GOODBYE_MS;
    while (self->c != NULL && !self->failed && !belay_stop_requested() && belay_now_ms() < until_ms &&
           (self->count > 0 || self->sent < self->written)) {
        ask(self, true);
        if (!take_one(self, &why))
            break;
    }
    let_go(self);
    sftp_append_done(self);
    free(self->ring);
    free(self->name);
    free(self);
}

/* ---- opening */

/* An old file of that name goes, rather than being emptied: another writer's late packets then reach nothing
 * that is read. */
static bool open_fresh(sftp_sink *self, belay_error *err)
{
    sftp_store *store = self->store;
    BELAY_AUTO(belay_free) char *path = sftp_path(store, self->name);
    belay_sftp_remove(
        self->c->sftp, path); /* missing is fine; what else is wrong comes with the next answer */
    uint32_t id = belay_sftp_open_file(
        self->c->sftp, path, BELAY_SFTP_WRITE | BELAY_SFTP_CREATE | BELAY_SFTP_EXCLUSIVE);
    return sftp_expect_handle(
        store, self->c, id, "create", self->name, &self->handle, &self->handle_length, err);
}

static bool open_to_append(sftp_sink *self, const sftp_sight *sight, belay_error *err)
{
    sftp_store *store = self->store;
    belay_sftp_answer answer;
    BELAY_AUTO(belay_free) char *path = sftp_path(store, self->name);
    if (!sight->missing && !S_ISREG(sight->itself.mode)) {
        belay_fail(err, BELAY_E_IO, "cannot write %s/%s: it is no regular file", store->base.url, self->name);
        return belay_error_hint(
            err, "links inside a store are not followed: replace it by the file or folder");
    }
    if (!take_handle(
            self, path, sight->missing ? BELAY_SFTP_CREATE | BELAY_SFTP_EXCLUSIVE : 0U, "open", err) ||
        !sftp_expect(store, self->c, belay_sftp_fstat(self->c->sftp, sftp_sink_handle(self)),
            BELAY_SFTP_ATTRIBUTES, "open", self->name, &answer, err))
        return false;
    self->kept_from = self->acknowledged = self->sent = self->written = answer.attributes.size_bytes;
    return true;
}

static bool open_sink(sftp_sink *self, belay_error *err)
{
    sftp_sight sight;
    const char *what = self->appends ? "open" : "create";
    if (!sftp_borrow(self->store, &(sftp_want){.kept = true}, &self->c, err) ||
        !sftp_look_making(self->store, self->c, self->name, what, &sight, err) ||
        !(self->appends ? open_to_append(self, &sight, err) : open_fresh(self, err)))
        return false;
    belay_sftp_heed_stop(self->c->sftp, !self->appends);
    return true;
}

static bool new_sink(sftp_store *store, const char *name, bool appends, belay_sink **ret, belay_error *err)
{
    if (!belay_store_check_name(name, err))
        return false;
    BELAY_AUTO(belay_sink_close) belay_sink *opened = NULL;
    sftp_sink *self = belay_alloc(sizeof *self);
    self->base = (belay_sink){sink_write, sink_sync, sink_close};
    self->store = store;
    self->name = belay_strdup(name);
    self->appends = appends;
    self->ring = belay_alloc(SFTP_AHEAD_BYTES);
    opened = &self->base;
    belay_error why = {0};
    while (!open_sink(self, &why)) {
        let_go(self);
        if (sftp_try_again(store, &self->retry, &why))
            continue;
        if (err != NULL)
            *err = why;
        return false;
    }
    *ret = belay_take(opened);
    return true;
}

bool sftp_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    return new_sink((sftp_store *)base, name, false, ret, err);
}

bool sftp_append(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    return new_sink((sftp_store *)base, name, true, ret, err);
}
