#include "remote/session.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "remote/host_key.h"
#include "remote/key_stream.h"
#include "remote/login.h"
#include "remote/offer.h"
#include "remote/transport.h"
#include "util/stop.h"

/* libssh2 itself asks the kernel for 16 KiB at a time. */
enum { RECEIVE_BYTES = 128 * 1024 };

enum { SLICE_MS = 200, GOODBYE_MS = 500, OFFER_MS = 5000 };

struct belay_ssh_session {
    LIBSSH2_SESSION *handle;
    belay_transport transport;
    belay_ssh_endpoint endpoint;
    const atomic_bool *given_up;
    bool outlives_stop;
    bool lost;
    bool status_came;
    bool ended;                   /* by the other side */
    char *goodbye;                /* what the server said at that; NULL: nothing */
    const char *password;         /* while it is logged in with; the login's */
    char received[RECEIVE_BYTES]; /* from the socket, not yet libssh2's */
    size_t received_at, received_end;
    int64_t agent_until_ms; /* for the agent's answers */
    bool agent_silent;
    int64_t heard_ms;      /* when something last came from the server */
    int64_t keep_alive_ms; /* when the next keep-alive is due */
};

static bool is_given_up(const belay_ssh_session *session)
{
    return (session->given_up != NULL && atomic_load(session->given_up)) ||
           (!session->outlives_stop && belay_stop_requested());
}

static bool fail_lost(belay_ssh_session *session, belay_error *err, const char *why)
{
    session->lost = true;
    return belay_fail(
        err, BELAY_E_SSH_LOST, "%s: the SSH connection is lost: %s", session->endpoint.label, why);
}

static bool is_connection_fault(int status)
{
    return status == LIBSSH2_ERROR_SOCKET_SEND || status == LIBSSH2_ERROR_SOCKET_RECV ||
           status == LIBSSH2_ERROR_SOCKET_DISCONNECT || status == LIBSSH2_ERROR_SOCKET_TIMEOUT ||
           status == LIBSSH2_ERROR_SOCKET_NONE || status == LIBSSH2_ERROR_BAD_SOCKET ||
           status == LIBSSH2_ERROR_DECRYPT || status == LIBSSH2_ERROR_INVALID_MAC ||
           status == LIBSSH2_ERROR_PROTO;
}

bool belay_ssh_fail(belay_ssh_session *session, belay_error *err, const char *format, ...)
{
    char what[256], *said = NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    int status = ssh.libssh2_session_last_error(session->handle, &said, NULL, 0);
    session->lost = session->lost || is_connection_fault(status);
    if (session->goodbye != NULL)
        said = session->goodbye;
    return belay_fail(err, session->lost ? BELAY_E_SSH_LOST : BELAY_E_SSH, "%s: %s: %s",
        session->endpoint.label, what, said == NULL || *said == '\0' ? "no reason was given" : said);
}

bool belay_ssh_not_reached(belay_error *err)
{
    if (err != NULL && (err->code == BELAY_E_DEADLINE || err->code == BELAY_E_PROCESS))
        err->code = BELAY_E_SSH;
    return false;
}

bool belay_ssh_is_lost(const belay_error *err)
{
    return err->code == BELAY_E_SSH_LOST;
}

bool belay_ssh_keep_alive(belay_ssh_session *session, belay_error *err)
{
    int64_t now = belay_now_ms();
    int seconds = 0;
    if (now - session->heard_ms > BELAY_SSH_IDLE_MS)
        return fail_lost(session, err, "nothing came from the server for 45 s");
    /* A packet that is half sent must be ended before another (libssh2's transport says BAD_USE), and a
     * keep-alive that the socket has no room for stays so: none is sent while something comes. */
    if (now < session->keep_alive_ms || now - session->heard_ms < (int64_t)BELAY_SSH_KEEPALIVE_S * 1000 ||
        (ssh.libssh2_session_block_directions(session->handle) & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0)
        return true;
    if (ssh.libssh2_keepalive_send(session->handle, &seconds) != 0)
        return fail_lost(session, err, "a keep-alive cannot be sent");
    session->keep_alive_ms = now + (int64_t)(seconds > 0 ? seconds : 1) * 1000;
    return true;
}

void belay_ssh_heard(belay_ssh_session *session)
{
    session->heard_ms = belay_now_ms();
}

static bool fail_waiting(belay_ssh_session *session, int64_t deadline_ms, belay_error *err)
{
    if (is_given_up(session))
        return belay_fail(err, BELAY_E_CANCELLED, "%s: stopped", session->endpoint.label);
    if (deadline_ms > 0 && belay_now_ms() >= deadline_ms)
        return belay_fail(err, BELAY_E_DEADLINE, "%s: no answer in time", session->endpoint.label);
    return true;
}

bool belay_ssh_wait(belay_ssh_session *session, int64_t deadline_ms, belay_error *err)
{
    for (;;) {
        int directions = ssh.libssh2_session_block_directions(session->handle);
        short events = (short)((directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0) | POLLIN);
        struct pollfd waits[2] = {{.fd = session->transport.fd, .events = events},
            {.fd = session->outlives_stop ? -1 : belay_stop_fd(), .events = POLLIN}};
        if (!fail_waiting(session, deadline_ms, err) || !belay_ssh_keep_alive(session, err))
            return false;
        int64_t left = deadline_ms > 0 ? deadline_ms - belay_now_ms() : SLICE_MS;
        int got = poll(waits, 2, left < 0 ? 0 : left > SLICE_MS ? SLICE_MS : (int)left);
        if (got < 0 && errno != EINTR)
            return fail_lost(session, err, strerror(errno));
        if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            belay_ssh_heard(session);
        if (waits[0].revents != 0)
            return true;
    }
}

/* `type` is what a server signs with, which is several for an RSA key. */
static bool is_known(const belay_known_keys *known, const char *type)
{
    if (belay_starts_with(type, "rsa-sha2-"))
        type = "ssh-rsa";
    for (size_t i = 0; i < known->count; i++) {
        if (!known->items[i].revoked && belay_equal(known->items[i].type, type))
            return true;
    }
    return false;
}

static void prefer_one(belay_ssh_session *session, int method, const char *wanted)
{
    BELAY_AUTO(belay_free) char *known = belay_ssh_known_methods(session->handle, method, wanted);
    if (*known != '\0')
        ssh.libssh2_session_method_pref(session->handle, method, known);
}

/* Kinds that are known first, as ssh does: a server that has a further key is no changed one. Ciphers and
 * hashes that processors have instructions for come first; AES-GCM, which libssh2 1.11 deciphers by 16 bytes
 * with no key stream made ahead, behind those in counter mode. */
static void prefer(belay_ssh_session *session, const belay_known_keys *known)
{
    static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"};
    BELAY_AUTO(belay_list_done) belay_list order = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < BELAY_COUNT(types); i++) {
            if (is_known(known, types[i]) == (pass == 0))
                belay_list_add(&order, types[i]);
        }
    }
    BELAY_AUTO(belay_free) char *wanted = belay_list_join(&order, ",");
    prefer_one(session, LIBSSH2_METHOD_HOSTKEY, wanted);
    static const char ciphers[] =
        "aes128-ctr,aes256-ctr,aes192-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
        "chacha20-poly1305@openssh.com";
    static const char macs[] = "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,"
                               "hmac-sha2-512-etm@openssh.com,hmac-sha1";
    prefer_one(session, LIBSSH2_METHOD_CRYPT_CS, ciphers);
    prefer_one(session, LIBSSH2_METHOD_CRYPT_SC, ciphers);
    prefer_one(session, LIBSSH2_METHOD_MAC_CS, macs);
    prefer_one(session, LIBSSH2_METHOD_MAC_SC, macs);
}

static bool explain_handshake(
    belay_ssh_session *session, const belay_ssh_options *options, int status, belay_error *err)
{
    belay_ssh_fail(session, err, "the key exchange failed");
    /* Whether it is the own first word that cannot be sent any more, or its that does not come, is chance. */
    if ((session->ended || session->lost) && session->received_end == 0) {
        belay_fail(err, session->lost ? BELAY_E_SSH_LOST : BELAY_E_SSH,
            "%s: the server took the connection, and ended it before a word was said",
            session->endpoint.label);
        belay_error_hint(err,
            "is that the port of an SSH server? One that has many connections at once turns some away "
            "(MaxStartups in its sshd_config)");
    }
    if (session->ended)
        belay_transport_explain(&session->transport, &session->endpoint, err);
    if (status == LIBSSH2_ERROR_KEX_FAILURE || status == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
        belay_ssh_explain_offer(options, &session->endpoint, session->handle, belay_now_ms() + OFFER_MS, err);
    return false;
}

static bool handshake(
    belay_ssh_session *session, const belay_ssh_options *options, int64_t deadline_ms, belay_error *err)
{
    for (;;) {
        void *before = belay_key_stream_enter();
        int status = ssh.libssh2_session_handshake(session->handle, session->transport.fd);
        belay_key_stream_leave(before);
        if (status == 0)
            return true;
        if (status != LIBSSH2_ERROR_EAGAIN)
            return explain_handshake(session, options, status, err);
        if (!belay_ssh_wait(session, deadline_ms, err))
            return err == NULL || err->code != BELAY_E_DEADLINE
                       ? false
                       : belay_fail(err, BELAY_E_SSH,
                             "%s: the server took the connection, and then said nothing",
                             session->endpoint.label);
    }
}

/* An answer of the agent, whose socket blocks. */
static ssize_t receive_of_agent(belay_ssh_session *session, int fd, void *to, size_t size, int flags)
{
    for (;;) {
        int64_t left = session->agent_until_ms - belay_now_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (left <= 0 || is_given_up(session)) {
            session->agent_silent = left <= 0;
            return -ETIMEDOUT;
        }
        if (poll(&wait, 1, left > SLICE_MS ? SLICE_MS : (int)left) > 0) {
            ssize_t got = recv(fd, to, size, flags);
            return got < 0 ? -errno : got;
        }
    }
}

/* libssh2's LIBSSH2_CALLBACK_RECV, which it calls for the agent's socket, too. EAGAIN comes only when nothing
 * is left in the buffer either, so that who then polls the socket overlooks nothing. */
static ssize_t receive(libssh2_socket_t fd, void *to, size_t size, int flags, void **abstract)
{
    belay_ssh_session *session = *abstract;
    if (fd != session->transport.fd)
        return receive_of_agent(session, fd, to, size, flags);
    if (session->received_at == session->received_end) {
        ssize_t got = recv(fd, session->received, sizeof session->received, flags);
        session->ended = session->ended || got == 0 || (got < 0 && errno == ECONNRESET);
        if (got <= 0)
            return got < 0 ? -errno : 0;
        belay_ssh_heard(session); /* an answer that is read before anybody polls shows that it lives, too */
        session->received_at = 0;
        session->received_end = (size_t)got;
    }
    size_t piece = session->received_end - session->received_at;
    piece = piece < size ? piece : size;
    memcpy(to, session->received + session->received_at, piece);
    session->received_at += piece;
    return (ssize_t)piece;
}

/* libssh2's LIBSSH2_CALLBACK_DISCONNECT. */
static void hear_goodbye(LIBSSH2_SESSION *handle, int reason, const char *message, int message_length,
    const char *language, int language_length, void **abstract)
{
    (void)handle, (void)reason, (void)language, (void)language_length;
    belay_ssh_session *session = *abstract;
    session->ended = true;
    if (session->goodbye != NULL || message_length <= 0)
        return;
    BELAY_AUTO(belay_free) char *text = belay_strndup(message, (size_t)message_length);
    session->goodbye = belay_printable(text, "");
}

/* byte 98, uint32 channel, string "exit-status", boolean, uint32 */
static bool is_exit_status(const void *packet, size_t size)
{
    static const char request[] = "\0\0\0\013exit-status";
    const unsigned char *bytes = packet;
    return size >= 5 + sizeof request - 1 + 5 && bytes[0] == 98 &&
           memcmp(bytes + 5, request, sizeof request - 1) == 0;
}

/* libssh2 has no call that says whether an exit status came. But it gives each packet of that kind back to
 * its allocator as it was, once it has read it; were that to change, belay_ssh_status_came would say no. */
static void release(void *memory, void **abstract)
{
    belay_ssh_session *session = *abstract;
    if (memory != NULL && is_exit_status(memory, malloc_usable_size(memory)))
        session->status_came = true;
    free(memory);
}

/* Connected, and keys exchanged: nothing is known of the server yet. */
static bool reach(const belay_ssh_options *options, const belay_known_keys *known, int64_t deadline_ms,
    belay_ssh_session *session, belay_error *err)
{
    if (!belay_transport_open(options, &session->endpoint, deadline_ms, &session->transport, err))
        return false;
    session->handle = ssh.libssh2_session_init_ex(NULL, release, NULL, session);
    if (session->handle == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "libssh2 has no memory for a session");
    ssh.libssh2_session_set_blocking(session->handle, 0);
    ssh.libssh2_session_callback_set(session->handle, LIBSSH2_CALLBACK_RECV, (void *)receive);
    ssh.libssh2_session_callback_set(session->handle, LIBSSH2_CALLBACK_DISCONNECT, (void *)hear_goodbye);
    prefer(session, known);
    belay_ssh_heard(session);
    session->keep_alive_ms = INT64_MAX; /* not before it is logged in */
    return handshake(session, options, deadline_ms, err);
}

static belay_ssh_session *new_session(const belay_ssh_options *options)
{
    belay_ssh_session *session = belay_alloc(sizeof *session);
    session->transport = BELAY_TRANSPORT_INIT;
    session->given_up = options->given_up;
    session->outlives_stop = options->outlives_stop;
    return session;
}

static bool resolve(const belay_ssh_options *options, belay_ssh_endpoint *ret, belay_error *err)
{
    if (!belay_ssh_resolve(options->login, ret, err))
        return false;
    if (options->via == NULL)
        return true;
    belay_list_done(&ret->jumps);
    ret->jumps = (belay_list){0};
    for (size_t i = 0; i < options->via->count; i++)
        belay_list_add(&ret->jumps, options->via->items[i]);
    return true;
}

static int64_t deadline_of(const belay_ssh_options *options)
{
    return belay_now_ms() + (options->connect_ms > 0 ? options->connect_ms : BELAY_SSH_CONNECT_MS);
}

static bool check_host_key(belay_ssh_session *session, const belay_known_keys *known, belay_error *err)
{
    size_t size = 0;
    int type = 0;
    const char *blob = ssh.libssh2_session_hostkey(session->handle, &size, &type);
    if (blob == NULL)
        return belay_ssh_fail(session, err, "the server's key");
    return belay_host_key_check(&session->endpoint, known, blob, size, err);
}

bool belay_ssh_open(const belay_ssh_options *options, belay_ssh_session **ret, belay_error *err)
{
    int64_t deadline_ms = deadline_of(options);
    if (!belay_ssh_load(err))
        return false;
    BELAY_AUTO(belay_ssh_close) belay_ssh_session *session = new_session(options);
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    if (!resolve(options, &session->endpoint, err) ||
        !belay_known_keys_find(&session->endpoint, &known, err) ||
        !reach(options, &known, deadline_ms, session, err) || !check_host_key(session, &known, err) ||
        !belay_ssh_log_in(session, &session->endpoint, options->login, deadline_ms, err))
        return belay_ssh_not_reached(err);
    ssh.libssh2_keepalive_config(session->handle, 1, BELAY_SSH_KEEPALIVE_S);
    session->keep_alive_ms = belay_now_ms() + (int64_t)BELAY_SSH_KEEPALIVE_S * 1000;
    *ret = belay_take(session);
    return true;
}

void belay_ssh_close(belay_ssh_session *session)
{
    if (session == NULL)
        return;
    int64_t end = belay_now_ms() + GOODBYE_MS;
    if (session->handle != NULL && !session->lost) {
        session->outlives_stop = true;
        session->given_up = NULL;
        while (ssh.libssh2_session_disconnect_ex(
                   session->handle, SSH_DISCONNECT_BY_APPLICATION, "done", "") == LIBSSH2_ERROR_EAGAIN &&
               belay_ssh_wait(session, end, NULL)) {
        }
    }
    /* Before the handle is freed: freeing asks the server about channels that are open, and would wait for
     * it. */
    shutdown(session->transport.fd, SHUT_RDWR);
    /* What the kernel could not send of it yet is not to be sent when the network is back: it was given up,
     * and may have been asked again meanwhile. */
    const struct linger at_once = {.l_onoff = 1};
    if (session->lost)
        setsockopt(session->transport.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    while (session->handle != NULL && ssh.libssh2_session_free(session->handle) == LIBSSH2_ERROR_EAGAIN &&
           belay_now_ms() < end) {
    }
    belay_transport_close(&session->transport);
    belay_ssh_endpoint_done(&session->endpoint);
    free(session->goodbye);
    free(session);
}

bool belay_ssh_show_host_key(const belay_ssh_options *options, belay_ssh_endpoint *ret_endpoint,
    void **ret_blob, size_t *ret_size, belay_error *err)
{
    if (!belay_ssh_load(err))
        return false;
    BELAY_AUTO(belay_ssh_close) belay_ssh_session *session = new_session(options);
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    if (!resolve(options, &session->endpoint, err) ||
        !belay_known_keys_find(&session->endpoint, &known, err) ||
        !reach(options, &known, deadline_of(options), session, err))
        return false;
    int type = 0;
    const char *blob = ssh.libssh2_session_hostkey(session->handle, ret_size, &type);
    if (blob == NULL)
        return belay_ssh_fail(session, err, "the server's key");
    *ret_blob = belay_alloc(*ret_size);
    memcpy(*ret_blob, blob, *ret_size);
    *ret_endpoint = session->endpoint;
    session->endpoint = (belay_ssh_endpoint){0};
    return true;
}

LIBSSH2_SESSION *belay_ssh_handle(belay_ssh_session *session)
{
    return session->handle;
}

int belay_ssh_fd(const belay_ssh_session *session)
{
    return session->transport.fd;
}

const char *belay_ssh_label(const belay_ssh_session *session)
{
    return session->endpoint.label;
}

bool belay_ssh_has_ended(const belay_ssh_session *session)
{
    return session->ended;
}

bool belay_ssh_status_came(const belay_ssh_session *session)
{
    return session->status_came;
}

void belay_ssh_await_agent(belay_ssh_session *session, int64_t until_ms)
{
    session->agent_until_ms = until_ms;
}

bool belay_ssh_agent_was_silent(const belay_ssh_session *session)
{
    return session->agent_silent;
}

void belay_ssh_use_password(belay_ssh_session *session, const char *password)
{
    session->password = password;
}

const char *belay_ssh_password(const belay_ssh_session *session)
{
    return session->password;
}

void belay_ssh_outlive_stop(belay_ssh_session *session, bool outlives)
{
    session->outlives_stop = outlives;
}
