/* The channels of a tunnel: opened, pumped and closed, without waiting for any of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "remote/ssh.h"
#include "remote/tunnel_internal.h"
#include "util/clock.h"

enum {
    WINDOW_BYTES = 2 * 1024 * 1024, /* what the far side may send ahead on one channel */
    OPEN_MS = 15000                 /* for the SSH server to connect to the far end */
};

static void answer(belay_tunnel *tunnel, belay_tunnel_client *c, const belay_error *fault)
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

void belay_tunnel_give_up(belay_tunnel *tunnel, belay_tunnel_client *c, const belay_error *fault)
{
    if (c->state == CLIENT_WAITING || c->state == CLIENT_OPENING)
        answer(tunnel, c, fault);
    c->state = CLIENT_OVER;
}

/* The channels go with the session. `opens`: whose opening showed that it is lost; it and those who wait for
 * it have sent nothing yet, and get a new session. NULL: nobody's. */
static void lose_session(belay_tunnel *tunnel, belay_tunnel_client *opens, const belay_error *fault)
{
    for (belay_tunnel_client *c = tunnel->clients; c != NULL; c = c->next) {
        if (opens != NULL && (c == opens || c->state == CLIENT_WAITING))
            c->state = CLIENT_WAITING;
        else
            belay_tunnel_give_up(tunnel, c, fault);
        c->channel = NULL;
    }
    tunnel->busy = NULL;
    belay_ssh_close(tunnel->session);
    tunnel->session = NULL;
}

void belay_tunnel_lose_session(belay_tunnel *tunnel, const belay_error *fault)
{
    lose_session(tunnel, NULL, fault);
}

static LIBSSH2_SESSION *handle_of(const belay_tunnel *tunnel)
{
    return belay_ssh_handle(tunnel->session);
}

/* What a call said: *ret_again when it has to wait. False: the session is lost. */
static bool judge(
    belay_tunnel *tunnel, belay_tunnel_client *c, belay_tunnel_step what, ssize_t status, bool *ret_again)
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
    /* One that nobody used for a while may have ended unnoticed (ClientAliveInterval of the server). */
    bool again = what == STEP_OPENS && !c->opened_anew;
    c->opened_anew = c->opened_anew || again;
    lose_session(tunnel, again ? c : NULL, &fault);
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
static const char *describe_far_end(const belay_tunnel_client *c, belay_str *message)
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

static bool open_channel(belay_tunnel *tunnel, belay_tunnel_client *c)
{
    BELAY_AUTO(belay_str_done) belay_str message = BELAY_STR_INIT;
    const char *type = describe_far_end(c, &message);
    c->channel = ssh.libssh2_channel_open_ex(handle_of(tunnel), type, (unsigned)strlen(type), WINDOW_BYTES,
        LIBSSH2_CHANNEL_PACKET_DEFAULT, message.data, (unsigned)message.length);
    int status = c->channel != NULL ? 0 : ssh.libssh2_session_last_errno(handle_of(tunnel));
    if (status == 0 && c->channel == NULL)
        status = LIBSSH2_ERROR_CHANNEL_FAILURE;
    bool again;
    if (!judge(tunnel, c, STEP_OPENS, status, &again))
        return false;
    if (again)
        return true;
    tunnel->moved++;
    if (c->channel != NULL) {
        answer(tunnel, c, NULL);
        c->state = CLIENT_OPEN;
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
    belay_tunnel_give_up(tunnel, c, &fault);
    return true;
}

/* Reads what the client sends, where there is room. */
void belay_tunnel_fill_up(belay_tunnel_client *c)
{
    if (c->up_at < c->up_end || c->fd_ended)
        return;
    ssize_t got = recv(c->fd, c->up, sizeof c->up, 0);
    c->up_at = 0;
    c->up_end = got > 0 ? (size_t)got : 0;
    c->fd_ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void drain_down(belay_tunnel_client *c)
{
    while (c->down_at < c->down_end) {
        ssize_t put = send(c->fd, c->down + c->down_at, c->down_end - c->down_at, MSG_NOSIGNAL);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (put < 0) {
            c->state = CLIENT_CLOSING; /* nobody is there to take it */
            return;
        }
        c->down_at += (size_t)put;
    }
    if (c->channel_ended && !c->shut) {
        shutdown(c->fd, SHUT_WR);
        c->shut = true;
    }
}

static bool write_up(belay_tunnel *tunnel, belay_tunnel_client *c)
{
    while (c->up_at < c->up_end) {
        bool again;
        ssize_t put = ssh.libssh2_channel_write_ex(c->channel, 0, c->up + c->up_at, c->up_end - c->up_at);
        if (!judge(tunnel, c, STEP_WRITES, put, &again))
            return false;
        if (again || put == 0)
            return true;
        if (put < 0) {
            c->state = CLIENT_CLOSING;
            return true;
        }
        c->up_at += (size_t)put;
        tunnel->moved++;
        if (c->up_at == c->up_end)
            belay_tunnel_fill_up(c);
    }
    if (!c->fd_ended || c->eof_sent)
        return true;
    bool again;
    int status = ssh.libssh2_channel_send_eof(c->channel);
    if (!judge(tunnel, c, STEP_SENDS_EOF, status, &again))
        return false;
    c->eof_sent = !again;
    return true;
}

static bool read_down(belay_tunnel *tunnel, belay_tunnel_client *c)
{
    while (c->down_at == c->down_end && !c->channel_ended && c->state == CLIENT_OPEN) {
        bool again;
        ssize_t got = ssh.libssh2_channel_read_ex(c->channel, 0, c->down, sizeof c->down);
        if (!judge(tunnel, c, STEP_READS, got, &again))
            return false;
        if (again)
            return true;
        if (got < 0) {
            c->state = CLIENT_CLOSING;
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

static bool close_channel(belay_tunnel *tunnel, belay_tunnel_client *c)
{
    bool again;
    int status = ssh.libssh2_channel_free(c->channel); /* closes first */
    if (!judge(tunnel, c, STEP_FREES, status, &again))
        return false;
    if (!again) {
        c->channel = NULL;
        c->state = CLIENT_OVER;
        tunnel->moved++;
    }
    return true;
}

static bool is_done(belay_tunnel_client *c)
{
    if (c->hung_up)
        belay_tunnel_fill_up(c);
    return (c->shut || c->hung_up) && c->fd_ended && c->up_at == c->up_end;
}

/* One step for a client; false when the session is lost. */
static bool serve(belay_tunnel *tunnel, belay_tunnel_client *c)
{
    if (c->state == CLIENT_OPENING)
        return open_channel(tunnel, c);
    if (c->state == CLIENT_OPEN) {
        drain_down(c);
        if (!write_up(tunnel, c) || (tunnel->busy == NULL && !read_down(tunnel, c)))
            return false;
        if (c->state == CLIENT_OPEN && is_done(c))
            c->state = CLIENT_CLOSING;
    }
    return c->state != CLIENT_CLOSING || tunnel->busy != NULL || close_channel(tunnel, c);
}

/* The step that was half sent, and nothing else. */
static bool repeat(belay_tunnel *tunnel)
{
    belay_tunnel_client *c = tunnel->busy;
    switch (tunnel->busy_step) {
    case STEP_OPENS:
        return open_channel(tunnel, c);
    case STEP_WRITES:
    case STEP_SENDS_EOF:
        return write_up(tunnel, c);
    case STEP_READS:
        return read_down(tunnel, c);
    case STEP_FREES:
        return close_channel(tunnel, c);
    }
    tunnel->busy = NULL;
    return true;
}

void belay_tunnel_serve(belay_tunnel *tunnel)
{
    if (tunnel->busy != NULL && !repeat(tunnel))
        return;
    /* What libssh2 reads for one channel it keeps for the others: nothing on the socket tells of that. */
    bool opening;
    uint64_t before;
    do {
        before = tunnel->moved;
        opening = false;
        for (belay_tunnel_client *c = tunnel->clients; c != NULL && tunnel->busy == NULL; c = c->next) {
            if (!serve(tunnel, c))
                return;
            opening = opening || c->state == CLIENT_OPENING;
        }
    } while (tunnel->moved != before && tunnel->busy == NULL);
    for (belay_tunnel_client *c = tunnel->clients; c != NULL && tunnel->busy == NULL; c = c->next) {
        if (opening || c->state != CLIENT_WAITING)
            continue;
        c->state = CLIENT_OPENING;
        c->deadline_ms = belay_now_ms() + OPEN_MS;
        if (!open_channel(tunnel, c))
            return;
        opening = c->state == CLIENT_OPENING;
    }
}
