/* The line and the script that run a command on another host, given to the shells of this one in the way in
 * which sshd does it: a session of its own, standard input held open. What sshd and libssh2 add is tested in
 * integration/test_ssh_commands.sh. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "remote/exec.h"
#include "util/file.h"

enum { TEXT_MAX = 64 * 1024 };

typedef struct far_side {
    pid_t pid;
    int in, out, errors;
} far_side;

/* What a login shell is asked to run. */
static far_side begin(const char *shell, const char *line)
{
    int in[2], out[2], errors[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(errors), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(errors[1], 2);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp(shell, shell, "-c", line, (char *)NULL);
        _exit(126);
    }
    close(in[0]);
    close(out[1]);
    close(errors[1]);
    return (far_side){pid, in[1], out[0], errors[0]};
}

static void send_text(far_side *far, const char *text, size_t length)
{
    assert_true(belay_write_all(far->in, text, length, "a script", NULL));
}

/* Everything until its end; closes it. */
static char *read_all(int fd)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_MAX(TEXT_MAX);
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        belay_str_append_n(&text, buffer, (size_t)got);
    close(fd);
    return belay_str_steal(&text);
}

static int wait_for(far_side *far)
{
    int status = 0;
    assert_int_equal(waitpid(far->pid, &status, 0), far->pid);
    return status;
}

/* The shell's own command until it ended, then the end of the input, as sshd does. */
static int run(const char *shell, const char *command, char **ret_out, char **ret_errors)
{
    BELAY_AUTO(belay_free) char *script = belay_remote_script(command, "MARK");
    BELAY_AUTO(belay_free) char *line = belay_remote_line(strlen(script));
    far_side far = begin(shell, line);
    send_text(&far, script, strlen(script));
    int status = wait_for(&far);
    close(far.in);
    *ret_out = read_all(far.out);
    *ret_errors = read_all(far.errors);
    return status;
}

static bool has_shell(const char *name)
{
    BELAY_AUTO(belay_free) char *line = belay_format("command -v %s >/dev/null", name);
    const belay_spawn how = {.shell = line};
    int status = 1;
    return belay_process_run(&how, 10000, NULL, NULL, NULL, NULL, &status, NULL) && status == 0;
}

static const char *const shells[] = {"sh", "dash", "bash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"};

static void the_text_arrives_in_every_shell(void **state)
{
    (void)state;
    static const char command[] =
        "printf '%s|' \"it's\" '\"a\"' `echo b` $((1 + 1)) '\\' '!x' \"$NONE\" '*' \"$0\"\n"
        "# \xc3\xbc\n"
        "exit 7";
    size_t tried = 0;
    for (size_t i = 0; i < BELAY_COUNT(shells); i++) {
        if (!has_shell(shells[i]))
            continue;
        BELAY_AUTO(belay_free) char *out = NULL;
        BELAY_AUTO(belay_free) char *errors = NULL;
        int status = run(shells[i], command, &out, &errors);
        print_message("%s\n", shells[i]);
        assert_string_equal(out, "it's|\"a\"|b|2|\\|!x||*|sh|MARK\n");
        assert_string_equal(errors, "MARK\n");
        assert_int_equal(WEXITSTATUS(status), 7);
        tried++;
    }
    assert_true(tried >= 2);
}

static void a_signal_stays_one(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *out = NULL;
    BELAY_AUTO(belay_free) char *errors = NULL;
    int status = run("sh", "kill -USR1 $$", &out, &errors);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);
}

/* A connection that goes while the script is sent. */
static void half_a_script_does_nothing(void **state)
{
    (void)state;
    static const char command[] = "echo it ran; exit 0";
    BELAY_AUTO(belay_free) char *script = belay_remote_script(command, "MARK");
    size_t size = strlen(script);
    BELAY_AUTO(belay_free) char *line = belay_remote_line(size);
    for (size_t length = 0; length + 2 < size; length += length < 60 ? 1 : 17) {
        far_side far = begin("sh", line);
        send_text(&far, script, length);
        close(far.in);
        BELAY_AUTO(belay_free) char *out = read_all(far.out);
        BELAY_AUTO(belay_free) char *errors = read_all(far.errors);
        wait_for(&far);
        assert_string_equal(out, "");
        assert_null(strstr(errors, "MARK"));
    }
}

/* The connection goes, or the command is given up: its input ends while it runs. */
static void the_end_of_the_input_ends_the_command(void **state)
{
    (void)state;
    static const char command[] =
        "trap '' TERM; (sleep 987611; echo never) & echo begun; while :; do sleep 987612; done";
    BELAY_AUTO(belay_free) char *script = belay_remote_script(command, "MARK");
    BELAY_AUTO(belay_free) char *line = belay_remote_line(strlen(script));
    far_side far = begin("sh", line);
    send_text(&far, script, strlen(script));
    char begun[6];
    assert_int_equal(belay_read_full(far.out, begun, sizeof begun, "the command", NULL), sizeof begun);
    int64_t from = belay_now_ms();
    close(far.in);
    int status = wait_for(&far);
    int64_t took_ms = belay_now_ms() - from;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_in_range(took_ms, 4000, 20000);
    BELAY_AUTO(belay_free) char *out = read_all(far.out); /* ends: nobody holds it any more */
    BELAY_AUTO(belay_free) char *errors = read_all(far.errors);
    assert_string_equal(out, "");
    for (int i = 0; i < 500 && kill(-far.pid, 0) == 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(kill(-far.pid, 0), -1); /* the whole group is gone */
    assert_int_equal(errno, ESRCH);
}

static void a_daemon_outlives_a_command_that_ended(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *script = belay_remote_script("exec 3>&-; sleep 987613 & echo $!", "MARK");
    BELAY_AUTO(belay_free) char *line = belay_remote_line(strlen(script));
    far_side far = begin("sh", line);
    send_text(&far, script, strlen(script));
    int status = wait_for(&far);
    close(far.in);
    assert_int_equal(WEXITSTATUS(status), 0);
    char mark[5];
    assert_int_equal(belay_read_full(far.errors, mark, sizeof mark, "the mark", NULL), sizeof mark);
    char text[16] = "";
    assert_true(read(far.out, text, sizeof text - 1) > 0);
    pid_t daemon = (pid_t)strtol(text, NULL, 10);
    assert_true(daemon > 1);
    poll(NULL, 0, 300); /* a watcher that meant it would have sent its signal at once */
    assert_int_equal(kill(daemon, 0), 0);
    kill(daemon, SIGKILL);
    close(far.out);
    close(far.errors);
}

static void a_word_of_sh_is_any_text(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_shell_quote(&text, "it's $HOME");
    assert_string_equal(belay_str_text(&text), "'it'\\''s $HOME'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_arrives_in_every_shell),
        cmocka_unit_test(a_signal_stays_one),
        cmocka_unit_test(half_a_script_does_nothing),
        cmocka_unit_test(the_end_of_the_input_ends_the_command),
        cmocka_unit_test(a_daemon_outlives_a_command_that_ended),
        cmocka_unit_test(a_word_of_sh_is_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
