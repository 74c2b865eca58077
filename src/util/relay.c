#include "util/relay.h"

#include <pthread.h>

#include "util/queue.h"
#include "util/str.h"

enum { UNTOLD_MAX = 4096 };

typedef struct relay_line {
    size_t number;
    bool is_stderr;
    char text[];
} relay_line;

struct belay_relay {
    pthread_t owner;
    belay_relay_function *tell;
    void *context;
    belay_queue *lines;
};

belay_relay *belay_relay_new(belay_relay_function *tell, void *context)
{
    belay_relay *relay = belay_alloc(sizeof *relay);
    *relay = (belay_relay){
        .owner = pthread_self(), .tell = tell, .context = context, .lines = belay_queue_new(UNTOLD_MAX)};
    return relay;
}

void belay_relay_free(belay_relay *relay)
{
    relay_line *line;
    if (relay == NULL)
        return;
    while ((line = belay_queue_drain(relay->lines)) != NULL)
        free(line);
    belay_queue_free(relay->lines);
    free(relay);
}

void belay_relay_line(belay_relay *relay, size_t number, bool is_stderr, const char *line)
{
    if (pthread_equal(pthread_self(), relay->owner) != 0) {
        belay_relay_flush(relay);
        relay->tell(relay->context, number, is_stderr, line);
        return;
    }
    size_t size = strlen(line) + 1;
    relay_line *one = belay_alloc(sizeof *one + size);
    one->number = number;
    one->is_stderr = is_stderr;
    memcpy(one->text, line, size);
    if (!belay_queue_put(relay->lines, one))
        free(one);
}

void belay_relay_flush(belay_relay *relay)
{
    relay_line *line;
    while ((line = belay_queue_drain(relay->lines)) != NULL) {
        relay->tell(relay->context, line->number, line->is_stderr, line->text);
        free(line);
    }
}
