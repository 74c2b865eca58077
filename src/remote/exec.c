#include "remote/exec.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "util/stop.h"

enum {
    SLICE_MS = 200,
    END_MS = 7000,          /* for the far side to end what is given up */
    QUIET_MS = 500,         /* without output, once a daemon is all that is left */
    DAEMON_GRACE_MS = 2000, /* with it */
    MARK_BYTES = 16,
    READ_BYTES = 16 * 1024
};

/* Nothing of it runs before its last brace was read. The watcher is in the command's process group, so that
 * its number, which is the command's own, is nobody else's while the watcher lives. What the watcher starts
 * holds neither input nor output. */
static const char script[] = "{\n"
                             "belay_command=%s\n"
                             "exec 3<&0\n"
                             "(\n"
                             "trap '' HUP INT PIPE TERM\n"
                             "belay_mark() {\n"
                             "echo %s >&5\n"
                             "echo %s >&4\n"
                             "}\n"
                             "while read -r belay_line <&3; do :; done\n"
                             "if kill -0 $$; then\n"
                             "kill -TERM -$$ || kill -TERM $$\n"
                             "for belay_line in 1 2 3 4 5; do\n"
                             "sleep 1 3<&- 4>&- 5>&-\n"
                             "kill -0 $$ || belay_mark\n"
                             "done\n"
                             "kill -KILL -$$ || kill -KILL $$\n"
                             "fi\n"
                             "belay_mark\n"
                             ") </dev/null 5>&1 >/dev/null 4>&2 2>/dev/null &\n"
                             "exec sh -c \"$belay_command\" </dev/null 3<&-\n"
                             "}\n";

char *belay_remote_script(const char *command, const char *mark)
{
    BELAY_AUTO(belay_str_done) belay_str quoted = BELAY_STR_INIT;
    belay_shell_quote(&quoted, command);
    return belay_format(script, belay_str_text(&quoted), mark, mark);
}

char *belay_remote_line(size_t size_bytes)
{
    return belay_format("exec sh -c 'eval \"$(dd bs=1 count=%zu 2>/dev/null)\"'", size_bytes);
}

typedef struct remote_run {
    belay_ssh_session *session;
    LIBSSH2_CHANNEL *channel;
    const atomic_bool *given_up;
    int64_t timeout_ms, deadline_ms; /* 0: none */
    char mark[2 * MARK_BYTES + 1];
    belay_line_function *on_line;
    void *context;
    belay_line_feed out, errors;
    int64_t heard_ms;   /* the last output */
    bool marked[2];     /* the watcher said on stdout, on stderr, that the command is gone */
    int64_t marked_ms;  /* when it had said so on both; 0: not yet */
    belay_code why;     /* it is ended for: BELAY_E_DEADLINE or BELAY_E_CANCELLED */
    int64_t ends_by_ms; /* no longer than which that is waited for */
    bool eof_sent;
    bool closed; /* by the far side */
} remote_run;

static void make_mark(remote_run *run)
{
    unsigned char bytes[MARK_BYTES];
    belay_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(run->mark + 2 * i, 3, "%02x", bytes[i]);
}

/* What the command itself said on a stream is through once the mark comes there; over a slow line one stream
 * overtakes the other. The mark may stand behind a line that the command did not end. */
static void on_every_line(void *context, bool is_stderr, const char *line)
{
    remote_run *run = context;
    if (!belay_ends_with(line, run->mark)) {
        if (run->on_line != NULL)
            run->on_line(run->context, is_stderr, line);
        return;
    }
    run->marked[is_stderr] = true;
    if (run->marked_ms == 0 && run->marked[0] && run->marked[1])
        run->marked_ms = belay_now_ms();
    size_t length = strlen(line) - strlen(run->mark);
    BELAY_AUTO(belay_free) char *rest = belay_strndup(line, length);
    if (length > 0 && run->on_line != NULL)
        run->on_line(run->context, is_stderr, rest);
}

static bool open_channel(remote_run *run, belay_error *err)
{
    LIBSSH2_SESSION *handle = belay_ssh_handle(run->session);
    for (;;) {
        run->channel = ssh.libssh2_channel_open_ex(handle, "session", strlen("session"),
            LIBSSH2_CHANNEL_WINDOW_DEFAULT, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
        if (run->channel != NULL)
            return true;
        if (ssh.libssh2_session_last_errno(handle) != LIBSSH2_ERROR_EAGAIN)
            return belay_ssh_fail(run->session, err, "the server opens no channel for a command");
        if (!belay_ssh_wait(run->session, run->deadline_ms, err))
            return false;
    }
}

/* A server that runs another command than the one asked for (ForceCommand, nologin) may not want it. */
static bool send_script(remote_run *run, const char *text, belay_error *err)
{
    size_t at = 0, size = strlen(text);
    while (at < size) {
        ssize_t put;
        BELAY_SSH_TRY(run->session, run->deadline_ms, put,
            ssh.libssh2_channel_write_ex(run->channel, 0, text + at, size - at), err);
        if (put == LIBSSH2_ERROR_CHANNEL_CLOSED || put == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
            return true;
        if (put < 0)
            return belay_ssh_fail(run->session, err, "a command cannot be sent");
        at += (size_t)put;
    }
    return true;
}

static bool start(remote_run *run, const char *command, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = belay_remote_script(command, run->mark);
    BELAY_AUTO(belay_free) char *line = belay_remote_line(strlen(text));
    int status;
    if (!open_channel(run, err))
        return false;
    BELAY_SSH_TRY(run->session, run->deadline_ms, status,
        ssh.libssh2_channel_process_startup(
            run->channel, "exec", strlen("exec"), line, (unsigned)strlen(line)),
        err);
    if (status < 0)
        return belay_ssh_fail(run->session, err, "the server runs no command");
    return send_script(run, text, err);
}

/* Reads what is there. */
static bool take_stream(remote_run *run, int stream, belay_line_feed *feed, belay_error *err)
{
    char buffer[READ_BYTES];
    for (;;) {
        ssize_t got = ssh.libssh2_channel_read_ex(run->channel, stream, buffer, sizeof buffer);
        if (got == LIBSSH2_ERROR_EAGAIN || got == 0)
            return true;
        if (got == LIBSSH2_ERROR_CHANNEL_CLOSED) {
            run->closed = true;
            return true;
        }
        if (got < 0)
            return belay_ssh_fail(run->session, err, "while a command ran");
        run->heard_ms = belay_now_ms();
        belay_line_feed_add(feed, buffer, (size_t)got);
    }
}

static bool take_output(remote_run *run, belay_error *err)
{
    if (!take_stream(run, 0, &run->out, err) ||
        !take_stream(run, SSH_EXTENDED_DATA_STDERR, &run->errors, err))
        return false;
    if (run->closed || ssh.libssh2_channel_eof(run->channel) != 1)
        return true;
    int status = ssh.libssh2_channel_wait_closed(run->channel);
    run->closed = status == 0;
    return status == 0 || status == LIBSSH2_ERROR_EAGAIN ||
           belay_ssh_fail(run->session, err, "while a command ended");
}

/* What has to come to an end, and why. */
static void judge(remote_run *run)
{
    int64_t now = belay_now_ms();
    if (run->why != BELAY_E_NONE)
        return;
    if (belay_stop_requested() || (run->given_up != NULL && atomic_load(run->given_up)))
        run->why = BELAY_E_CANCELLED;
    else if (run->deadline_ms > 0 && now >= run->deadline_ms)
        run->why = BELAY_E_DEADLINE;
    run->ends_by_ms = now + END_MS;
}

/* The end of its input is what the watcher waits for. A packet that is half sent must be ended before. */
static bool end_input(remote_run *run, belay_error *err)
{
    int status = ssh.libssh2_channel_send_eof(run->channel);
    run->eof_sent =
        status == 0 || status == LIBSSH2_ERROR_CHANNEL_CLOSED || status == LIBSSH2_ERROR_CHANNEL_EOF_SENT;
    return run->eof_sent || status == LIBSSH2_ERROR_EAGAIN ||
           belay_ssh_fail(run->session, err, "while a command was ended");
}

static void read_signal(remote_run *run, belay_remote_status *ret)
{
    LIBSSH2_SESSION *handle = belay_ssh_handle(run->session);
    char *name = NULL;
    size_t length = 0;
    ret->signal[0] = '\0';
    ssh.libssh2_channel_get_exit_signal(run->channel, &name, &length, NULL, NULL, NULL, NULL);
    if (name == NULL)
        return;
    snprintf(ret->signal, sizeof ret->signal, "%.*s", (int)length, name);
    ssh.libssh2_free(handle, name);
}

static bool is_over(remote_run *run)
{
    int64_t now = belay_now_ms();
    if (run->closed)
        return true;
    if (run->why == BELAY_E_NONE)
        return run->marked_ms != 0 &&
               (now - run->heard_ms >= QUIET_MS || now - run->marked_ms >= DAEMON_GRACE_MS);
    belay_remote_status status;
    read_signal(run, &status);
    return run->marked_ms != 0 || status.signal[0] != '\0' || now >= run->ends_by_ms;
}

static bool wait_for_news(remote_run *run, belay_error *err)
{
    int directions = ssh.libssh2_session_block_directions(belay_ssh_handle(run->session));
    short events = (short)((directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0) | POLLIN);
    bool ending = run->why != BELAY_E_NONE;
    struct pollfd waits[2] = {{.fd = belay_ssh_fd(run->session), .events = events},
        {.fd = ending ? -1 : belay_stop_fd(), .events = POLLIN}};
    int64_t left = run->deadline_ms > 0 && !ending ? run->deadline_ms - belay_now_ms() : SLICE_MS;
    poll(waits, 2, left < 0 ? 0 : left > SLICE_MS ? SLICE_MS : (int)left);
    if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        belay_ssh_heard(run->session);
    return belay_ssh_keep_alive(run->session, err);
}

static bool follow(remote_run *run, belay_error *err)
{
    bool ending_input = false;
    for (;;) {
        if (!ending_input && !take_output(run, err))
            return false;
        judge(run);
        if (is_over(run))
            return true;
        int directions = ssh.libssh2_session_block_directions(belay_ssh_handle(run->session));
        if (run->why != BELAY_E_NONE && !run->eof_sent &&
            (ending_input || (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND) == 0)) {
            if (!end_input(run, err))
                return false;
            ending_input = !run->eof_sent;
        }
        if (!wait_for_news(run, err))
            return false;
    }
}

static bool explain_end(const remote_run *run, belay_error *err)
{
    const char *label = belay_ssh_label(run->session);
    bool ended = run->closed || belay_now_ms() < run->ends_by_ms;
    if (run->why == BELAY_E_DEADLINE)
        belay_fail(err, BELAY_E_DEADLINE, "%s: a command did not end within %lld ms", label,
            (long long)run->timeout_ms);
    else
        belay_fail(err, BELAY_E_CANCELLED, "%s: a command was stopped", label);
    if (ended || err == NULL)
        return false;
    if (run->why == BELAY_E_DEADLINE) /* it may as well be the network that took so long */
        err->code = BELAY_E_SSH_LOST;
    return belay_error_detail(err, "whether it has ended over there was not found out");
}

/* A channel that was closed without a word of how the command ended (its sshd was killed, or is none of
 * OpenSSH's) says nothing of what was done. */
static bool read_end(remote_run *run, belay_remote_status *ret, belay_error *err)
{
    int status = ssh.libssh2_channel_get_exit_status(run->channel);
    read_signal(run, ret);
    ret->exit_status = ret->signal[0] != '\0' ? -1 : status < 0 || status > 255 ? 255 : status;
    if (ret->exit_status != 0 || belay_ssh_status_came(run->session))
        return true;
    belay_fail(err, BELAY_E_SSH_LOST, "%s: the server did not tell how a command ended",
        belay_ssh_label(run->session));
    return belay_error_hint(err,
        "whether it did its work is not known: look on that host, and whether its SSH server tells an exit "
        "status: `ssh HOST 'exit 3'; echo $?`");
}

static bool run_command(remote_run *run, const char *command, belay_remote_status *ret, belay_error *err)
{
    bool ok = (start(run, command, err) || belay_ssh_not_reached(err)) && follow(run, err);
    belay_line_feed_end(&run->out);
    belay_line_feed_end(&run->errors);
    if (!ok)
        return false;
    if (run->why != BELAY_E_NONE)
        return explain_end(run, err);
    return read_end(run, ret, err);
}

bool belay_remote_run(const belay_ssh_login *login, const char *command, int64_t timeout_ms,
    const atomic_bool *given_up, belay_line_function *on_line, void *context, belay_remote_status *ret,
    belay_error *err)
{
    bool short_time = timeout_ms > 0 && timeout_ms < BELAY_SSH_CONNECT_MS;
    const belay_ssh_options options = {
        .login = login, .connect_ms = short_time ? timeout_ms : 0, .given_up = given_up};
    BELAY_AUTO(belay_ssh_close) belay_ssh_session *session = NULL;
    if (!belay_ssh_open(&options, &session, err))
        return false;
    int64_t begun_ms = belay_now_ms();
    remote_run run = {.session = session,
        .given_up = given_up,
        .timeout_ms = timeout_ms,
        .deadline_ms = timeout_ms > 0 ? begun_ms + timeout_ms : 0,
        .on_line = on_line,
        .context = context,
        .heard_ms = begun_ms};
    run.out = (belay_line_feed){.on_line = on_every_line, .context = &run};
    run.errors = (belay_line_feed){.on_line = on_every_line, .context = &run, .is_stderr = true};
    make_mark(&run);
    return run_command(&run, command, ret, err);
}
