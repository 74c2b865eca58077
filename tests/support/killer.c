/* Preloaded into belay by the kill harness (tests/fault): ends the process, or runs a command, at a chosen
 * journal record.
 *
 *     LD_PRELOAD=killer.so KILLER_AT=7 belay deploy ...      SIGKILL right after the 7th write to a
 * journal.ndjson
 *
 *   KILLER_AT=N       the N-th write to a descriptor whose file is called journal.ndjson, counted from 1
 *   KILLER_WHEN       after (default); before: nothing of the record is written; torn: half of it is
 *   KILLER_CMD=TEXT   runs this shell command instead of killing; belay then goes on
 *   KILLER_LOG=FILE   at a normal exit the number of such writes is appended, so that the harness learns how
 * many there are
 *
 * SIGKILL cannot lose what write(2) returned for, so a sync is no moment of its own here. Children of belay
 * inherit the environment, but write no journal. Thread-safe.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef ssize_t write_function(int fd, const void *data, size_t size);

static atomic_long journal_writes;

static write_function *real_write(void)
{
    static _Atomic(write_function *) found;
    write_function *function = atomic_load(&found);
    if (function == NULL) {
        *(void **)&function = dlsym(RTLD_NEXT, "write");
        atomic_store(&found, function);
    }
    return function;
}

static int is_journal(int fd)
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

ssize_t write(int fd, const void *data, size_t size)
{
    if (!is_journal(fd))
        return real_write()(fd, data, size);
    const char *at = getenv("KILLER_AT");
    const char *when = getenv("KILLER_WHEN");
    long count = atomic_fetch_add(&journal_writes, 1) + 1;
    int now = at != NULL && strtol(at, NULL, 10) == count;
    int torn = now && when != NULL && strcmp(when, "torn") == 0;
    int before = now && when != NULL && strcmp(when, "before") == 0;
    if (torn) {
        ssize_t ignored = real_write()(fd, data, size / 2);
        (void)ignored;
    }
    if (torn || before)
        strike();
    ssize_t done = real_write()(fd, data, size);
    if (now && !torn && !before)
        strike();
    return done;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("KILLER_LOG");
    long count = atomic_load(&journal_writes);
    if (path == NULL || count == 0)
        return;
    char line[32];
    int length = snprintf(line, sizeof line, "%ld\n", count);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    ssize_t ignored = real_write()(fd, line, (size_t)length);
    (void)ignored;
    close(fd);
}
