/* The user's commands, here or on the hosts that the configuration names for them (stop_command_on, ...).
 *
 * Here they run in the project's root, under the user's own umask and with belay's environment; on a host
 * in the login's home with its own (remote/exec.h). The text goes to the shell as it stands in the file.
 */
#ifndef BELAY_REMOTE_HOSTS_H
#define BELAY_REMOTE_HOSTS_H

#include "config/target.h"
#include "remote/exec.h"

/* One command in one place. */
typedef struct belay_shell {
    const belay_target *target;
    const char *host; /* of a [host.*] that the target names; NULL: this machine */
    const char *text;
    int64_t timeout_ms;          /* <= 0: none */
    const atomic_bool *given_up; /* another thread's; may be NULL */
    belay_line_function *on_line;
    void *context;
} belay_shell;

/* As belay_remote_run; here the status of a signal is 128 and its number, as a shell has it. Errors name the
 * host. Any thread, which must outlive the call. */
bool belay_shell_run(const belay_shell *shell, belay_remote_status *ret, belay_error *err);
/* "ended with status 3", "was ended by signal TERM". The caller frees. */
char *belay_shell_end_text(const belay_remote_status *status);

/* `host` is NULL for this machine. */
typedef void belay_host_line(void *context, const char *host, bool is_stderr, const char *line);

/* A command on all of its hosts. */
typedef struct belay_host_run {
    const belay_target *target; /* with hosts_at_once: how many at a time, begun in their order */
    const belay_host_command *command;
    const char *what; /* "stop_command" */
    int64_t timeout_ms;
    bool goes_on;             /* with the hosts that follow one on which it failed */
    belay_host_line *on_line; /* in the caller's thread */
    void *context;
} belay_host_run;

/* True when it ended with 0 everywhere. BELAY_E_PROCESS for another status or a signal, otherwise the code of
 * what went wrong, on the first host in their order on which it did; where there are several, the detail
 * says how it went on each. */
bool belay_hosts_run(const belay_host_run *how, belay_error *err);

#endif
