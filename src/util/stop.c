#include "util/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

static atomic_int stop_count;
static atomic_int stop_masked; /* how many times */
static int stop_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    if (atomic_fetch_add(&stop_count, 1) > 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
    ssize_t ignored = write(stop_pipe[1], "x", 1);
    (void)ignored;
    errno = saved;
}

bool belay_stop_install(belay_error *err)
{
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return belay_fail_errno(err, errno, "cannot make the signal pipe");
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_NODEFER; /* the second signal raises itself from within the handler */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup;
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* nohup stays nohup */
        sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return true;
}

bool belay_stop_requested(void)
{
    return atomic_load(&stop_masked) == 0 && atomic_load(&stop_count) > 0;
}

int belay_stop_fd(void)
{
    return atomic_load(&stop_masked) > 0 ? -1 : stop_pipe[0];
}

void belay_stop_mask(bool masked)
{
    atomic_fetch_add(&stop_masked, masked ? 1 : -1);
}

bool belay_stop_wait(int64_t duration_ms)
{
    int64_t end = belay_now_ms() + duration_ms;
    for (;;) {
        if (belay_stop_requested())
            return true;
        int64_t left = end - belay_now_ms();
        if (left <= 0)
            return false;
        struct pollfd wait = {.fd = belay_stop_fd(), .events = POLLIN};
        poll(&wait, 1, left > 1000 ? 1000 : (int)left);
    }
}

bool belay_stop_check(belay_error *err)
{
    if (!belay_stop_requested())
        return true;
    return belay_fail(err, BELAY_E_CANCELLED, "stopped by a signal");
}
