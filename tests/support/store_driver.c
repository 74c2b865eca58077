/* Drives a store from shell scripts, by its URL:
 *
 *     store_driver [--retry-ms N] URL put FILE NAME      create, write, sync
 *                                     append NAME TEXT...   each text is written and synced; @N: N seconds
 *                                                           pass; !LINE: the shell does that meanwhile
 *                                     get NAME FILE [READERS]    in pieces of 1 MiB, by so many at once
 *                                     list PREFIX, folders NAME, held NAME, remove NAME, rename FROM TO,
 *                                     replace NAME TEXT, space, caveat
 *
 * Logs in as the user's ssh does. put and get print their seconds and bytes per second. An error is printed
 * as "code: message (hint)", status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "store/store.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/stop.h"

enum { PIECE = 1024 * 1024, READERS_MAX = 16 };

static int64_t started_ms;

static void print_pace(uint64_t bytes)
{
    double seconds = (double)(belay_now_ms() - started_ms) / 1000;
    printf("%.3f %.0f\n", seconds, (double)bytes / (seconds > 0 ? seconds : 0.001));
}

static bool put(belay_store *store, char **words, belay_error *err)
{
    BELAY_AUTO(belay_close_fd) int fd = open(words[0], O_RDONLY | O_CLOEXEC);
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    BELAY_AUTO(belay_free) char *piece = belay_alloc(PIECE);
    uint64_t bytes = 0;
    ssize_t got;
    if (fd < 0)
        return belay_fail_errno(err, errno, "%s", words[0]);
    if (!store->create(store, words[1], &sink, err))
        return false;
    while ((got = belay_read_full(fd, piece, PIECE, words[0], err)) > 0) {
        if (!sink->write(sink, piece, (size_t)got, err))
            return false;
        bytes += (uint64_t)got;
    }
    if (got < 0 || !sink->sync(sink, err))
        return false;
    print_pace(bytes);
    return true;
}

static bool append(belay_store *store, char **words, belay_error *err)
{
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    bool ok = store->append(store, words[0], &sink, err);
    for (char **text = words + 1; ok && *text != NULL; text++) {
        long long seconds = 0;
        if ((*text)[0] == '@' && belay_parse_int64(*text + 1, &seconds)) {
            belay_sleep_ms(seconds * 1000);
            continue;
        }
        if ((*text)[0] == '!') {
            ok = system(*text + 1) == 0 || belay_fail(err, BELAY_E_INTERNAL, "%s", *text);
            continue;
        }
        BELAY_AUTO(belay_free) char *line = belay_format("%s\n", *text);
        ok = sink->write(sink, line, strlen(line), err) && sink->sync(sink, err);
        if (ok)
            printf("synced %s\n", *text);
        fflush(stdout);
    }
    return ok;
}

typedef struct reader {
    pthread_t thread;
    belay_source *source;
    int fd;
    uint64_t from, to;
    bool ok;
    belay_error err;
} reader;

static void *read_part(void *context)
{
    reader *r = context;
    BELAY_AUTO(belay_free) char *piece = belay_alloc(PIECE);
    r->ok = true;
    for (uint64_t at = r->from; r->ok && at < r->to; at += PIECE) {
        size_t size = r->to - at < PIECE ? (size_t)(r->to - at) : PIECE;
        r->ok = r->source->read(r->source, at, piece, size, &r->err) &&
                pwrite(r->fd, piece, size, (off_t)at) == (ssize_t)size;
    }
    return NULL;
}

static bool get(belay_store *store, char **words, belay_error *err)
{
    long long count = 1;
    reader readers[READERS_MAX] = {0};
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    if (words[2] != NULL && (!belay_parse_int64(words[2], &count) || count < 1 || count > READERS_MAX))
        return belay_fail(err, BELAY_E_USAGE, "readers");
    BELAY_AUTO(belay_close_fd) int fd = open(words[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return belay_fail_errno(err, errno, "%s", words[1]);
    if (!store->open(store, words[0], &source, err))
        return false;
    uint64_t part = source->size_bytes / (uint64_t)count + 1;
    bool ok = true;
    for (int i = 0; i < count; i++) {
        uint64_t from = part * (uint64_t)i, to = from + part;
        readers[i] = (reader){.source = source,
            .fd = fd,
            .from = from,
            .to = to < source->size_bytes ? to : source->size_bytes};
        pthread_create(&readers[i].thread, NULL, read_part, &readers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        if (!readers[i].ok && ok)
            *err = readers[i].err;
        ok = ok && readers[i].ok;
    }
    if (ok)
        print_pace(source->size_bytes);
    return ok;
}

static bool list(belay_store *store, char **words, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    if (!store->list(store, words[0], &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++)
        printf("%s %" PRIu64 " %" PRId64 "\n", listing.items[i].name, listing.items[i].size_bytes,
            listing.items[i].modified_utc);
    return true;
}

static bool folders(belay_store *store, char **words, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    if (!store->folders(store, words[0], &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        puts(names.items[i]);
    return true;
}

static bool held(belay_store *store, char **words, belay_error *err)
{
    (void)err;
    puts(store->is_held(store, words[0]) ? "held" : "free");
    return true;
}

static bool remove_name(belay_store *store, char **words, belay_error *err)
{
    return store->remove(store, words[0], err);
}

static bool rename_name(belay_store *store, char **words, belay_error *err)
{
    return store->rename(store, words[0], words[1], err);
}

static bool replace(belay_store *store, char **words, belay_error *err)
{
    return belay_store_write_all(store, words[0], words[1], strlen(words[1]), err);
}

static bool space(belay_store *store, char **words, belay_error *err)
{
    (void)words;
    uint64_t bytes;
    if (!store->free_space(store, &bytes, err))
        return false;
    printf("%" PRIu64 "\n", bytes);
    return true;
}

static bool caveat(belay_store *store, char **words, belay_error *err)
{
    (void)words, (void)err;
    puts(store->caveat == NULL ? "none" : store->caveat);
    return true;
}

static const struct {
    const char *name;
    int words;
    bool (*run)(belay_store *store, char **words, belay_error *err);
} commands[] = {{"put", 2, put}, {"append", 1, append}, {"get", 2, get}, {"list", 1, list},
    {"folders", 1, folders}, {"held", 1, held}, {"remove", 1, remove_name}, {"rename", 2, rename_name},
    {"replace", 2, replace}, {"space", 0, space}, {"caveat", 0, caveat}};

int main(int argc, char **argv)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_store_options how = {0};
    long long retry_ms = 0;
    if (argc > 2 && belay_equal(argv[1], "--retry-ms") && belay_parse_int64(argv[2], &retry_ms)) {
        how.retry_ms = retry_ms;
        argc -= 2;
        argv += 2;
    }
    if (argc < 3 || !belay_stop_install(&err))
        return 2;
    bool ok = belay_store_open(argv[1], &how, &store, &err);
    started_ms = belay_now_ms();
    for (size_t i = 0; ok && i < BELAY_COUNT(commands); i++) {
        if (!belay_equal(argv[2], commands[i].name))
            continue;
        ok = argc - 3 >= commands[i].words && commands[i].run(store, argv + 3, &err);
    }
    if (!ok)
        fprintf(stderr, "%s: %s (%s)\n", belay_code_name(err.code), err.message, err.hint);
    return ok ? 0 : 1;
}
