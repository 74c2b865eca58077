/* An SSH session: connected, the server's key checked, logged in.
 *
 *   resolve (remote/endpoint.h) -> [session to the jump host -> tunnel to the next] -> TCP -> handshake ->
 * host key (remote/host_key.h) -> agent, key files, password -> keep-alives
 *
 * libssh2 is not safe across threads: one thread uses a session at a time, every call does not block, and
 * belay_ssh_wait is the one place that waits: for the socket, a deadline, a stop request, or another thread's
 * given_up. A session whose peer has not been heard of for the idle limit is lost (BELAY_E_SSH_LOST);
 * keep-alives are sent meanwhile, so that silence means something.
 *
 * Passwords and passphrases are only in the login that the caller keeps.
 */
#ifndef BELAY_REMOTE_SESSION_H
#define BELAY_REMOTE_SESSION_H

#include <stdatomic.h>

#include "remote/endpoint.h"
#include "remote/ssh.h"
#include "util/clock.h"
#include "util/stop.h"

enum { BELAY_SSH_CONNECT_MS = 20000, BELAY_SSH_IDLE_MS = 45000, BELAY_SSH_KEEPALIVE_S = 15 };

typedef struct belay_ssh_options {
    const belay_ssh_login *login;
    int64_t connect_ms;          /* from the first packet to being logged in; 0: BELAY_SSH_CONNECT_MS */
    const atomic_bool *given_up; /* another thread ends every wait by setting it; may be NULL */
    bool outlives_stop;    /* a stop request ends no wait: what has to be put back still needs the way */
    const belay_list *via; /* hosts on the way instead of those of ssh_config; NULL: those */
    int depth;             /* of sessions that lead to another one */
} belay_ssh_options;

/* Somebody asks to stop; errors of what ends for it are BELAY_E_CANCELLED. */
static inline bool belay_ssh_is_given_up(const belay_ssh_options *options)
{
    return (options->given_up != NULL && atomic_load(options->given_up)) ||
           (!options->outlives_stop && belay_stop_requested());
}

typedef struct belay_ssh_session belay_ssh_session;

/* BELAY_E_SSH (cannot be reached, refuses the login; the hint says what was tried), BELAY_E_HOST_KEY,
 * BELAY_E_CONFIG, BELAY_E_CANCELLED. */
bool belay_ssh_open(const belay_ssh_options *options, belay_ssh_session **ret, belay_error *err);
/* Says goodbye where that takes no waiting, and frees. */
void belay_ssh_close(belay_ssh_session *session);
BELAY_DEFINE_AUTO(belay_ssh_session, belay_ssh_close)

LIBSSH2_SESSION *belay_ssh_handle(belay_ssh_session *session);
int belay_ssh_fd(const belay_ssh_session *session);
const char *belay_ssh_label(const belay_ssh_session *session);
/* Has the server told with which status a command of this session ended (SSH_MSG_CHANNEL_REQUEST
 * "exit-status")? libssh2 itself says 0 for a channel of which nothing was told. */
bool belay_ssh_status_came(const belay_ssh_session *session);
/* Has the server ended the connection? libssh2 tells it as an answer of no while one logs in. */
bool belay_ssh_has_ended(const belay_ssh_session *session);
/* As the option outlives_stop, from now on. */
void belay_ssh_outlive_stop(belay_ssh_session *session, bool outlives);
/* The server's key, for `targets trust`: connects, takes it, and hangs up. The caller frees. */
bool belay_ssh_show_host_key(const belay_ssh_options *options, belay_ssh_endpoint *ret_endpoint,
    void **ret_blob, size_t *ret_size, belay_error *err);

/* For login.c, whose callback gets nothing but the session: the password is the caller's. */
void belay_ssh_use_password(belay_ssh_session *session, const char *password);
const char *belay_ssh_password(const belay_ssh_session *session);

/* For login.c: how long the agent may take for an answer, on belay_now_ms's clock; and whether one did not
 * come by then. libssh2 itself would wait for ever. */
void belay_ssh_await_agent(belay_ssh_session *session, int64_t until_ms);
bool belay_ssh_agent_was_silent(const belay_ssh_session *session);

/* Until the socket is ready for what libssh2 wants of it. deadline_ms: on belay_now_ms's clock; 0: the idle
 * limit alone. */
bool belay_ssh_wait(belay_ssh_session *session, int64_t deadline_ms, belay_error *err);
/* Sends a keep-alive when one is due. False: the session is lost. For loops that wait by themselves. */
bool belay_ssh_keep_alive(belay_ssh_session *session, belay_error *err);
/* For loops that poll the socket by themselves: something came. */
void belay_ssh_heard(belay_ssh_session *session);
/* "label: what: <libssh2's message>"; BELAY_E_SSH_LOST where the connection is gone, else BELAY_E_SSH.
 * Returns false. */
bool belay_ssh_fail(belay_ssh_session *session, belay_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a step before anything was done over there: BELAY_E_DEADLINE, and BELAY_E_PROCESS of a ProxyCommand,
 * become BELAY_E_SSH, since who was not reached says nothing of what was to be done. Returns false. */
bool belay_ssh_not_reached(belay_error *err);
/* Is it worth to connect once more? */
bool belay_ssh_is_lost(const belay_error *err);

/* status is what `call` says at last; returns false from the enclosing function when the wait fails. */
#define BELAY_SSH_TRY(session, deadline_ms, status, call, err)                                               \
    do {                                                                                                     \
        while (((status) = (call)) == LIBSSH2_ERROR_EAGAIN) {                                                \
            if (!belay_ssh_wait(session, deadline_ms, err))                                                  \
                return false;                                                                                \
        }                                                                                                    \
    } while (0)

#endif
