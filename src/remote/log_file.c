#include "remote/log_file.h"

#include <stdio.h>

/* Sets i, s: which file it is, and its size; "none" and 0 where there is none. What is no file (a pipe, a
 * device) may have no end. */
static const char look[] = "f=%s\n"
                           "if [ -e \"$f\" ] && [ ! -f \"$f\" ]; then\n"
                           "echo 'it is no regular file' >&2\n"
                           "exit 1\n"
                           "fi\n"
                           "set -- $(ls -Lid -- \"$f\" 2>/dev/null)\n"
                           "i=${1:-none}\n"
                           "s=$({ wc -c <\"$f\"; } 2>/dev/null)\n"
                           "s=$((s))\n";
/* Sets x: how many bytes are behind. */
static const char from_mark[] = "x=0\n"
                                "if [ \"$i\" = %s ] && [ \"$s\" -ge %llu ]; then x=%llu; fi\n";
static const char from_lines[] = "n=$({ tail -n %d -- \"$f\" | wc -c; } 2>/dev/null)\n"
                                 "x=$((s - n))\n"
                                 "if [ \"$x\" -lt 0 ]; then x=0; fi\n";
static const char follow[] = "echo \"$i $x\"\n"
                             "exec tail -c \"+$((x + 1))\" -F -- \"$f\"\n";
static const char mark_end[] = "echo \"$i $s\"\n";
/* A name that belongs to nothing any more has nothing to say. */
static const char read_rest[] = "l=$((s - x - %llu))\n"
                                "if [ \"$l\" -lt 0 ]; then l=0; fi\n"
                                "echo \"$i $l\"\n"
                                "if [ \"$i\" = none ]; then exit 0; fi\n"
                                "tail -c \"+$((x + l + 1))\" -- \"$f\" | head -c %llu\n";

static void begin_script(belay_str *to, const belay_log_file *log)
{
    BELAY_AUTO(belay_str_done) belay_str path = BELAY_STR_INIT;
    belay_shell_quote(&path, log->path);
    belay_str_appendf(to, look, belay_str_text(&path));
}

static void append_mark(belay_str *to, const belay_log_mark *mark)
{
    unsigned long long offset = mark->offset;
    belay_str_appendf(to, from_mark, mark->file, offset, offset);
}

/* The answer begins with a line of its own: "FILE NUMBER". */
typedef struct answer {
    belay_line_function *on_line; /* of what follows */
    void *context;
    belay_log_mark *mark; /* moves along with what follows; NULL: it does not */
    belay_log_mark head;  /* the first line; file "" before it */
    char said[256];       /* the last line of stderr */
} answer;

static bool read_head(answer *a, const char *line)
{
    unsigned long long number = 0;
    if (sscanf(line, "%31s %llu", a->head.file, &number) != 2) {
        a->head.file[0] = '\0';
        return false;
    }
    a->head.offset = number;
    if (a->mark != NULL)
        *a->mark = a->head;
    return true;
}

static void on_line(void *context, bool is_stderr, const char *line)
{
    answer *a = context;
    if (is_stderr)
        snprintf(a->said, sizeof a->said, "%s", line);
    else if (a->head.file[0] == '\0' && read_head(a, line))
        return;
    else if (a->mark != NULL)
        a->mark->offset += strlen(line) + 1;
    if (a->on_line != NULL)
        a->on_line(a->context, is_stderr, line);
}

static bool run_script(const belay_shell *shell, answer *a, belay_error *err)
{
    belay_remote_status status = {0};
    if (!belay_shell_run(shell, &status, err))
        return false;
    if (status.exit_status == 0)
        return true;
    BELAY_AUTO(belay_free) char *end = belay_shell_end_text(&status);
    return belay_fail(
        err, BELAY_E_PROCESS, "what reads it %s%s%s", end, a->said[0] == '\0' ? "" : ": ", a->said);
}

static bool name_log(const belay_log_file *log, belay_error *err)
{
    return belay_error_prefix(
        err, "log %s%s%s", log->host == NULL ? "" : log->host, log->host == NULL ? "" : ":", log->path);
}

/* Runs a script whose first line is a head. */
static bool ask(const belay_target *target, const belay_log_file *log, const belay_str *text,
    int64_t timeout_ms, answer *a, belay_error *err)
{
    const belay_shell shell = {.target = target,
        .host = log->host,
        .text = belay_str_text(text),
        .timeout_ms = timeout_ms,
        .on_line = on_line,
        .context = a};
    if (!run_script(&shell, a, err))
        return name_log(log, err);
    return a->head.file[0] != '\0' ||
           (belay_fail(err, BELAY_E_PROCESS, "no answer to where it ends") || name_log(log, err));
}

bool belay_log_mark_end(const belay_target *target, const belay_log_file *log, int64_t timeout_ms,
    belay_log_mark *ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    answer a = {0};
    begin_script(&text, log);
    belay_str_append(&text, mark_end);
    if (!ask(target, log, &text, timeout_ms, &a, err))
        return false;
    *ret = a.head;
    return true;
}

static void add_line(void *context, bool is_stderr, const char *line)
{
    if (is_stderr)
        return;
    belay_str_append(context, line);
    belay_str_append_char(context, '\n');
}

bool belay_log_read(const belay_target *target, const belay_log_file *log, const belay_log_mark *mark,
    uint64_t max_bytes, int64_t timeout_ms, belay_str *to, uint64_t *ret_left_out, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    answer a = {.on_line = add_line, .context = to};
    begin_script(&text, log);
    append_mark(&text, mark);
    belay_str_appendf(&text, read_rest, (unsigned long long)max_bytes, (unsigned long long)max_bytes);
    if (!ask(target, log, &text, timeout_ms, &a, err))
        return false;
    *ret_left_out = a.head.offset;
    return belay_str_check(to, "a log", err);
}

bool belay_log_run_tail(const belay_log_tail *how, belay_log_mark *mark, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    answer a = {.on_line = how->on_line, .context = how->context, .mark = how->follow ? mark : NULL};
    begin_script(&text, how->log);
    if (!how->follow) {
        a.head.file[0] = '-'; /* no head is asked for */
        belay_str_appendf(&text, "exec tail -n %d -- \"$f\"\n", how->lines);
    } else if (mark->file[0] != '\0') {
        append_mark(&text, mark);
    } else {
        belay_str_appendf(&text, from_lines, how->lines);
    }
    if (how->follow)
        belay_str_append(&text, follow);
    const belay_shell shell = {.target = how->target,
        .host = how->log->host,
        .text = belay_str_text(&text),
        .given_up = how->given_up,
        .on_line = on_line,
        .context = &a};
    if (run_script(&shell, &a, err))
        return true;
    if (err != NULL && err->code == BELAY_E_PROCESS && !how->follow)
        err->code = BELAY_E_NOT_FOUND;
    return name_log(how->log, err);
}
