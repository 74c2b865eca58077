#include "remote/openssh.h"

#include <errno.h>

#include "util/process.h"

enum { TIMEOUT_MS = 10000 };

belay_openssh belay_openssh_run(const belay_openssh_question *question, belay_str *ret_stdout,
    belay_str *ret_stderr, int *ret_status, belay_error *err)
{
    const char *named = getenv(question->variable);
    if (named != NULL && *named == '\0')
        return BELAY_OPENSSH_NONE;
    question->argv[0] = named == NULL ? question->program : named;
    belay_error own = {0};
    const belay_spawn how = {.argv = question->argv, .stdin_text = question->input};
    if (belay_process_run(&how, TIMEOUT_MS, ret_stdout, ret_stderr, NULL, NULL, ret_status, &own)) {
        bool whole = belay_str_check(ret_stdout, question->argv[0], err);
        return whole ? BELAY_OPENSSH_RAN : BELAY_OPENSSH_FAILED;
    }
    if (own.code == BELAY_E_PROCESS && own.sys_errno == ENOENT && named == NULL)
        return BELAY_OPENSSH_NONE;
    if (own.code == BELAY_E_PROCESS) {
        own.code = BELAY_E_CONFIG;
        belay_error_hint(
            &own, "%s may name another program; when it is empty, none is asked", question->variable);
    }
    if (err != NULL)
        *err = own;
    return BELAY_OPENSSH_FAILED;
}
