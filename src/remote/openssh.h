/* The programs of the OpenSSH client, where they are installed: `ssh -G` and `ssh-keygen -F` are asked what
 * the user's files mean. Internal to src/remote.
 */
#ifndef BELAY_REMOTE_OPENSSH_H
#define BELAY_REMOTE_OPENSSH_H

#include "util/error.h"
#include "util/str.h"

typedef enum belay_openssh {
    BELAY_OPENSSH_FAILED, /* err says why */
    BELAY_OPENSSH_NONE,   /* it is not installed, or must not be asked */
    BELAY_OPENSSH_RAN     /* to its end, with any status */
} belay_openssh;

typedef struct belay_openssh_question {
    const char *program;  /* "ssh" */
    const char *variable; /* of the environment: names another program, which has to exist; empty: none */
    const char **argv;    /* NULL-terminated; the first item is set here */
    const char *input;    /* NULL: none */
} belay_openssh_question;

/* Blocks, at most 10 s; any thread. BELAY_E_CONFIG, BELAY_E_NO_MEMORY (more output than ret_stdout may hold),
 * BELAY_E_DEADLINE, BELAY_E_CANCELLED. */
belay_openssh belay_openssh_run(const belay_openssh_question *question, belay_str *ret_stdout,
    belay_str *ret_stderr, int *ret_status, belay_error *err);

#endif
