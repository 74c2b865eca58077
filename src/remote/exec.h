/* A command on another host: its output line by line, its exit status and signal told apart, ended on the far
 * side when it is given up here or the connection goes.
 *
 * What is asked of the server is one line that means the same to every shell (bash, dash, zsh, fish, csh): an
 * sh that reads a script of a known length from its standard input, and runs it only as a whole. The script
 * leaves a watcher in the background, which holds that input, and becomes `sh -c COMMAND`: so the status that
 * sshd tells is the command's own. sshd ends the input when the command has ended, or when the connection
 * has; then the watcher looks: is the command gone, it only says so (a daemon that it left behind lives on,
 * and nobody waits for it), else it ends the command's process group: SIGTERM, 5 s, SIGKILL.
 *
 * One thread per call; several may run at once.
 */
#ifndef BELAY_REMOTE_EXEC_H
#define BELAY_REMOTE_EXEC_H

#include "remote/session.h"
#include "util/process.h"

typedef struct belay_remote_status {
    int exit_status; /* 0..255; -1 when a signal ended it */
    char signal[16]; /* "TERM"; "" for none */
} belay_remote_status;

/* Runs the shell text with no input. timeout_ms <= 0: none; at it, counted from when the host has let us in,
 * and at a stop request, the command's process group over there is ended, and the call fails with
 * BELAY_E_DEADLINE or BELAY_E_CANCELLED. As long at most, and no longer than BELAY_SSH_CONNECT_MS, takes the
 * way there: who is not reached by then is BELAY_E_SSH. A non-zero status is no error here (what is beyond
 * 255 counts as 255). A connection lost while it ran: BELAY_E_SSH_LOST; the far side then ends the command as
 * soon as its sshd notices. The same code where the server ends the command without a status or a signal. */
bool belay_remote_run(const belay_ssh_login *login, const char *command, int64_t timeout_ms,
    const atomic_bool *given_up, belay_line_function *on_line, void *context, belay_remote_status *ret,
    belay_error *err);

/* The script for a command, and the line that reads one of `size_bytes`. `mark` is what the watcher says on
 * stdout and stderr, alone in a line, once the command is gone. Callers free. */
char *belay_remote_script(const char *command, const char *mark);
char *belay_remote_line(size_t size_bytes);

#endif
