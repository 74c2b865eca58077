/* libssh2, loaded when the first session is opened (util/library.h), for the files of this folder.
 *
 * Each call of it that can say LIBSSH2_ERROR_EAGAIN stands in BELAY_SSH_TRY, which waits and calls again:
 *
 *     int status;
 *     BELAY_SSH_TRY(session, deadline, status, ssh.libssh2_channel_close(channel), err);
 *     if (status < 0) return belay_ssh_fail(session, err, "...");
 */
#ifndef BELAY_REMOTE_SSH_H
#define BELAY_REMOTE_SSH_H

#include <libssh2.h>

#include "util/library.h"

#define BELAY_SSH_FUNCTIONS(X)                                                                               \
    X(libssh2_agent_connect)                                                                                 \
    X(libssh2_agent_disconnect)                                                                              \
    X(libssh2_agent_free)                                                                                    \
    X(libssh2_agent_get_identity)                                                                            \
    X(libssh2_agent_init)                                                                                    \
    X(libssh2_agent_list_identities)                                                                         \
    X(libssh2_agent_set_identity_path)                                                                       \
    X(libssh2_agent_userauth)                                                                                \
    X(libssh2_channel_close)                                                                                 \
    X(libssh2_channel_eof)                                                                                   \
    X(libssh2_channel_free)                                                                                  \
    X(libssh2_channel_get_exit_signal)                                                                       \
    X(libssh2_channel_get_exit_status)                                                                       \
    X(libssh2_channel_open_ex)                                                                               \
    X(libssh2_channel_process_startup)                                                                       \
    X(libssh2_channel_read_ex)                                                                               \
    X(libssh2_channel_send_eof)                                                                              \
    X(libssh2_channel_wait_closed)                                                                           \
    X(libssh2_channel_write_ex)                                                                              \
    X(libssh2_free)                                                                                          \
    X(libssh2_init)                                                                                          \
    X(libssh2_keepalive_config)                                                                              \
    X(libssh2_keepalive_send)                                                                                \
    X(libssh2_session_block_directions)                                                                      \
    X(libssh2_session_callback_set)                                                                          \
    X(libssh2_session_disconnect_ex)                                                                         \
    X(libssh2_session_free)                                                                                  \
    X(libssh2_session_handshake)                                                                             \
    X(libssh2_session_hostkey)                                                                               \
    X(libssh2_session_init_ex)                                                                               \
    X(libssh2_session_last_errno)                                                                            \
    X(libssh2_session_last_error)                                                                            \
    X(libssh2_session_method_pref)                                                                           \
    X(libssh2_session_set_blocking)                                                                          \
    X(libssh2_session_supported_algs)                                                                        \
    X(libssh2_userauth_authenticated)                                                                        \
    X(libssh2_userauth_keyboard_interactive_ex)                                                              \
    X(libssh2_userauth_list)                                                                                 \
    X(libssh2_userauth_password_ex)                                                                          \
    X(libssh2_userauth_publickey_fromfile_ex)                                                                \
    X(libssh2_version)

/* libssh2_session_callback_set is deprecated since 1.11.1, whose successor 1.10 does not have. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
typedef struct belay_ssh_library {
    BELAY_SSH_FUNCTIONS(BELAY_LIBRARY_POINTER)
} belay_ssh_library;
#pragma GCC diagnostic pop

/* Filled by belay_ssh_load. */
extern belay_ssh_library ssh;

/* Loads the library and initialises it, once in a process; any thread. */
bool belay_ssh_load(belay_error *err);

#endif
