/* A TCP link of chosen badness on loopback, for the tests of what is remote.
 *
 *     link PORT_FILE HOST PORT [--listen ADDRESS[:PORT]] [--delay-ms N] [--rate BYTES_PER_S]
 *         [--cut-after [up:|down:]BYTES] [--control FIFO]
 *
 * Forwards connections to HOST:PORT; writes the port that it listens on (127.0.0.1, a free one, unless told)
 * into PORT_FILE. Up is from the client to HOST, down is back.
 *
 *   delay       each byte is passed on no sooner than N ms after it came; what is under way is kept in a
 * queue of at most 64 MB per direction and connection, so the delay alone does not limit the throughput rate
 * of each direction, all connections together cut-after   when as many bytes have been passed on (all
 * connections, up or down, or both added up) they have also reached the other side, and then every connection
 * is reset; once, until asked again
 *
 * Commands are lines written into the FIFO (made when it is missing); each is answered by a line on stdout:
 *
 *   cut         resets every connection, and forgets a cut-after that is still to come
 *   stall       passes nothing on, in connections old and new, which stay open
 *   refuse      closes new connections as soon as they are accepted
 *   resume      ends stall and refuse
 *   delay N, rate BYTES_PER_S (0: none), cut-after [up:|down:]BYTES
 *   count       says how much was passed on
 *   quit
 *
 * Establishing a connection takes no delay; its first byte does. One thread; ends at SIGTERM or quit.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/str.h"

enum { CONNECTIONS_MAX = 512, READ_BYTES = 256 * 1024, TURN_US = 5000 };
static const size_t queue_max_bytes = (size_t)64 << 20;

typedef enum way { UP, DOWN, WAYS } way;

typedef struct chunk {
    struct chunk *next;
    int64_t due_us;
    size_t length, sent; /* length 0: the sender's end */
    char data[];
} chunk;

typedef struct flow {
    chunk *first, *last;
    size_t queued_bytes; /* with the chunks' heads */
    bool ended;          /* the sender's end is queued or passed on */
} flow;

typedef struct connection {
    int fd[WAYS];    /* fd[way] is the one that the way's bytes are read from: the client's, the host's */
    bool connecting; /* to the host */
    flow flows[WAYS];
} connection;

typedef struct proxy {
    int listener, control;
    struct sockaddr_storage host;
    socklen_t host_size;
    int64_t delay_us;
    double rate;         /* bytes per second; 0: none */
    double budget[WAYS]; /* bytes that may be passed on now */
    int64_t budget_us;   /* when it was filled up last */
    uint64_t passed[WAYS];
    int64_t left[WAYS + 1]; /* before the cut: up, down, both; -1: no cut is set */
    bool stalled, refusing, quitting;
    int64_t cutting_us; /* what is passed on is to arrive, until this time, before the cut; 0: none */
    connection *connections[CONNECTIONS_MAX];
    size_t count;
    char line[256]; /* of the FIFO, unfinished */
    size_t line_length;
    char buffer[READ_BYTES];
} proxy;

static volatile sig_atomic_t terminated;

static void on_signal(int number)
{
    (void)number;
    terminated = 1;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("link: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

/* ---- connections */

static void drop(proxy *p, size_t index, bool reset)
{
    connection *c = p->connections[index];
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    for (way w = UP; w < WAYS; w++) {
        if (reset)
            setsockopt(c->fd[w], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(c->fd[w]);
        for (chunk *next, *one = c->flows[w].first; one != NULL; one = next) {
            next = one->next;
            free(one);
        }
    }
    free(c);
    p->connections[index] = p->connections[--p->count];
}

static size_t cut(proxy *p)
{
    size_t count = p->count;
    while (p->count > 0)
        drop(p, p->count - 1, true);
    p->cutting_us = 0;
    return count;
}

static void accept_one(proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    int host = -1;
    if (!p->refusing && p->count < CONNECTIONS_MAX)
        host = socket(p->host.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (host < 0) {
        close(client);
        return;
    }
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection *c = belay_alloc(sizeof *c);
    c->fd[UP] = client;
    c->fd[DOWN] = host;
    p->connections[p->count++] = c;
    c->connecting = connect(host, (const struct sockaddr *)&p->host, p->host_size) != 0;
    if (c->connecting && errno != EINPROGRESS)
        drop(p, p->count - 1, true);
}

/* Takes what has come; false: the connection is broken. */
static bool take(proxy *p, connection *c, way w)
{
    flow *f = &c->flows[w];
    ssize_t got = read(c->fd[w], p->buffer, sizeof p->buffer);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    chunk *one = belay_alloc(sizeof *one + (size_t)got);
    one->due_us = now_us() + p->delay_us;
    one->length = (size_t)got;
    memcpy(one->data, p->buffer, one->length);
    if (f->last == NULL)
        f->first = one;
    else
        f->last->next = one;
    f->last = one;
    f->queued_bytes += sizeof *one + one->length;
    f->ended = got == 0;
    return true;
}

/* How much of `wanted` may be passed on now. */
static size_t allowance(const proxy *p, way w, size_t wanted)
{
    if (p->rate > 0 && (double)wanted > p->budget[w])
        wanted = p->budget[w] < 1 ? 0 : (size_t)p->budget[w];
    for (int i = 0; i <= WAYS; i++) {
        bool counts = i == (int)w || i == WAYS;
        if (counts && p->left[i] >= 0 && wanted > (size_t)p->left[i])
            wanted = (size_t)p->left[i];
    }
    return wanted;
}

static void account(proxy *p, way w, size_t bytes)
{
    p->passed[w] += bytes;
    p->budget[w] -= (double)bytes;
    for (int i = 0; i <= WAYS; i++) {
        if ((i != (int)w && i != WAYS) || p->left[i] < 0)
            continue;
        p->left[i] -= (int64_t)bytes;
        if (p->left[i] == 0)
            p->cutting_us = now_us() + 10000000;
    }
}

/* Passes on what is due; false: the connection is broken. */
static bool pass(proxy *p, connection *c, way w, int64_t now)
{
    flow *f = &c->flows[w];
    int to = c->fd[w == UP ? DOWN : UP];
    while (f->first != NULL && f->first->due_us <= now && p->cutting_us == 0) {
        chunk *one = f->first;
        if (one->length == 0) {
            shutdown(to, SHUT_WR);
        } else {
            size_t size = allowance(p, w, one->length - one->sent);
            if (size == 0)
                return true;
            ssize_t sent = send(to, one->data + one->sent, size, MSG_NOSIGNAL);
            if (sent < 0)
                return errno == EAGAIN || errno == EINTR;
            one->sent += (size_t)sent;
            account(p, w, (size_t)sent);
            if (one->sent < one->length)
                continue;
        }
        f->first = one->next;
        if (f->first == NULL)
            f->last = NULL;
        f->queued_bytes -= sizeof *one + one->length;
        free(one);
    }
    return true;
}

static bool is_finished(const connection *c)
{
    return c->flows[UP].ended && c->flows[DOWN].ended && c->flows[UP].first == NULL &&
           c->flows[DOWN].first == NULL;
}

/* ---- commands */

static int64_t number_of(const char *text, int64_t maximum)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno != 0 || end == text || *end != '\0' || value < 0 || value > maximum ? -1 : value;
}

static bool set_delay(proxy *p, const char *text)
{
    int64_t ms = number_of(text, 3600000);
    p->delay_us = ms < 0 ? p->delay_us : ms * 1000;
    return ms >= 0;
}

static bool set_rate(proxy *p, const char *text)
{
    int64_t rate = number_of(text, INT64_MAX >> 1);
    p->rate = rate < 0 ? p->rate : (double)rate;
    return rate >= 0;
}

static bool set_cut(proxy *p, const char *text)
{
    static const char *const names[] = {"up:", "down:"};
    int which = WAYS;
    for (int i = 0; i < WAYS; i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0) {
            which = i;
            text += strlen(names[i]);
        }
    }
    int64_t bytes = number_of(text, INT64_MAX);
    if (bytes <= 0)
        return false;
    for (int i = 0; i <= WAYS; i++)
        p->left[i] = i == which ? bytes : -1;
    return true;
}

static void obey(proxy *p, const char *line)
{
    static const struct {
        const char *name;
        bool (*set)(proxy *, const char *);
    } settings[] = {{"delay ", set_delay}, {"rate ", set_rate}, {"cut-after ", set_cut}};
    bool known = true;
    if (strcmp(line, "cut") == 0) {
        printf("cut: %zu connections\n", cut(p));
        for (int i = 0; i <= WAYS; i++)
            p->left[i] = -1;
        known = false;
    } else if (strcmp(line, "stall") == 0) {
        p->stalled = true;
    } else if (strcmp(line, "refuse") == 0) {
        p->refusing = true;
    } else if (strcmp(line, "resume") == 0) {
        p->stalled = p->refusing = false;
    } else if (strcmp(line, "quit") == 0) {
        p->quitting = true;
    } else if (strcmp(line, "count") == 0) {
        printf("count: %" PRIu64 " up, %" PRIu64 " down, %zu connections\n", p->passed[UP], p->passed[DOWN],
            p->count);
        return;
    } else {
        known = false;
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            size_t length = strlen(settings[i].name);
            if (strncmp(line, settings[i].name, length) == 0)
                known = settings[i].set(p, line + length);
        }
        if (!known)
            printf("unknown: %s\n", line);
    }
    if (known)
        printf("done: %s\n", line);
}

static void read_commands(proxy *p)
{
    ssize_t got = read(p->control, p->line + p->line_length, sizeof p->line - 1 - p->line_length);
    if (got <= 0)
        return;
    p->line_length += (size_t)got;
    p->line[p->line_length] = '\0';
    char *rest = p->line;
    for (char *end; (end = strchr(rest, '\n')) != NULL; rest = end + 1) {
        *end = '\0';
        obey(p, rest);
    }
    fflush(stdout);
    p->line_length = strlen(rest);
    memmove(p->line, rest, p->line_length);
    if (p->line_length == sizeof p->line - 1)
        p->line_length = 0;
}

/* ---- the loop */

static void fill_budgets(proxy *p, int64_t now)
{
    double seconds = (double)(now - p->budget_us) / 1e6;
    double most = p->rate * 2 * TURN_US / 1e6; /* what was not used does not pile up */
    for (way w = UP; w < WAYS; w++) {
        p->budget[w] = p->rate > 0 ? p->budget[w] + p->rate * seconds : 0;
        if (p->budget[w] > most + 1)
            p->budget[w] = most + 1;
    }
    p->budget_us = now;
}

/* Resets everything when what was passed on has been acknowledged by the other sides' kernels. */
static void cut_when_arrived(proxy *p, int64_t now)
{
    int waiting = 0;
    for (size_t i = 0; i < p->count && now < p->cutting_us; i++) {
        for (way w = UP; w < WAYS; w++) {
            int bytes = 0;
            if (ioctl(p->connections[i]->fd[w], SIOCOUTQ, &bytes) == 0 && bytes > 0)
                waiting++;
        }
    }
    if (waiting > 0)
        return;
    for (int i = 0; i <= WAYS; i++)
        p->left[i] = -1;
    printf("cut: %zu connections after %" PRIu64 " up, %" PRIu64 " down\n", p->count, p->passed[UP],
        p->passed[DOWN]);
    cut(p);
    fflush(stdout);
}

/* Which events of one end are waited for, and until when at most. */
static short wanted(const proxy *p, const connection *c, way w, int64_t now, int64_t *until_us)
{
    const flow *from = &c->flows[w], *to = &c->flows[w == UP ? DOWN : UP];
    short events = 0;
    if (p->stalled || p->cutting_us != 0)
        return 0;
    if (c->connecting)
        return w == DOWN ? POLLOUT : 0;
    if (!from->ended && from->queued_bytes < queue_max_bytes)
        events |= POLLIN;
    if (to->first == NULL)
        return events;
    if (to->first->due_us > now) {
        if (to->first->due_us < *until_us)
            *until_us = to->first->due_us;
    } else if (to->first->length > 0 && allowance(p, w == UP ? DOWN : UP, 1) == 0) {
        if (now + TURN_US < *until_us)
            *until_us = now + TURN_US;
    } else {
        events |= POLLOUT;
    }
    return events;
}

static bool serve(proxy *p, connection *c, const struct pollfd *ends, int64_t now)
{
    if (c->connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        if (ends[DOWN].revents == 0)
            return true;
        if (getsockopt(c->fd[DOWN], SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
            return false;
        c->connecting = false;
        return true;
    }
    for (way w = UP; w < WAYS; w++) {
        if ((ends[w].events & POLLIN) != 0 && ends[w].revents != 0 && !take(p, c, w))
            return false;
    }
    for (way w = UP; w < WAYS; w++) {
        if (!pass(p, c, w, now))
            return false;
    }
    return !is_finished(c);
}

static void turn(proxy *p, struct pollfd *ends)
{
    int64_t now = now_us(), until_us = now + 60000000;
    fill_budgets(p, now);
    ends[0] = (struct pollfd){.fd = p->stalled ? -1 : p->listener, .events = POLLIN};
    ends[1] = (struct pollfd){.fd = p->control, .events = POLLIN};
    size_t count = p->count;
    for (size_t i = 0; i < count; i++) {
        for (way w = UP; w < WAYS; w++) {
            short events = wanted(p, p->connections[i], w, now, &until_us);
            /* A broken end without events would wake poll all the time. */
            ends[2 + 2 * i + w] =
                (struct pollfd){.fd = events != 0 ? p->connections[i]->fd[w] : -1, .events = events};
        }
    }
    if (p->cutting_us != 0)
        until_us = now + 1000;
    const int64_t wait_us = until_us - now;
    const struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    if (ppoll(ends, 2 + 2 * count, &wait, NULL) < 0 && errno != EINTR)
        die("poll: %s", strerror(errno));
    now = now_us();
    fill_budgets(p, now);
    if (!p->stalled && p->cutting_us == 0) {
        for (size_t i = count; i-- > 0;) {
            connection *c = p->connections[i];
            if (!serve(p, c, ends + 2 + 2 * i, now))
                drop(p, i, !is_finished(c));
        }
    }
    if (p->cutting_us != 0)
        cut_when_arrived(p, now);
    if ((ends[0].revents & POLLIN) != 0)
        accept_one(p);
    if ((ends[1].revents & POLLIN) != 0)
        read_commands(p);
}

/* ---- start */

/* The address of "HOST:PORT"; one that listens may lack the port. */
static socklen_t address_of(const char *host, const char *port, struct sockaddr_storage *ret)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(host, port, &hints, &found);
    if (status != 0)
        die("%s port %s: %s", host, port, gai_strerror(status));
    socklen_t size = found->ai_addrlen;
    memcpy(ret, found->ai_addr, size);
    freeaddrinfo(found);
    return size;
}

static void listen_on(proxy *p, const char *where, const char *port_file)
{
    struct sockaddr_storage address;
    const char *colon = strrchr(where, ':');
    BELAY_AUTO(belay_free)
    char *host = belay_strndup(where, colon != NULL ? (size_t)(colon - where) : strlen(where));
    socklen_t size = address_of(host, colon != NULL ? colon + 1 : "0", &address);
    const int on = 1;
    p->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(p->listener, (const struct sockaddr *)&address, size) != 0 || listen(p->listener, 128) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&address, &size) != 0)
        die("cannot listen on %s: %s", where, strerror(errno));
    unsigned port = address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                                  : ntohs(((struct sockaddr_in *)&address)->sin_port);
    BELAY_AUTO(belay_free) char *text = belay_format("%u\n", port);
    belay_error error = {0};
    if (!belay_write_file_durably(port_file, text, strlen(text), 0644, &error))
        die("%s", error.message);
}

static int open_control(const char *path)
{
    if (mkfifo(path, 0600) != 0 && errno != EEXIST)
        die("cannot make %s: %s", path, strerror(errno));
    /* Open for writing, too, so that there is no end of it. */
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        die("cannot open %s: %s", path, strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    static proxy p = {.control = -1, .left = {-1, -1, -1}};
    static struct pollfd ends[2 + 2 * CONNECTIONS_MAX];
    const char *where = "127.0.0.1";
    if (argc < 4 || argc % 2 != 0)
        die("usage: link PORT_FILE HOST PORT [--OPTION VALUE]...");
    for (int i = 4; i < argc; i += 2) {
        const char *value = argv[i + 1];
        bool known = true;
        if (strcmp(argv[i], "--listen") == 0)
            where = value;
        else if (strcmp(argv[i], "--control") == 0)
            p.control = open_control(value);
        else if (strcmp(argv[i], "--delay-ms") == 0)
            known = set_delay(&p, value);
        else if (strcmp(argv[i], "--rate") == 0)
            known = set_rate(&p, value);
        else if (strcmp(argv[i], "--cut-after") == 0)
            known = set_cut(&p, value);
        else
            known = false;
        if (!known)
            die("what is %s %s?", argv[i], value);
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    p.host_size = address_of(argv[2], argv[3], &p.host);
    p.budget_us = now_us();
    listen_on(&p, where, argv[1]);
    while (!terminated && !p.quitting)
        turn(&p, ends);
    cut(&p);
    return 0;
}
