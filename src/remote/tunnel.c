#include "remote/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/crew.h"
#include "util/file.h"

enum {
    UP_BYTES = 64 * 1024,
    DOWN_BYTES = 256 * 1024,
    WINDOW_BYTES = 2 * 1024 * 1024, /* what the far side may send ahead on one channel */
    OPEN_MS = 15000,                /* for the SSH server to connect to the far end */
    CLIENTS_MAX = 512,
    FAR_END_SIZE = 256
};

typedef enum client_state {
    WAITING, /* for its turn to open a channel: libssh2 opens one at a time */
    OPENING,
    OPEN,
    CLOSING, /* the channel's close is on its way */
    OVER
} client_state;

/* A call of libssh2 that has sent a part of its packet must be repeated, as it was, before any other sends
 * something (libssh2's transport fails with BAD_USE). */
typedef enum step { OPENS, WRITES, READS, SENDS_EOF, FREES } step;

typedef struct client client;
struct client {
    client *next;
    int fd; /* nonblocking */
    LIBSSH2_CHANNEL *channel;
    client_state state;
    int64_t deadline_ms; /* for OPENING */
    char *host;
    int port;
    struct request *request; /* who waits for it, NULL: it came to the listening socket */
    char up[UP_BYTES];       /* from the client */
    size_t up_at, up_end;
    char down[DOWN_BYTES]; /* to the client */
    size_t down_at, down_end;
    bool hung_up;  /* the client is gone; what it sent may still be there to be read */
    bool fd_ended; /* the client sends no more */
    bool eof_sent; /* and the far side knows */
    bool channel_ended;
    bool shut; /* the client knows that the far side sends no more */
};

/* belay_tunnel_connect, waiting. */
typedef struct request {
    struct request *next;
    int fd;
    const char *host;
    int port;
    bool answered, ok;
    belay_error fault;
} request;

struct belay_tunnel {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    atomic_bool closing;
    int wake_fd;
    request *requests; /* under the mutex, as far_host, far_port, listen_fd, fault */
    int listen_fd;
    belay_tunnel_admit *admit;
    char *far_host;
    int far_port;
    bool has_fault;
    belay_error fault;
    /* The thread's own. */
    belay_ssh_login login;
    belay_list via;
    belay_ssh_options options;
    belay_ssh_session *session; /* NULL: lost, or not there yet */
    client *clients;
    size_t client_count;
    uint64_t moved; /* counts what went on, to see whether anything still does */
    client *busy;   /* whose step has to be repeated first; NULL: nobody's */
    step busy_step;
    int64_t looked_ms; /* when it was last asked whether something came from the server */
};

static void wake(belay_tunnel *tunnel)
{
    uint64_t one = 1;
    ssize_t ignored = write(tunnel->wake_fd, &one, sizeof one);
    (void)ignored;
}

static void answer(belay_tunnel *tunnel, client *c, const belay_error *fault)
{
    pthread_mutex_lock(&tunnel->mutex);
    if (c->request != NULL) {
        c->request->ok = fault == NULL;
        if (fault != NULL)
            c->request->fault = *fault;
        c->request->answered = true;
        pthread_cond_broadcast(&tunnel->answered);
    } else {
        tunnel->has_fault = fault != NULL;
        if (fault != NULL)
            tunnel->fault = *fault;
    }
    c->request = NULL;
    pthread_mutex_unlock(&tunnel->mutex);
}

static void give_up(belay_tunnel *tunnel, client *c, const belay_error *fault)
{
    if (c->state == WAITING || c->state == OPENING)
        answer(tunnel, c, fault);
    c->state = OVER;
}

/* The channels go with the session. */
static void lose_session(belay_tunnel *tunnel, const belay_error *fault)
{
    for (client *c = tunnel->clients; c != NULL; c = c->next) {
        give_up(tunnel, c, fault);
        c->channel = NULL;
    }
    tunnel->busy = NULL;
    belay_ssh_close(tunnel->session);
    tunnel->session = NULL;
}

static LIBSSH2_SESSION *handle_of(const belay_tunnel *tunnel)
{
    return belay_ssh_handle(tunnel->session);
}

/* What a call said: *ret_again when it has to wait. False: the session is lost. */
static bool judge(belay_tunnel *tunnel, client *c, step what, ssize_t status, bool *ret_again)
{
    *ret_again = status == LIBSSH2_ERROR_EAGAIN;
    bool half_sent = *ret_again && (ssh.libssh2_session_block_directions(handle_of(tunnel)) &
                                       LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
    if (half_sent) {
        tunnel->busy = c;
        tunnel->busy_step = what;
    } else if (tunnel->busy == c && tunnel->busy_step == what) {
        tunnel->busy = NULL;
    }
    if (status >= 0 || *ret_again)
        return true;
    belay_error fault = {0};
    belay_ssh_fail(tunnel->session, &fault, "the tunnel");
    if (!belay_ssh_is_lost(&fault))
        return true;
    lose_session(tunnel, &fault);
    return false;
}

static void put_string(belay_str *to, const char *text)
{
    uint32_t length = htonl((uint32_t)strlen(text));
    belay_str_append_n(to, (const char *)&length, sizeof length);
    belay_str_append(to, text);
}

static void put_number(belay_str *to, uint32_t number)
{
    uint32_t wire = htonl(number);
    belay_str_append_n(to, (const char *)&wire, sizeof wire);
}

void belay_tunnel_far_end_text(const char *host, int port, char *ret, size_t size_bytes)
{
    if (*host == '/')
        snprintf(ret, size_bytes, "%s", host);
    else
        snprintf(ret, size_bytes, "%s:%d", host, port);
}

/* libssh2 has a function of its own for unix sockets since 1.11; the general one will do for both. Where we
 * come from is told as any client does. */
static const char *describe_far_end(const client *c, belay_str *message)
{
    if (*c->host == '/') {
        put_string(message, c->host);
        put_string(message, ""); /* reserved, as the number is */
        put_number(message, 0);
        return "direct-streamlocal@openssh.com";
    }
    put_string(message, c->host);
    put_number(message, (uint32_t)c->port);
    put_string(message, "127.0.0.1");
    put_number(message, 22);
    return "direct-tcpip";
}

static bool open_channel(belay_tunnel *tunnel, client *c)
{
    BELAY_AUTO(belay_str_done) belay_str message = BELAY_STR_INIT;
    const char *type = describe_far_end(c, &message);
    c->channel = ssh.libssh2_channel_open_ex(handle_of(tunnel), type, (unsigned)strlen(type), WINDOW_BYTES,
        LIBSSH2_CHANNEL_PACKET_DEFAULT, message.data, (unsigned)message.length);
    int status = c->channel != NULL ? 0 : ssh.libssh2_session_last_errno(handle_of(tunnel));
    if (status == 0 && c->channel == NULL)
        status = LIBSSH2_ERROR_CHANNEL_FAILURE;
    bool again;
    if (!judge(tunnel, c, OPENS, status, &again))
        return false;
    if (again)
        return true;
    tunnel->moved++;
    if (c->channel != NULL) {
        answer(tunnel, c, NULL);
        c->state = OPEN;
        return true;
    }
    belay_error fault = {0};
    char far_end[FAR_END_SIZE];
    belay_tunnel_far_end_text(c->host, c->port, far_end, sizeof far_end);
    belay_ssh_fail(tunnel->session, &fault, "cannot reach %s from there", far_end);
    belay_error_hint(&fault,
        "the SSH server connects to it: is that the name and port, or the socket, as %s sees them, does "
        "something listen there, "
        "and does its sshd_config allow it (AllowTcpForwarding, PermitOpen, AllowStreamLocalForwarding)?",
        belay_ssh_label(tunnel->session));
    give_up(tunnel, c, &fault);
    return true;
}

/* Reads what the client sends, where there is room. */
static void fill_up(client *c)
{
    if (c->up_at < c->up_end || c->fd_ended)
        return;
    ssize_t got = recv(c->fd, c->up, sizeof c->up, 0);
    c->up_at = 0;
    c->up_end = got > 0 ? (size_t)got : 0;
    c->fd_ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void drain_down(client *c)
{
    while (c->down_at < c->down_end) {
        ssize_t put = send(c->fd, c->down + c->down_at, c->down_end - c->down_at, MSG_NOSIGNAL);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (put < 0) {
            c->state = CLOSING; /* nobody is there to take it */
            return;
        }
        c->down_at += (size_t)put;
    }
    if (c->channel_ended && !c->shut) {
        shutdown(c->fd, SHUT_WR);
        c->shut = true;
    }
}

static bool write_up(belay_tunnel *tunnel, client *c)
{
    while (c->up_at < c->up_end) {
        bool again;
        ssize_t put = ssh.libssh2_channel_write_ex(c->channel, 0, c->up + c->up_at, c->up_end - c->up_at);
        if (!judge(tunnel, c, WRITES, put, &again))
            return false;
        if (again || put == 0)
            return true;
        if (put < 0) {
            c->state = CLOSING;
            return true;
        }
        c->up_at += (size_t)put;
        tunnel->moved++;
        if (c->up_at == c->up_end)
            fill_up(c);
    }
    if (!c->fd_ended || c->eof_sent)
        return true;
    bool again;
    int status = ssh.libssh2_channel_send_eof(c->channel);
    if (!judge(tunnel, c, SENDS_EOF, status, &again))
        return false;
    c->eof_sent = !again;
    return true;
}

static bool read_down(belay_tunnel *tunnel, client *c)
{
    while (c->down_at == c->down_end && !c->channel_ended && c->state == OPEN) {
        bool again;
        ssize_t got = ssh.libssh2_channel_read_ex(c->channel, 0, c->down, sizeof c->down);
        if (!judge(tunnel, c, READS, got, &again))
            return false;
        if (again)
            return true;
        if (got < 0) {
            c->state = CLOSING;
            return true;
        }
        c->down_at = 0;
        c->down_end = (size_t)got;
        tunnel->moved++;
        c->channel_ended = got == 0 && ssh.libssh2_channel_eof(c->channel) != 0;
        if (got == 0 && !c->channel_ended)
            return true;
        drain_down(c);
    }
    return true;
}

static bool close_channel(belay_tunnel *tunnel, client *c)
{
    bool again;
    int status = ssh.libssh2_channel_free(c->channel); /* closes first */
    if (!judge(tunnel, c, FREES, status, &again))
        return false;
    if (!again) {
        c->channel = NULL;
        c->state = OVER;
        tunnel->moved++;
    }
    return true;
}

static bool is_done(client *c)
{
    if (c->hung_up)
        fill_up(c);
    return (c->shut || c->hung_up) && c->fd_ended && c->up_at == c->up_end;
}

/* One step for a client; false when the session is lost. */
static bool serve(belay_tunnel *tunnel, client *c)
{
    if (c->state == OPENING)
        return open_channel(tunnel, c);
    if (c->state == OPEN) {
        drain_down(c);
        if (!write_up(tunnel, c) || (tunnel->busy == NULL && !read_down(tunnel, c)))
            return false;
        if (c->state == OPEN && is_done(c))
            c->state = CLOSING;
    }
    return c->state != CLOSING || tunnel->busy != NULL || close_channel(tunnel, c);
}

/* The step that was half sent, and nothing else. */
static bool repeat(belay_tunnel *tunnel)
{
    client *c = tunnel->busy;
    switch (tunnel->busy_step) {
    case OPENS:
        return open_channel(tunnel, c);
    case WRITES:
    case SENDS_EOF:
        return write_up(tunnel, c);
    case READS:
        return read_down(tunnel, c);
    case FREES:
        return close_channel(tunnel, c);
    }
    tunnel->busy = NULL;
    return true;
}

static void serve_all(belay_tunnel *tunnel)
{
    if (tunnel->busy != NULL && !repeat(tunnel))
        return;
    /* What libssh2 reads for one channel it keeps for the others: nothing on the socket tells of that. */
    bool opening;
    uint64_t before;
    do {
        before = tunnel->moved;
        opening = false;
        for (client *c = tunnel->clients; c != NULL && tunnel->busy == NULL; c = c->next) {
            if (!serve(tunnel, c))
                return;
            opening = opening || c->state == OPENING;
        }
    } while (tunnel->moved != before && tunnel->busy == NULL);
    for (client *c = tunnel->clients; c != NULL && tunnel->busy == NULL; c = c->next) {
        if (opening || c->state != WAITING)
            continue;
        c->state = OPENING;
        c->deadline_ms = belay_now_ms() + OPEN_MS;
        if (!open_channel(tunnel, c))
            return;
        opening = c->state == OPENING;
    }
}

static void add_client(belay_tunnel *tunnel, int fd, const char *host, int port, request *asked)
{
    client *c = belay_alloc(sizeof *c);
    c->fd = fd;
    c->host = belay_strdup(host);
    c->port = port;
    c->request = asked;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    client **last = &tunnel->clients;
    while (*last != NULL)
        last = &(*last)->next;
    *last = c;
    tunnel->client_count++;
}

static void sweep(belay_tunnel *tunnel)
{
    for (client **at = &tunnel->clients; *at != NULL;) {
        client *c = *at;
        if (c->state != OVER) {
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
    request *first = tunnel->requests;
    tunnel->requests = NULL;
    pthread_mutex_unlock(&tunnel->mutex);
    while (first != NULL) {
        request *one = first;
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
    for (client *c = tunnel->clients; c != NULL; c = c->next)
        give_up(tunnel, c, &fault);
}

static short events_of(const client *c)
{
    short events = 0;
    if (c->state == OPEN && c->up_at == c->up_end && !c->fd_ended)
        events |= POLLIN;
    if (c->state == OPEN && c->down_at < c->down_end)
        events |= POLLOUT;
    return events;
}

enum { FIXED = 3, POLL_MS = 1000 };

static bool wants_session(const client *c)
{
    if (c->state != OPEN)
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
    for (const client *c = tunnel->clients; c != NULL && !wanted; c = c->next)
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
    for (client *c = tunnel->clients; c != NULL; c = c->next)
        waits[count++] = (struct pollfd){.fd = c->hung_up ? -1 : c->fd, .events = events_of(c)};
    return count;
}

static void take_events(belay_tunnel *tunnel, const struct pollfd *waits)
{
    if (tunnel->session != NULL && waits[0].revents != 0)
        belay_ssh_heard(tunnel->session);
    nfds_t at = FIXED;
    int64_t now = belay_now_ms();
    for (client *c = tunnel->clients; c != NULL; c = c->next, at++) {
        if (c->state == OPEN && (waits[at].revents & POLLIN) != 0)
            fill_up(c);
        c->hung_up = c->hung_up || (waits[at].revents & (POLLHUP | POLLERR)) != 0;
        if (c->state == OPENING && now > c->deadline_ms && tunnel->session != NULL) {
            belay_error fault = {0};
            char far_end[FAR_END_SIZE];
            belay_tunnel_far_end_text(c->host, c->port, far_end, sizeof far_end);
            belay_fail(&fault, BELAY_E_SSH, "%s: %s does not answer from there",
                belay_ssh_label(tunnel->session), far_end);
            /* libssh2 is in the middle of opening it, and can do nothing else: the session is of no more use.
             */
            lose_session(tunnel, &fault);
            return;
        }
    }
}

static void *pump(void *context)
{
    belay_tunnel *tunnel = context;
    struct pollfd *waits = NULL;
    belay_be_patient();
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
            lose_session(tunnel, &fault);
        if (tunnel->session != NULL)
            serve_all(tunnel);
        sweep(tunnel);
    }
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
    for (request *one = tunnel->requests; one != NULL; one = one->next) {
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
    lose_session(tunnel, &fault);
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
    request asked = {.fd = ends[1], .host = host, .port = port};
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
