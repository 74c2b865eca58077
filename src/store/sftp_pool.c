#include <errno.h>

#include "store/sftp_parts.h"
#include "util/stop.h"

enum {
    LIVES_MS = 8000, /* for its answer */
    PAUSE_MS = 250,  /* before the second try; twice as long before each further one */
    PAUSE_MAX_MS = 8000,
    QUIET_MS = 30000, /* between tries once it was given up */
    SHORT_CONNECT_MS = 5000,
    SLICE_MS = 200
};

static void forget(sftp_store *self, sftp_connection *c)
{
    sftp_connection **at = &self->connections;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    self->counted -= c->counted;
}

static void close_connection(sftp_connection *c)
{
    sftp_stream_drop(c);
    belay_sftp_close(c->sftp);
    free(c);
}

void sftp_close_all(sftp_store *self)
{
    while (self->connections != NULL) {
        sftp_connection *c = self->connections;
        forget(self, c);
        close_connection(c);
    }
}

void sftp_give_back(sftp_store *self, sftp_connection *c)
{
    if (c == NULL)
        return;
    bool lost = belay_sftp_is_lost(c->sftp);
    belay_sftp_heed_stop(c->sftp, false);
    pthread_mutex_lock(&self->mutex);
    /* What a sink kept is idle from now on like any other, when there is room. */
    bool over = !c->counted && self->counted >= SFTP_CONNECTIONS_MAX;
    if (lost || over) {
        forget(self, c);
    } else {
        self->counted += !c->counted;
        c->counted = true;
        c->busy = false;
        c->used_ms = belay_now_ms();
    }
    pthread_cond_broadcast(&self->given_back);
    pthread_mutex_unlock(&self->mutex);
    if (lost || over)
        close_connection(c);
}

/* How well it suits, most first; 0: not at all. */
static int suits(const sftp_connection *c, const sftp_want *want)
{
    if (c->busy)
        return 0;
    if (c->stream.source == 0)
        return want->source == 0 ? 4 : 2;
    if (want->source == 0)
        return 1;
    if (c->stream.source != want->source)
        return 1;
    return c->stream.at == want->at ? 4 : 3;
}

/* With the mutex. One that reads something else stays with that as long as others may be opened. */
static sftp_connection *pick(const sftp_store *self, const sftp_want *want, bool full)
{
    sftp_connection *best = NULL;
    int best_suits = full || want->source == 0 ? 0 : 1;
    for (sftp_connection *c = self->connections; c != NULL; c = c->next) {
        int s = suits(c, want);
        if (s > best_suits || (best != NULL && s == best_suits && c->used_ms < best->used_ms)) {
            best = c;
            best_suits = s;
        }
    }
    return best;
}

typedef struct state {
    bool reached;
    bool given_up; /* one try now and then, since what is done without the store goes on */
    bool quiet;    /* not now */
} state;

static state state_of(sftp_store *self, belay_error *err)
{
    pthread_mutex_lock(&self->mutex);
    state s = {.reached = self->reached, .given_up = self->gave_up_ms > 0};
    s.quiet = s.given_up && belay_now_ms() - self->gave_up_ms < QUIET_MS;
    if (s.quiet && err != NULL)
        *err = self->why_gave_up;
    pthread_mutex_unlock(&self->mutex);
    return s;
}

/* A stop request ends the first connect; later ones may be needed to clean up. */
static bool connect(sftp_store *self, sftp_connection *c, belay_error *err)
{
    state s = state_of(self, err);
    belay_ssh_options options = {.login = &self->login, .outlives_stop = s.reached};
    if (s.quiet)
        return false;
    if (s.given_up)
        options.connect_ms = SHORT_CONNECT_MS;
    if (!belay_sftp_open(&options, &c->sftp, err))
        return false;
    belay_sftp_heed_stop(c->sftp, false);
    pthread_mutex_lock(&self->mutex);
    self->can = *belay_sftp_can(c->sftp);
    self->reached = true;
    self->gave_up_ms = 0;
    pthread_mutex_unlock(&self->mutex);
    return true;
}

static bool open_new(sftp_store *self, sftp_connection *c, sftp_connection **ret, belay_error *err)
{
    if (connect(self, c, err)) {
        *ret = c;
        return true;
    }
    pthread_mutex_lock(&self->mutex);
    forget(self, c);
    pthread_cond_broadcast(&self->given_back);
    pthread_mutex_unlock(&self->mutex);
    free(c);
    return false;
}

/* With the mutex: a place for one that is to be opened. */
static sftp_connection *reserve(sftp_store *self, const sftp_want *want)
{
    sftp_connection *c = belay_alloc(sizeof *c);
    c->busy = true;
    c->counted = !want->kept;
    c->next = self->connections;
    self->connections = c;
    self->counted += c->counted;
    return c;
}

/* After a while without use a server or something between may have forgotten it without a word. */
bool sftp_lives(const sftp_store *self, sftp_connection *c)
{
    belay_sftp_answer answer;
    belay_error why = {0};
    if (belay_sftp_is_lost(c->sftp))
        return false;
    if (belay_now_ms() - c->used_ms < SFTP_IDLE_MS)
        return true;
    belay_sftp_wake(c->sftp);
    uint32_t id = belay_sftp_lstat(c->sftp, self->root);
    int64_t deadline_ms = belay_now_ms() + LIVES_MS;
    do {
        if (!belay_sftp_next(c->sftp, deadline_ms, &answer, &why))
            return false;
        bool ok;
        sftp_stream_take(&c->stream, &answer, &ok);
    } while (answer.id != id);
    return true;
}

static void wait_given_back(sftp_store *self)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SLICE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&self->given_back, &self->mutex, &until);
}

/* An idle one, or a place for a new one. NULL: all are busy for too long. */
static sftp_connection *take(sftp_store *self, const sftp_want *want)
{
    int64_t until_ms = belay_now_ms() + SFTP_ANSWER_MS;
    pthread_mutex_lock(&self->mutex);
    sftp_connection *c = NULL;
    while (c == NULL && belay_now_ms() < until_ms) {
        bool full = !want->kept && self->counted >= SFTP_CONNECTIONS_MAX;
        c = pick(self, want, full);
        if (c == NULL && !full)
            c = reserve(self, want);
        else if (c == NULL)
            wait_given_back(self);
    }
    if (c != NULL && want->kept && c->counted) {
        c->counted = false;
        self->counted--;
    }
    if (c != NULL)
        c->busy = true;
    pthread_mutex_unlock(&self->mutex);
    return c;
}

bool sftp_borrow(sftp_store *self, const sftp_want *want, sftp_connection **ret, belay_error *err)
{
    for (;;) {
        sftp_connection *c = take(self, want);
        if (c == NULL)
            return belay_fail(err, BELAY_E_DEADLINE, "%s: all connections are busy", self->base.url);
        if (c->sftp == NULL)
            return open_new(self, c, ret, err);
        if (sftp_lives(self, c)) {
            if (want->kept)
                sftp_stream_drop(c);
            *ret = c;
            return true;
        }
        pthread_mutex_lock(&self->mutex);
        forget(self, c);
        pthread_mutex_unlock(&self->mutex);
        close_connection(c);
    }
}

/* ---- trying again */

/* Whom it was reached with before: the server starts again, or the network is away. */
static bool is_worth_it(const state *s, const belay_error *why)
{
    return !s->quiet && (why->code == BELAY_E_SSH_LOST || (why->code == BELAY_E_SSH && s->reached));
}

static bool give_up(sftp_store *self, const sftp_retry *retry, belay_error *why)
{
    if (retry->tries > 1)
        belay_error_prefix(why, "given up after %d tries", retry->tries);
    pthread_mutex_lock(&self->mutex);
    self->gave_up_ms = belay_now_ms();
    self->why_gave_up = *why;
    pthread_mutex_unlock(&self->mutex);
    return false;
}

bool sftp_try_again(sftp_store *self, sftp_retry *retry, belay_error *why)
{
    state s = state_of(self, NULL);
    if (!is_worth_it(&s, why))
        return false;
    if (retry->tries++ == 0) {
        retry->until_ms = belay_now_ms() + (s.given_up ? 0 : self->retry_ms);
        retry->pause_ms = PAUSE_MS;
    }
    int64_t pause_ms = retry->pause_ms + belay_random_below(PAUSE_MS);
    if (belay_now_ms() + pause_ms > retry->until_ms)
        return give_up(self, retry, why);
    if (belay_stop_wait(pause_ms))
        return false;
    retry->pause_ms = retry->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : retry->pause_ms * 2;
    return true;
}

bool sftp_run(
    sftp_store *self, const sftp_want *want, sftp_operation *operation, void *context, belay_error *err)
{
    sftp_retry retry = {0};
    belay_error why = {0};
    do {
        sftp_connection *c = NULL;
        bool ok = sftp_borrow(self, want, &c, &why) && operation(self, c, context, retry.tries, &why);
        sftp_give_back(self, c);
        if (ok)
            return true;
    } while (sftp_try_again(self, &retry, &why));
    if (err != NULL)
        *err = why;
    return false;
}

/* ---- answers */

static bool next_of_all(sftp_connection *c, belay_sftp_answer *ret, belay_error *err)
{
    bool ok = true;
    do {
        if (!belay_sftp_next(c->sftp, belay_now_ms() + SFTP_ANSWER_MS, ret, err))
            return false;
    } while (sftp_stream_take(&c->stream, ret, &ok));
    return true;
}

bool sftp_await(sftp_connection *c, uint32_t id, belay_sftp_answer *ret, belay_error *err)
{
    do {
        if (!next_of_all(c, ret, err))
            return false;
    } while (ret->id != id);
    return true;
}

bool sftp_await_all(
    sftp_connection *c, uint32_t first, size_t count, belay_sftp_answer *ret, belay_error *err)
{
    for (size_t missing = count; missing > 0;) {
        belay_sftp_answer one;
        if (!next_of_all(c, &one, err))
            return false;
        uint32_t at = one.id - first;
        if (at >= count)
            continue;
        ret[at] = one;
        ret[at].body = belay_span_of("");
        missing--;
    }
    return true;
}
