#include "util/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/stop.h"

extern char **environ;

enum {
    TERM_GRACE_MS = 5000,
    STDIN_MAX_BYTES = 64 * 1024,
    POLL_MS = 200,
    DAEMON_GRACE_MS = 2000,
    VERSION_TIMEOUT_MS = 10000
};

/* Do both name one variable? */
static bool is_same_variable(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

/* belay's environment with the additions in front, so that they win. The caller frees the array only. */
static char **build_environment(const char *const *additions)
{
    size_t own = 0;
    size_t added = 0;
    while (environ[own] != NULL)
        own++;
    while (additions != NULL && additions[added] != NULL)
        added++;
    char **all = belay_realloc_array(NULL, own + added + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < added; i++) {
        if (strchr(additions[i], '=') != NULL)
            all[count++] = (char *)(uintptr_t)additions[i];
    }
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;
        for (size_t j = 0; j < added && !replaced; j++)
            replaced = is_same_variable(additions[j], environ[i]);
        if (!replaced)
            all[count++] = environ[i];
    }
    all[count] = NULL;
    return all;
}

_Noreturn static void child(
    const belay_spawn *how, char **environment, int in, int out, int errors, int report, pid_t parent)
{
    setpgid(0, 0);
    if (!how->is_duplex)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 32; number++)
        sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(errors, 2) >= 0 &&
        (how->folder == NULL || chdir(how->folder) == 0)) {
        environ = environment;
        if (how->shell != NULL)
            umask(belay_user_umask());
        execvp(how->argv[0], (char *const *)(uintptr_t)how->argv);
    }
    int cause = errno;
    ssize_t ignored = write(report, &cause, sizeof cause);
    (void)ignored;
    _exit(127);
}

typedef struct pipes {
    int in[2], out[2], errors[2], report[2];
} pipes;

static void close_pair(int pair[2])
{
    belay_close_fd_p(&pair[0]);
    belay_close_fd_p(&pair[1]);
}

static void close_pipes(pipes *p)
{
    close_pair(p->in);
    close_pair(p->out);
    close_pair(p->errors);
    close_pair(p->report);
}

static bool open_pipes(const belay_spawn *how, pipes *p, belay_error *err)
{
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(p->report, O_CLOEXEC) != 0 || (how->pipe_stdout && pipe2(p->out, O_CLOEXEC) != 0) ||
        (how->pipe_stderr && pipe2(p->errors, O_CLOEXEC) != 0))
        return belay_fail_errno(err, errno, "cannot make a pipe");
    if (how->stdin_text == NULL) {
        p->in[0] = how->stdin_fd > 0 ? fcntl(how->stdin_fd, F_DUPFD_CLOEXEC, 3)
                                     : open("/dev/null", O_RDONLY | O_CLOEXEC);
        return p->in[0] >= 0 || belay_fail_errno(err, errno, "cannot open a child's input");
    }
    size_t length = strlen(how->stdin_text);
    if (length > STDIN_MAX_BYTES)
        return belay_fail(err, BELAY_E_INTERNAL, "standard input of %zu bytes for a child", length);
    if (pipe2(p->in, O_CLOEXEC) != 0)
        return belay_fail_errno(err, errno, "cannot make a pipe");
    if (!belay_write_all(p->in[1], how->stdin_text, length, "a child's input", err))
        return false;
    belay_close_fd_p(&p->in[1]);
    return true;
}

bool belay_process_start(const belay_spawn *given, belay_process *ret, belay_error *err)
{
    const char *const shell[] = {"/bin/sh", "-c", given->shell, NULL};
    belay_spawn own = *given;
    const belay_spawn *how = &own;
    if (given->shell != NULL)
        own.argv = shell;
    *ret = BELAY_PROCESS_INIT;
    pipes p;
    if (!open_pipes(how, &p, err)) {
        close_pipes(&p);
        return false;
    }
    BELAY_AUTO(belay_free) char **environment = build_environment(how->environment);
    pid_t parent = getpid();
    int out = how->is_duplex ? p.in[0] : how->pipe_stdout ? p.out[1] : 2;
    pid_t pid = fork();
    if (pid == 0)
        child(how, environment, p.in[0], out, how->pipe_stderr ? p.errors[1] : 2, p.report[1], parent);
    if (pid < 0) {
        int cause = errno;
        close_pipes(&p);
        return belay_fail_errno(err, cause, "cannot start %s", how->argv[0]);
    }
    belay_close_fd_p(&p.report[1]);
    int cause = 0;
    ssize_t got = belay_read_full(p.report[0], &cause, sizeof cause, "a child's report", NULL);
    if (got == (ssize_t)sizeof cause) {
        waitpid(pid, NULL, 0);
        close_pipes(&p);
        belay_fail_errno(err, cause, "cannot run %s", how->argv[0]);
        if (err != NULL)
            err->code = BELAY_E_PROCESS;
        return false;
    }
    ret->pid = pid;
    ret->stdout_fd = p.out[0];
    ret->stderr_fd = p.errors[0];
    p.out[0] = p.errors[0] = -1;
    close_pipes(&p);
    return true;
}

static bool reap(belay_process *process, int options)
{
    int status = 0;
    pid_t got;
    do {
        got = waitpid(process->pid, &status, options);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    process->term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    process->exit_status = got < 0             ? 127
                           : WIFEXITED(status) ? WEXITSTATUS(status)
                                               : 128 + process->term_signal;
    process->pid = 0;
    return true;
}

static void kill_group(belay_process *process)
{
    if (process->pid == 0)
        return;
    kill(-process->pid, SIGKILL);
    reap(process, 0);
}

/* SIGTERM, a grace period, SIGKILL. */
static void end_gently(belay_process *process)
{
    kill(-process->pid, SIGTERM);
    int64_t end = belay_now_ms() + TERM_GRACE_MS;
    while (belay_now_ms() < end) {
        if (reap(process, WNOHANG))
            return;
        poll(NULL, 0, 10);
    }
    kill_group(process);
}

bool belay_process_wait(belay_process *process, int64_t deadline_ms, belay_error *err)
{
    int64_t end = belay_now_ms() + deadline_ms;
    int pause_ms = 1;
    while (process->pid != 0 && !reap(process, WNOHANG)) {
        if (belay_stop_requested()) {
            end_gently(process);
            return belay_stop_check(err);
        }
        if (deadline_ms > 0 && belay_now_ms() >= end) {
            end_gently(process);
            return belay_fail(
                err, BELAY_E_DEADLINE, "a command did not end within %lld ms", (long long)deadline_ms);
        }
        poll(NULL, 0, pause_ms);
        if (pause_ms < 20)
            pause_ms++;
    }
    return true;
}

void belay_process_done(belay_process *process)
{
    kill_group(process);
    belay_close_fd_p(&process->stdout_fd);
    belay_close_fd_p(&process->stderr_fd);
}

typedef struct reader {
    int *fd;
    belay_str *whole;
    belay_line_feed lines;
} reader;

/* Reads what is there; closes the descriptor at its end. */
static void pump(reader *r)
{
    char buffer[16384];
    ssize_t got = read(*r->fd, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0 && r->whole != NULL)
        belay_str_append_n(r->whole, buffer, (size_t)got);
    if (got > 0)
        belay_line_feed_add(&r->lines, buffer, (size_t)got);
    else
        belay_close_fd_p(r->fd);
}

/* Has the child ended? It is not reaped. */
static bool has_ended(const belay_process *process)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static bool is_given_up(const belay_spawn *how)
{
    return how->given_up != NULL && atomic_load(how->given_up);
}

static const char *name_of(const belay_spawn *how)
{
    return how->shell != NULL ? how->shell : how->argv[0];
}

bool belay_process_run(const belay_spawn *how, int64_t timeout_ms, belay_str *ret_stdout,
    belay_str *ret_stderr, belay_line_function *on_line, void *context, int *ret_status, belay_error *err)
{
    belay_spawn piped = *how;
    piped.pipe_stdout = piped.pipe_stderr = true;
    BELAY_AUTO(belay_process_done) belay_process process = BELAY_PROCESS_INIT;
    if (!belay_process_start(&piped, &process, err))
        return false;
    reader out = {&process.stdout_fd, ret_stdout, {.on_line = on_line, .context = context}};
    reader errors = {
        &process.stderr_fd, ret_stderr, {.on_line = on_line, .context = context, .is_stderr = true}};
    int64_t end = belay_now_ms() + timeout_ms;
    bool in_time = true;
    int64_t ended_ms = 0;
    while ((process.stdout_fd >= 0 || process.stderr_fd >= 0) && in_time && !belay_stop_requested() &&
           !is_given_up(how)) {
        int64_t left = timeout_ms <= 0 ? 1000 : end - belay_now_ms();
        in_time = timeout_ms <= 0 || left > 0;
        struct pollfd waits[3] = {{.fd = process.stdout_fd, .events = POLLIN},
            {.fd = process.stderr_fd, .events = POLLIN}, {.fd = belay_stop_fd(), .events = POLLIN}};
        int ready = poll(waits, 3, left < 0 ? 0 : left > POLL_MS ? POLL_MS : (int)left);
        /* A command may leave a daemon behind that keeps its pipes: what is in them is read, their end is not
         * waited for. */
        if (ended_ms == 0 && ready == 0 && has_ended(&process))
            ended_ms = belay_now_ms();
        else if (ended_ms != 0 && (ready == 0 || belay_now_ms() - ended_ms > DAEMON_GRACE_MS))
            break;
        if (waits[0].revents != 0)
            pump(&out);
        if (waits[1].revents != 0)
            pump(&errors);
    }
    belay_line_feed_end(&out.lines);
    belay_line_feed_end(&errors.lines);
    if (is_given_up(how)) {
        end_gently(&process);
        return belay_fail(err, BELAY_E_CANCELLED, "%s is not needed any more", name_of(how));
    }
    int64_t left = timeout_ms <= 0 ? 0 : end - belay_now_ms();
    if (!belay_process_wait(&process, timeout_ms <= 0 ? 0 : left < 1 ? 1 : left, err)) {
        if (err != NULL && err->code == BELAY_E_DEADLINE) /* of the whole time, not of what was left of it */
            belay_fail(err, BELAY_E_DEADLINE, "a command did not end within %lld ms", (long long)timeout_ms);
        return belay_error_prefix(err, "%s", name_of(how));
    }
    *ret_status = process.exit_status;
    return true;
}

int belay_process_major(const char *program)
{
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_MAX(4096);
    belay_spawn how = {.argv = (const char *const[]){program, "--version", NULL}};
    int status = 1;
    if (!belay_process_run(&how, VERSION_TIMEOUT_MS, &out, NULL, NULL, NULL, &status, NULL) || status != 0)
        return 0;
    const char *digits = strpbrk(belay_str_text(&out), "0123456789");
    return digits == NULL ? 0 : (int)strtol(digits, NULL, 10);
}
