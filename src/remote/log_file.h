/* The application's log files, here or on a host: followed by name through rotation (tail -F), or read from a
 * mark on.
 *
 * A mark is a place in a file: which file it is (its inode) and how many bytes of it are behind. What is read
 * from a mark on is what was written since; where the name belongs to another file by now, or the file is
 * shorter, it is all of that. Any thread; blocking.
 */
#ifndef BELAY_REMOTE_LOG_FILE_H
#define BELAY_REMOTE_LOG_FILE_H

#include "remote/hosts.h"

typedef struct belay_log_mark {
    char file[32]; /* "" : no mark */
    uint64_t offset;
} belay_log_mark;

/* Where the file ends now; one that is not there yet is fine. */
bool belay_log_mark_end(const belay_target *target, const belay_log_file *log, int64_t timeout_ms,
    belay_log_mark *ret, belay_error *err);
/* What was written since the mark, the last max_bytes of it; *ret_left_out is how many came before. */
bool belay_log_read(const belay_target *target, const belay_log_file *log, const belay_log_mark *mark,
    uint64_t max_bytes, int64_t timeout_ms, belay_str *to, uint64_t *ret_left_out, belay_error *err);

typedef struct belay_log_tail {
    const belay_target *target;
    const belay_log_file *log;
    int lines; /* that are there already, to begin with */
    bool follow;
    const atomic_bool *given_up; /* may be NULL */
    belay_line_function *on_line;
    void *context;
} belay_log_tail;

/* Without `follow`: the last lines; BELAY_E_NOT_FOUND when there is no such file, or it may not be read. With
 * it: until a stop request (BELAY_E_CANCELLED), from the mark on where it is one; the mark moves along, so
 * that after BELAY_E_SSH_LOST a further call goes on where this one ended. */
bool belay_log_run_tail(const belay_log_tail *how, belay_log_mark *mark, belay_error *err);

#endif
