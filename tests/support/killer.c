/* Preloaded into belay by the kill harness (tests/fault): ends the process, or runs a command, at one moment.
 *
 *     LD_PRELOAD=killer.so KILLER_AT=7 belay deploy      SIGKILL after the 7th write to a journal.ndjson
 *
 *   KILLER_ON         what is counted. journal (default): writes to a file called journal.ndjson;
 *                     call: send(2), renameat(2), unlinkat(2), by which belay changes servers and stores
 *                     publish: renameat(2) of an unfinished snapshot
 *   KILLER_AT=N       the N-th of them, counted from 1
 *   KILLER_WHEN       after (default); before: nothing of it is done; torn: half of a journal record is
 *   KILLER_CMD=TEXT   runs this shell command instead of killing; belay then goes on
 *   KILLER_SLOW_MS=N  a slow disk: each write(2) of a megabyte or more takes so much longer
 *   KILLER_LOG=FILE   at a normal exit the count is appended: so the harness learns how many there are
 *
 * SIGKILL cannot lose what write(2) returned for, so a sync is no moment of its own here. Children of belay
 * inherit the environment, but only belay itself counts. Thread-safe.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef ssize_t write_function(int fd, const void *data, size_t size);
typedef ssize_t send_function(int fd, const void *data, size_t size, int flags);
typedef int renameat_function(int from_folder, const char *from, int to_folder, const char *to);
typedef int unlinkat_function(int folder, const char *name, int flags);

/* The C library's functions, looked up before anything of the program runs. */
static write_function *real_write;
static send_function *real_send;
static renameat_function *real_renameat;
static unlinkat_function *real_unlinkat;
static bool counts_calls, counts_publishing;
static bool in_belay;
static useconds_t slow_us;

enum { LARGE_WRITE_BYTES = 1024 * 1024 };

static atomic_long moments;

__attribute__((constructor)) static void look_up(void)
{
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_send = dlsym(RTLD_NEXT, "send");
    *(void **)&real_renameat = dlsym(RTLD_NEXT, "renameat");
    *(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    const char *on = getenv("KILLER_ON");
    counts_calls = on != NULL && strcmp(on, "call") == 0;
    counts_publishing = on != NULL && strcmp(on, "publish") == 0;
    const char *slow_ms = getenv("KILLER_SLOW_MS");
    slow_us = slow_ms == NULL ? 0 : (useconds_t)strtoul(slow_ms, NULL, 10) * 1000;
    in_belay = strcmp(program_invocation_short_name, "belay") == 0;
}

static bool is_journal(int fd)
{
    static const char name[] = "/journal.ndjson";
    char link[64];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int saved = errno;
    ssize_t length = readlink(link, path, sizeof path);
    errno = saved;
    size_t suffix = sizeof name - 1;
    return length >= (ssize_t)suffix && memcmp(path + length - suffix, name, suffix) == 0;
}

static void strike(void)
{
    const char *command = getenv("KILLER_CMD");
    if (command == NULL) {
        kill(getpid(), SIGKILL);
        for (;;) /* the signal may reach another thread first */
            pause();
    }
    unsetenv("LD_PRELOAD");
    int saved = errno;
    int status = system(command);
    if (status != 0)
        fprintf(stderr, "killer: the command ended with %d\n", status);
    errno = saved;
}

static bool asked_for(const char *when)
{
    const char *wanted = getenv("KILLER_WHEN");
    return strcmp(wanted == NULL ? "after" : wanted, when) == 0;
}

/* Counts one moment; true when it is the chosen one. Strikes already when that is to happen before the act.
 */
static bool is_the_moment(void)
{
    const char *at = getenv("KILLER_AT");
    long count = atomic_fetch_add(&moments, 1) + 1;
    bool now = at != NULL && strtol(at, NULL, 10) == count;
    if (now && asked_for("before"))
        strike();
    return now && !asked_for("before");
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (in_belay && size >= LARGE_WRITE_BYTES && slow_us > 0)
        usleep(slow_us);
    if (!in_belay || counts_calls || counts_publishing || !is_journal(fd))
        return real_write(fd, data, size);
    bool now = is_the_moment();
    if (now && asked_for("torn")) {
        ssize_t ignored = real_write(fd, data, size / 2);
        (void)ignored;
        strike();
    }
    ssize_t done = real_write(fd, data, size);
    if (now)
        strike();
    return done;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    bool now = in_belay && counts_calls && is_the_moment();
    ssize_t done = real_send(fd, data, size, flags);
    if (now)
        strike();
    return done;
}

static bool is_snapshot_part(const char *name)
{
    static const char *const ends[] = {".tar.part", ".tar.age.part"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t size = strlen(ends[i]);
        if (length > size && strcmp(name + length - size, ends[i]) == 0)
            return true;
    }
    return false;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    bool counts = counts_calls || (counts_publishing && is_snapshot_part(from));
    bool now = in_belay && counts && is_the_moment();
    int status = real_renameat(from_folder, from, to_folder, to);
    if (now)
        strike();
    return status;
}

int unlinkat(int folder, const char *name, int flags)
{
    bool now = in_belay && counts_calls && is_the_moment();
    int status = real_unlinkat(folder, name, flags);
    if (now)
        strike();
    return status;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("KILLER_LOG");
    long count = atomic_load(&moments);
    if (path == NULL || count == 0)
        return;
    char line[32];
    int length = snprintf(line, sizeof line, "%ld\n", count);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    ssize_t ignored = real_write(fd, line, (size_t)length);
    (void)ignored;
    close(fd);
}
