#include "cli/follow_logs.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "remote/log_file.h"
#include "util/crew.h"
#include "util/stop.h"

enum { FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 30 * 1000 };

typedef struct follower {
    const belay_follow_logs *how;
    belay_relay *relay;
    belay_error *faults; /* of each log */
    atomic_bool over;    /* nobody reads any more */
} follower;

typedef struct one_log {
    follower *all;
    size_t number;
} one_log;

static void relay_line(void *context, bool is_stderr, const char *line)
{
    const one_log *one = context;
    belay_relay_line(one->all->relay, one->number, is_stderr, line);
}

static void tell(void *context, size_t number, bool is_stderr, const char *line)
{
    follower *all = context;
    if (!atomic_load(&all->over) && !all->how->tell(all->how->context, number, is_stderr, line))
        atomic_store(&all->over, true);
}

static bool is_over(follower *all)
{
    return belay_stop_requested() || atomic_load(&all->over);
}

/* Is it worth to connect once more? */
static bool is_passing(const belay_error *why, const belay_log_mark *mark)
{
    return belay_ssh_is_lost(why) || (why->code == BELAY_E_SSH && mark->file[0] != '\0');
}

static void pause_for(follower *all, int64_t pause_ms)
{
    int64_t end = belay_now_ms() + pause_ms;
    while (!is_over(all) && belay_now_ms() < end)
        belay_stop_wait(100);
}

/* A fault is noted only: the others go on. */
static bool follow_one(void *context, void *own, size_t number, belay_error *err)
{
    (void)own, (void)err;
    follower *all = context;
    one_log one = {all, number};
    const belay_log_tail how = {.target = all->how->target,
        .log = &all->how->target->logs.items[number],
        .lines = all->how->lines,
        .follow = all->how->follow,
        .given_up = &all->over,
        .on_line = relay_line,
        .context = &one};
    belay_log_mark mark = {0};
    int64_t pause_ms = FIRST_PAUSE_MS;
    for (;;) {
        belay_error why = {0};
        uint64_t before = mark.offset;
        bool ended = belay_log_run_tail(&how, &mark, &why);
        if (is_over(all) || (ended && !how.follow))
            return true;
        if (ended)
            belay_fail(&why, BELAY_E_PROCESS, "tail of %s ended", how.log->path);
        if (ended || !how.follow || !is_passing(&why, &mark)) {
            if (how.follow)
                relay_line(&one, true, why.message);
            all->faults[number] = why;
            return true;
        }
        pause_ms = mark.offset != before ? FIRST_PAUSE_MS : pause_ms;
        BELAY_AUTO(belay_free)
        char *text = belay_format("%s; connecting again in %lld s", why.message, (long long)pause_ms / 1000);
        relay_line(&one, true, text);
        pause_for(all, pause_ms);
        pause_ms = pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause_ms * 2;
    }
}

/* Of a log that says nothing, nobody would notice that who reads (`| head`) is gone. */
static bool is_read(void)
{
    struct pollfd look = {.fd = STDOUT_FILENO};
    return poll(&look, 1, 0) <= 0 || (look.revents & (POLLERR | POLLHUP)) == 0;
}

static void tick(void *context)
{
    follower *all = context;
    belay_relay_flush(all->relay);
    if (all->how->follow && !is_read())
        atomic_store(&all->over, true);
}

bool belay_follow_logs_run(const belay_follow_logs *how, belay_error *err)
{
    size_t count = how->target->logs.count;
    BELAY_AUTO(belay_free) belay_error *faults = belay_alloc(count * sizeof *faults);
    follower all = {.how = how, .faults = faults};
    BELAY_AUTO(belay_relay_free) belay_relay *relay = belay_relay_new(tell, &all);
    all.relay = relay;
    const belay_crew_task task = {.work = follow_one, .tick = tick, .context = &all};
    if (!belay_crew_run(&task, count, count, err) && !belay_stop_requested())
        return false;
    for (size_t i = 0; i < count; i++) {
        if (faults[i].code == BELAY_E_NONE)
            continue;
        if (err != NULL)
            *err = faults[i];
        return false;
    }
    return true;
}
