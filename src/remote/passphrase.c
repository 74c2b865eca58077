#include "remote/passphrase.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <termios.h>

#include "util/file.h"
#include "util/str.h"

enum { PASSPHRASE_MAX = 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static belay_list paths, passphrases; /* "": there was no answer */

/* One line without echo; NULL when nothing comes. */
static char *ask(const char *path)
{
    BELAY_AUTO(belay_close_fd) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before, silent;
    if (fd < 0 || tcgetattr(fd, &before) != 0)
        return NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    char line[PASSPHRASE_MAX];
    dprintf(fd, "Passphrase of %s: ", path);
    tcsetattr(fd, TCSAFLUSH, &silent);
    ssize_t got = read(fd, line, sizeof line - 1);
    tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    char *text = *line == '\0' ? NULL : belay_strdup(line);
    explicit_bzero(line, sizeof line);
    return text;
}

static size_t find(const char *path)
{
    size_t i = 0;
    while (i < paths.count && !belay_equal(paths.items[i], path))
        i++;
    return i;
}

const char *belay_passphrase_of(const char *path)
{
    pthread_mutex_lock(&mutex);
    size_t i = find(path);
    if (i == paths.count) {
        char *typed = ask(path);
        belay_list_add(&paths, path);
        belay_list_add_owned(&passphrases, typed == NULL ? belay_strdup("") : typed);
    }
    const char *text = passphrases.items[i];
    pthread_mutex_unlock(&mutex);
    return *text == '\0' ? NULL : text;
}

void belay_passphrase_forget(const char *path)
{
    pthread_mutex_lock(&mutex);
    size_t i = find(path);
    if (i < paths.count)
        *paths.items[i] = '\0'; /* matches no path: asked again */
    pthread_mutex_unlock(&mutex);
}
