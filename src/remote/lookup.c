#include "remote/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "util/condition.h"

enum { SLICE_MS = 200, PORT_SIZE = 16 };

/* The thread's and the caller's: who is last frees it. */
typedef struct lookup {
    char *host;
    char port[PORT_SIZE];
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t answered;
    bool done, given_up;
    int status, fault;
    struct addrinfo *found;
} lookup;

static void free_lookup(lookup *self)
{
    if (self->found != NULL)
        freeaddrinfo(self->found);
    pthread_cond_destroy(&self->answered);
    pthread_mutex_destroy(&self->mutex);
    free(self->host);
    free(self);
}

static int ask(const char *host, const char *port, int flags, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    return getaddrinfo(host, port, &hints, ret);
}

static void *work(void *context)
{
    lookup *self = context;
    struct addrinfo *found = NULL;
    int status = ask(self->host, self->port, AI_ADDRCONFIG, &found);
    int fault = errno;
    pthread_mutex_lock(&self->mutex);
    self->found = status == 0 ? found : NULL;
    self->status = status;
    self->fault = fault;
    self->done = true;
    bool last = self->given_up;
    pthread_cond_signal(&self->answered);
    pthread_mutex_unlock(&self->mutex);
    if (last)
        free_lookup(self);
    return NULL;
}

static bool start(lookup *self, belay_error *err)
{
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int fault = pthread_create(&thread, &detached, work, self);
    pthread_attr_destroy(&detached);
    return fault == 0 || belay_fail_errno(err, fault, "cannot start a thread");
}

/* With its answer, or given up: then it is the thread's alone. */
static bool await(lookup *self, const belay_ssh_options *options, int64_t deadline_ms)
{
    pthread_mutex_lock(&self->mutex);
    while (!self->done && belay_now_ms() < deadline_ms && !belay_ssh_is_given_up(options)) {
        int64_t left = deadline_ms - belay_now_ms();
        belay_condition_wait(&self->answered, &self->mutex, left > SLICE_MS ? SLICE_MS : (int)left);
    }
    bool done = self->done;
    self->given_up = !done;
    pthread_mutex_unlock(&self->mutex);
    return done;
}

static bool fail_no_address(const char *label, const char *host, const char *why, belay_error *err)
{
    return belay_fail(err, BELAY_E_SSH, "%s: %s has no address: %s", label, host, why);
}

static bool fail_no_answer(
    const belay_ssh_options *options, const char *label, const char *host, belay_error *err)
{
    if (belay_ssh_is_given_up(options))
        return belay_fail(err, BELAY_E_CANCELLED, "stopped while looking for the address of %s", label);
    fail_no_address(label, host, "no name server answered in time", err);
    return belay_error_hint(
        err, "try `getent ahosts %s`; /etc/resolv.conf names the servers that this machine asks", host);
}

bool belay_ssh_lookup(const belay_ssh_options *options, const char *label, const char *host, int port,
    int64_t deadline_ms, struct addrinfo **ret, belay_error *err)
{
    char text[PORT_SIZE];
    snprintf(text, sizeof text, "%d", port);
    if (ask(host, text, AI_NUMERICHOST, ret) == 0)
        return true;
    lookup *self = belay_alloc(sizeof *self);
    self->host = belay_strdup(host);
    memcpy(self->port, text, sizeof text);
    pthread_mutex_init(&self->mutex, NULL);
    belay_condition_init(&self->answered);
    if (!start(self, err)) {
        free_lookup(self);
        return false;
    }
    if (!await(self, options, deadline_ms))
        return fail_no_answer(options, label, host, err);
    bool ok = self->status == 0;
    if (ok)
        *ret = belay_take(self->found);
    else
        fail_no_address(label, host,
            self->status == EAI_SYSTEM ? strerror(self->fault) : gai_strerror(self->status), err);
    free_lookup(self);
    return ok;
}
