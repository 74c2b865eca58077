/* Child processes: one way to start them.
 *
 * argv is built before the fork; a failed exec is reported to the parent over a close-on-exec pipe; signals
 * are reset in the child; the child dies when belay dies (PR_SET_PDEATHSIG) and stands in its own process
 * group, so that Ctrl-C at the terminal reaches belay alone and belay decides. Secrets go into the child's
 * environment, never into argv. One thread per process object; the thread that started it must outlive it
 * (PDEATHSIG follows the thread). A duplex one may outlive its thread: the end of its socket is what ends it.
 */
#ifndef BELAY_UTIL_PROCESS_H
#define BELAY_UTIL_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/line_feed.h"
#include "util/str.h"

typedef struct belay_process {
    pid_t pid;     /* 0 when not running */
    int stdout_fd; /* -1 when not piped */
    int stderr_fd;
    int exit_status; /* after wait: 0..255, or 128 + signal */
    int term_signal; /* after wait: 0 or the signal that ended it */
} belay_process;

typedef struct belay_spawn {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *shell;       /* instead of argv: the user's own command line for /bin/sh, under the
                              * user's own umask (util/file.h); NULL: none */
    const char *const
        *environment;   /* NULL or NULL-terminated: "KEY=value" is added to belay's own, "KEY" gone */
    const char *folder; /* working folder, NULL: the same */
    bool pipe_stdout;   /* otherwise inherited from belay's stderr, since stdout carries the answer */
    bool pipe_stderr;
    const char *stdin_text;      /* NULL: /dev/null, or stdin_fd. At most 64 KiB. */
    int stdin_fd;                /* what the child reads, from where it stands; stays the caller's. 0: none */
    bool is_duplex;              /* stdin_fd is a socket, and standard output goes there as well */
    const atomic_bool *given_up; /* of belay_process_run: once another thread sets it the child is ended as at
                                    a stop request, and the call fails with BELAY_E_CANCELLED; may be NULL */
} belay_spawn;

#define BELAY_PROCESS_INIT ((belay_process){.stdout_fd = -1, .stderr_fd = -1})

bool belay_process_start(const belay_spawn *how, belay_process *ret, belay_error *err);
/* Waits until the child ended; at the deadline (<= 0: none) or a stop request it is ended: SIGTERM, 5 s,
 * SIGKILL to its group, and the call fails with BELAY_E_DEADLINE or BELAY_E_CANCELLED. */
bool belay_process_wait(belay_process *process, int64_t deadline_ms, belay_error *err);
void belay_process_done(belay_process *process); /* kill if running, close pipes */
static inline void belay_process_done_p(belay_process *process)
{
    belay_process_done(process);
}

/* Starts, reads stdout and stderr until both end (or until the child ended and a daemon that it left behind
 * keeps them open without writing), waits. exit status in *ret_status; a non-zero one is not an error here.
 * ret_stdout (may be NULL) receives stdout, at most its max; on_line (may be NULL) sees every line of both.
 */
bool belay_process_run(const belay_spawn *how, int64_t timeout_ms, belay_str *ret_stdout,
    belay_str *ret_stderr, belay_line_function *on_line, void *context, int *ret_status, belay_error *err);

/* The first number in what `program --version` says; 0 when it does not run within 10 s. Blocking. */
int belay_process_major(const char *program);

#endif
