#include "remote/tunnel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/key_stream.h"
#include "util/clock.h"
#include "util/crew.h"
#include "util/file.h"

enum { CLIENTS_MAX = 512 };

static void wake(belay_tunnel *tunnel)
{
    uint64_t one = 1;
    ssize_t ignored = write(tunnel->wake_fd, &one, sizeof one);
    (void)ignored;
}

static void add_client(belay_tunnel *tunnel, int fd, const char *host, int port, belay_tunnel_request *asked)
{
    belay_tunnel_client *c = belay_alloc(sizeof *c);
    c->fd = fd;
    c->host = belay_strdup(host);
    c->port = port;
    c->request = asked;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    belay_tunnel_client **last = &tunnel->clients;
    while (*last != NULL)
        last = &(*last)->next;
    *last = c;
    tunnel->client_count++;
}

static void sweep(belay_tunnel *tunnel)
{
    for (belay_tunnel_client **at = &tunnel->clients; *at != NULL;) {
        belay_tunnel_client *c = *at;
        if (c->state != CLIENT_OVER) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        close(c->fd);
        free(c->host);
        free(c);
        tunnel->client_count--;
    }
}

static void take_requests(belay_tunnel *tunnel)
{
    uint64_t ignored;
    ssize_t got = read(tunnel->wake_fd, &ignored, sizeof ignored);
    (void)got;
    pthread_mutex_lock(&tunnel->mutex);
    belay_tunnel_request *first = tunnel->requests;
    tunnel->requests = NULL;
    pthread_mutex_unlock(&tunnel->mutex);
    while (first != NULL) {
        belay_tunnel_request *one = first;
        first = one->next;
        add_client(tunnel, one->fd, one->host, one->port, one);
    }
}

static void take_callers(belay_tunnel *tunnel, int listen_fd)
{
    while (tunnel->client_count < CLIENTS_MAX) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* no TCP: no harm */
        if (tunnel->admit != NULL && !tunnel->admit(fd))
            close(fd);
        else
            add_client(tunnel, fd, tunnel->far_host, tunnel->far_port, NULL);
    }
}

static bool connect_session(belay_tunnel *tunnel, belay_error *err)
{
    belay_ssh_options options = tunnel->options;
    options.given_up = &tunnel->closing;
    options.outlives_stop = true;
    return belay_ssh_open(&options, &tunnel->session, err);
}

/* For those who came since it was lost. */
static void reconnect(belay_tunnel *tunnel)
{
    belay_error fault = {0};
    if (tunnel->session != NULL || tunnel->clients == NULL || connect_session(tunnel, &fault))
        return;
    for (belay_tunnel_client *c = tunnel->clients; c != NULL; c = c->next)
        belay_tunnel_give_up(tunnel, c, &fault);
}

static short events_of(const belay_tunnel_client *c)
{
    short events = 0;
    if (c->state == CLIENT_OPEN && c->up_at == c->up_end && !c->fd_ended)
        events |= POLLIN;
    if (c->state == CLIENT_OPEN && c->down_at < c->down_end)
        events |= POLLOUT;
    return events;
}

enum { FIXED = 3, POLL_MS = 1000 };

static bool wants_session(const belay_tunnel_client *c)
{
    if (c->state != CLIENT_OPEN)
        return true;
    return (c->down_at == c->down_end && !c->channel_ended) || c->up_at < c->up_end;
}

/* libssh2 reads for a channel only. What waits in the session's socket while no client can take anything, or
 * none is there, would wake the thread again and again. It is looked for once in a while all the same: it
 * shows that the server lives. */
static bool listens_to_session(belay_tunnel *tunnel)
{
    int64_t now = belay_now_ms();
    bool wanted = tunnel->busy != NULL || now - tunnel->looked_ms >= POLL_MS;
    for (const belay_tunnel_client *c = tunnel->clients; c != NULL && !wanted; c = c->next)
        wanted = wants_session(c);
    if (wanted)
        tunnel->looked_ms = now;
    return wanted;
}

/* Session, wake, listener, then the clients in their order. */
static nfds_t gather(belay_tunnel *tunnel, struct pollfd **array)
{
    struct pollfd *waits = *array = belay_realloc_array(*array, FIXED + tunnel->client_count, sizeof **array);
    bool half_sent = tunnel->busy != NULL;
    waits[0] = (struct pollfd){.fd = tunnel->session == NULL ? -1 : belay_ssh_fd(tunnel->session),
        .events = (short)((listens_to_session(tunnel) ? POLLIN : 0) | (half_sent ? POLLOUT : 0))};
    waits[1] = (struct pollfd){.fd = tunnel->wake_fd, .events = POLLIN};
    pthread_mutex_lock(&tunnel->mutex);
    waits[2] =
        (struct pollfd){.fd = tunnel->client_count < CLIENTS_MAX ? tunnel->listen_fd : -1, .events = POLLIN};
    pthread_mutex_unlock(&tunnel->mutex);
    nfds_t count = FIXED;
    for (belay_tunnel_client *c = tunnel->clients; c != NULL; c = c->next)
        waits[count++] = (struct pollfd){.fd = c->hung_up ? -1 : c->fd, .events = events_of(c)};
    return count;
}

static void take_events(belay_tunnel *tunnel, const struct pollfd *waits)
{
    if (tunnel->session != NULL && waits[0].revents != 0)
        belay_ssh_heard(tunnel->session);
    nfds_t at = FIXED;
    int64_t now = belay_now_ms();
    for (belay_tunnel_client *c = tunnel->clients; c != NULL; c = c->next, at++) {
        if (c->state == CLIENT_OPEN && (waits[at].revents & POLLIN) != 0)
            belay_tunnel_fill_up(c);
        c->hung_up = c->hung_up || (waits[at].revents & (POLLHUP | POLLERR)) != 0;
        if (c->state == CLIENT_OPENING && now > c->deadline_ms && tunnel->session != NULL) {
            belay_error fault = {0};
            char far_end[FAR_END_SIZE];
            belay_tunnel_far_end_text(c->host, c->port, far_end, sizeof far_end);
            belay_fail(&fault, BELAY_E_SSH, "%s: %s does not answer from there",
                belay_ssh_label(tunnel->session), far_end);
            /* libssh2 is in the middle of opening it, and can do nothing else: the session is of no more use.
             */
            belay_tunnel_lose_session(tunnel, &fault);
            return;
        }
    }
}

static void *pump(void *context)
{
    belay_tunnel *tunnel = context;
    struct pollfd *waits = NULL;
    belay_be_patient();
    void *before = belay_key_stream_enter(); /* keys that the server renews */
    while (!atomic_load(&tunnel->closing)) {
        nfds_t count = gather(tunnel, &waits);
        if (poll(waits, count, POLL_MS) < 0 && errno != EINTR)
            break;
        take_events(tunnel, waits);
        if (waits[2].revents != 0)
            take_callers(tunnel, waits[2].fd);
        take_requests(tunnel);
        reconnect(tunnel);
        belay_error fault = {0};
        if (tunnel->session != NULL && !belay_ssh_keep_alive(tunnel->session, &fault))
            belay_tunnel_lose_session(tunnel, &fault);
        if (tunnel->session != NULL)
            belay_tunnel_serve(tunnel);
        sweep(tunnel);
    }
    belay_key_stream_leave(before);
    free(waits);
    return NULL;
}

bool belay_tunnel_open(const belay_ssh_options *options, belay_tunnel **ret, belay_error *err)
{
    belay_tunnel *tunnel = belay_alloc(sizeof *tunnel);
    pthread_mutex_init(&tunnel->mutex, NULL);
    pthread_cond_init(&tunnel->answered, NULL);
    tunnel->listen_fd = -1;
    tunnel->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tunnel->options = *options;
    belay_ssh_login_copy(&tunnel->login, options->login);
    tunnel->options.login = &tunnel->login;
    for (size_t i = 0; options->via != NULL && i < options->via->count; i++)
        belay_list_add(&tunnel->via, options->via->items[i]);
    tunnel->options.via = options->via == NULL ? NULL : &tunnel->via;
    int fault = tunnel->wake_fd < 0 ? errno : 0;
    bool ok = fault == 0 || belay_fail_errno(err, fault, "cannot start a tunnel");
    ok = ok && belay_ssh_open(&tunnel->options, &tunnel->session, err);
    if (ok && (fault = pthread_create(&tunnel->thread, NULL, pump, tunnel)) != 0)
        ok = belay_fail_errno(err, fault, "cannot start a tunnel's thread");
    if (ok) {
        *ret = tunnel;
        return true;
    }
    atomic_store(&tunnel->closing, true);
    tunnel->thread = 0;
    belay_tunnel_close(tunnel);
    return false;
}

static void refuse_requests(belay_tunnel *tunnel)
{
    pthread_mutex_lock(&tunnel->mutex);
    for (belay_tunnel_request *one = tunnel->requests; one != NULL; one = one->next) {
        belay_fail(&one->fault, BELAY_E_CANCELLED, "the tunnel is closed");
        one->answered = true;
        close(one->fd);
    }
    tunnel->requests = NULL;
    pthread_cond_broadcast(&tunnel->answered);
    pthread_mutex_unlock(&tunnel->mutex);
}

void belay_tunnel_close(belay_tunnel *tunnel)
{
    if (tunnel == NULL)
        return;
    if (!atomic_exchange(&tunnel->closing, true)) {
        wake(tunnel);
        pthread_join(tunnel->thread, NULL);
    }
    belay_error fault = {0};
    belay_fail(&fault, BELAY_E_CANCELLED, "the tunnel is closed");
    refuse_requests(tunnel);
    belay_tunnel_lose_session(tunnel, &fault);
    sweep(tunnel);
    belay_close_fd(tunnel->wake_fd);
    belay_close_fd(tunnel->listen_fd);
    free(tunnel->far_host);
    belay_ssh_login_done(&tunnel->login);
    belay_list_done(&tunnel->via);
    pthread_cond_destroy(&tunnel->answered);
    pthread_mutex_destroy(&tunnel->mutex);
    free(tunnel);
}

bool belay_tunnel_connect(belay_tunnel *tunnel, const char *host, int port, int *ret_fd, belay_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return belay_fail_errno(err, errno, "cannot make a socket");
    belay_tunnel_request asked = {.fd = ends[1], .host = host, .port = port};
    pthread_mutex_lock(&tunnel->mutex);
    asked.next = tunnel->requests;
    tunnel->requests = &asked;
    wake(tunnel);
    while (!asked.answered)
        pthread_cond_wait(&tunnel->answered, &tunnel->mutex);
    pthread_mutex_unlock(&tunnel->mutex);
    if (asked.ok) {
        *ret_fd = ends[0];
        return true;
    }
    close(ends[0]);
    if (err != NULL)
        *err = asked.fault;
    return false;
}

bool belay_tunnel_listen(belay_tunnel *tunnel, int listen_fd, belay_tunnel_admit *admit, const char *host,
    int port, belay_error *err)
{
    int flags = fcntl(listen_fd, F_GETFL);
    if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return belay_fail_errno(err, errno, "cannot listen for the tunnel");
    pthread_mutex_lock(&tunnel->mutex);
    tunnel->admit = admit;
    tunnel->far_host = belay_strdup(host);
    tunnel->far_port = port;
    tunnel->listen_fd = listen_fd;
    pthread_mutex_unlock(&tunnel->mutex);
    wake(tunnel);
    return true;
}

bool belay_tunnel_last_fault(belay_tunnel *tunnel, belay_error *ret)
{
    pthread_mutex_lock(&tunnel->mutex);
    bool has = tunnel->has_fault;
    if (has)
        *ret = tunnel->fault;
    pthread_mutex_unlock(&tunnel->mutex);
    return has;
}
