/* Signals: each case in a child of its own, since a stop cannot be taken back. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/process.h"
#include "util/stop.h"

/* Runs the body in a child: its wait status. */
static int in_child(int (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(belay_stop_install(NULL) ? body() : 99);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

static int first_signal(void)
{
    if (belay_stop_requested() || belay_stop_wait(1) || !belay_stop_check(NULL))
        return 1;
    raise(SIGTERM);
    struct pollfd wait = {.fd = belay_stop_fd(), .events = POLLIN};
    if (!belay_stop_requested() || poll(&wait, 1, 0) != 1 || !belay_stop_wait(60000))
        return 2;
    belay_error err = {0};
    if (belay_stop_check(&err) || err.code != BELAY_E_CANCELLED)
        return 3;
    belay_stop_mask(true);
    if (belay_stop_requested() || belay_stop_fd() != -1 || belay_stop_wait(1))
        return 4;
    belay_stop_mask(true);
    belay_stop_mask(false);
    if (belay_stop_requested() || belay_stop_fd() != -1)
        return 6;
    belay_stop_mask(false);
    return belay_stop_requested() && belay_stop_fd() >= 0 ? 0 : 5;
}

static int second_signal(void)
{
    belay_stop_mask(true); /* a mask does not protect from the second one */
    raise(SIGINT);
    raise(SIGINT);
    return 1;
}

static int ignored_signals(void)
{
    raise(SIGPIPE);
    return belay_stop_requested() ? 1 : 0;
}

static int children_are_ended(void)
{
    raise(SIGINT);
    belay_error err = {0};
    int status = 0;
    const belay_spawn how = {.argv = (const char *const[]){"sleep", "60", NULL}};
    if (belay_process_run(&how, 0, NULL, NULL, NULL, NULL, &status, &err))
        return 1;
    return err.code == BELAY_E_CANCELLED ? 0 : 2;
}

static void the_first_asks(void **state)
{
    (void)state;
    assert_int_equal(in_child(first_signal), 0);
}

static void the_second_ends(void **state)
{
    (void)state;
    int status = in_child(second_signal);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

static void a_broken_pipe_is_no_stop(void **state)
{
    (void)state;
    assert_int_equal(in_child(ignored_signals), 0);
}

static void a_stop_ends_children(void **state)
{
    (void)state;
    assert_int_equal(in_child(children_are_ended), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_asks),
        cmocka_unit_test(the_second_ends),
        cmocka_unit_test(a_broken_pipe_is_no_stop),
        cmocka_unit_test(a_stop_ends_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
