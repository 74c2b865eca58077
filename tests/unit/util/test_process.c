/* Children: their output, end, environment and death. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/process.h"

typedef struct seen {
    belay_list out, errors;
} seen;

static void note(void *context, bool is_stderr, const char *line)
{
    seen *lines = context;
    belay_list_add(is_stderr ? &lines->errors : &lines->out, line);
}

/* Runs a shell command; the status, and what it said in the arguments that are not NULL. */
static int shell(const char *command, belay_str *out, seen *lines, belay_error *err)
{
    int status = -1;
    const belay_spawn how = {.argv = (const char *const[]){"sh", "-c", command, NULL}};
    return belay_process_run(&how, 20000, out, NULL, lines == NULL ? NULL : note, lines, &status, err)
               ? status
               : -1;
}

static void gives_output_status_and_lines(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    seen lines = {0};
    assert_int_equal(
        shell("echo a longer first line; printf 'b\\n\\nlast'; echo oops >&2; exit 3", &out, &lines, &err),
        3);
    assert_string_equal(belay_str_text(&out), "a longer first line\nb\n\nlast");
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines.out, "|");
    assert_string_equal(joined, "a longer first line|b||last");
    assert_int_equal(lines.errors.count, 1);
    assert_string_equal(lines.errors.items[0], "oops");
    belay_list_done(&lines.out);
    belay_list_done(&lines.errors);
    assert_int_equal(shell("kill -9 $$", NULL, NULL, &err), 128 + SIGKILL);
}

static void takes_a_lot_of_output(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    assert_int_equal(
        shell("head -c 3000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2", &out, NULL, &err), 0);
    assert_int_equal(out.length, 3000000);
}

static void says_what_cannot_be_run(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_process process;
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder in it that nobody may enter would be the answer instead */
    const belay_spawn how = {.argv = (const char *const[]){"belay-no-such-program", NULL}};
    assert_false(belay_process_start(&how, &process, &err));
    assert_int_equal(err.code, BELAY_E_PROCESS);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_non_null(strstr(err.message, "belay-no-such-program"));
    belay_process_done(&process);
    const belay_spawn nowhere = {.argv = (const char *const[]){"true", NULL}, .folder = "/nonexistent"};
    assert_false(belay_process_start(&nowhere, &process, &err));
}

static void sets_environment_folder_and_input(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    setenv("BELAY_TEST_OWN", "own", 1);
    setenv("BELAY_TEST_OWN_2", "second", 1);
    setenv("BELAY_TEST_OWN_3", "third", 1);
    int status = -1;
    const belay_spawn how = {.argv = (const char *const[]){"sh", "-c",
                                 "echo $BELAY_TEST_OWN $BELAY_TEST_OWN_2 $BELAY_TEST_OWN_3; pwd; cat", NULL},
        .environment = (const char *const[]){"BELAY_TEST_OWN=theirs", "BELAY_TEST_OWN_3", NULL},
        .folder = "/",
        .stdin_text = "input"};
    assert_true(belay_process_run(&how, 20000, &out, NULL, NULL, NULL, &status, &err));
    assert_string_equal(belay_str_text(&out), "theirs second\n/\ninput");
    assert_string_equal(getenv("BELAY_TEST_OWN"), "own");
}

static void ends_what_takes_too_long(void **state)
{
    (void)state;
    belay_error err = {0};
    int status = -1;
    int64_t start = belay_now_ms();
    const belay_spawn how = {.argv = (const char *const[]){"sh", "-c", "sleep 60 & sleep 60; true", NULL}};
    assert_false(belay_process_run(&how, 100, NULL, NULL, NULL, NULL, &status, &err));
    assert_int_equal(err.code, BELAY_E_DEADLINE);
    assert_non_null(strstr(err.message, "within 100 ms"));
    const belay_spawn users = {.shell = "sleep 60 & sleep 60; true"};
    assert_false(belay_process_run(&users, 100, NULL, NULL, NULL, NULL, &status, &err));
    assert_int_equal(err.code, BELAY_E_DEADLINE);
    assert_true(belay_now_ms() - start < 15000);
    const belay_spawn shell_line = {.shell = "sleep 30"};
    belay_error_clear(&err);
    assert_false(belay_process_run(&shell_line, 100, NULL, NULL, NULL, NULL, &status, &err));
    assert_int_equal(err.code, BELAY_E_DEADLINE);
    assert_non_null(strstr(err.message, "sleep 30"));
}

static void ends_what_is_given_up(void **state)
{
    (void)state;
    belay_error err = {0};
    int status = -1;
    const atomic_bool given_up = true;
    const belay_spawn how = {.shell = "sleep 30", .given_up = &given_up};
    assert_false(belay_process_run(&how, 20000, NULL, NULL, NULL, NULL, &status, &err));
    assert_int_equal(err.code, BELAY_E_CANCELLED);
    assert_string_equal(err.message, "sleep 30 is not needed any more");
}

static void does_not_wait_for_a_daemon(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    int64_t start = belay_now_ms();
    assert_int_equal(shell("sleep 15 & echo $!", &out, NULL, &err), 0);
    assert_true(belay_now_ms() - start < 10000);
    long long daemon = 0;
    BELAY_AUTO(belay_free)
    char *line = belay_strndup(belay_str_text(&out), strcspn(belay_str_text(&out), "\n"));
    assert_true(belay_parse_int64(line, &daemon));
    assert_int_equal(kill((pid_t)daemon, SIGKILL), 0); /* it still lived */
}

static void children_die_with_their_parent(void **state)
{
    (void)state;
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t parent = fork();
    if (parent == 0) {
        belay_process process;
        const belay_spawn how = {.argv = (const char *const[]){"sleep", "60", NULL}};
        pid_t child = belay_process_start(&how, &process, NULL) ? process.pid : 0;
        ssize_t ignored = write(report[1], &child, sizeof child);
        (void)ignored;
        kill(getpid(), SIGKILL);
    }
    pid_t child = 0;
    assert_int_equal(read(report[0], &child, sizeof child), sizeof child);
    close(report[0]);
    close(report[1]);
    waitpid(parent, NULL, 0);
    assert_true(child > 0);
    BELAY_AUTO(belay_free) char *path = belay_format("/proc/%d/stat", (int)child);
    bool dead = false;
    for (int64_t end = belay_now_ms() + 10000; !dead && belay_now_ms() < end;) {
        char text[256] = "";
        FILE *file = fopen(path, "re");
        dead = file == NULL || fgets(text, sizeof text, file) == NULL || strstr(text, ") Z ") != NULL;
        if (file != NULL)
            fclose(file);
        usleep(1000);
    }
    assert_true(dead);
}

static void *start_duplex(void *context)
{
    const int *socket = context;
    static belay_process process;
    const belay_spawn how = {.shell = "exec cat", .stdin_fd = *socket, .is_duplex = true};
    assert_true(belay_process_start(&how, &process, NULL));
    return &process;
}

/* As a connection does that another thread goes on with. */
static void a_duplex_child_outlives_its_thread(void **state)
{
    (void)state;
    int ends[2];
    char text[8] = "";
    pthread_t thread;
    void *process = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, start_duplex, &ends[1]), 0);
    assert_int_equal(pthread_join(thread, &process), 0);
    close(ends[1]);
    usleep(100000); /* in which it would be killed */
    assert_int_equal(write(ends[0], "hello", 5), 5);
    assert_int_equal(read(ends[0], text, sizeof text), 5);
    assert_string_equal(text, "hello");
    close(ends[0]);
    assert_true(belay_process_wait(process, belay_now_ms() + 10000, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_output_status_and_lines),
        cmocka_unit_test(takes_a_lot_of_output),
        cmocka_unit_test(says_what_cannot_be_run),
        cmocka_unit_test(sets_environment_folder_and_input),
        cmocka_unit_test(ends_what_takes_too_long),
        cmocka_unit_test(ends_what_is_given_up),
        cmocka_unit_test(does_not_wait_for_a_daemon),
        cmocka_unit_test(children_die_with_their_parent),
        cmocka_unit_test(a_duplex_child_outlives_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
