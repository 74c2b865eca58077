#include "util/queue.h"

#include <pthread.h>
#include <time.h>

#include "util/stop.h"

enum { LOOK_UP_MS = 100 }; /* how often a wait looks for a stop request */

struct belay_queue {
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed_room, changed_items;
    bool closed, cancelled;
    size_t first, count, capacity;
    void *items[]; /* a ring */
};

belay_queue *belay_queue_new(size_t capacity)
{
    belay_queue *queue = belay_alloc(sizeof *queue + capacity * sizeof *queue->items);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->changed_room, &monotonic);
    pthread_cond_init(&queue->changed_items, &monotonic);
    pthread_condattr_destroy(&monotonic);
    queue->capacity = capacity;
    return queue;
}

void belay_queue_free(belay_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->changed_items);
    pthread_cond_destroy(&queue->changed_room);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

static void wait_a_while(belay_queue *queue, pthread_cond_t *changed)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_UP_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(changed, &queue->mutex, &until);
}

bool belay_queue_put(belay_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == queue->capacity && !queue->closed && !queue->cancelled && !belay_stop_requested())
        wait_a_while(queue, &queue->changed_room);
    bool ok = queue->count < queue->capacity && !queue->closed && !queue->cancelled;
    if (ok) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        pthread_cond_signal(&queue->changed_items);
    }
    pthread_mutex_unlock(&queue->mutex);
    return ok;
}

static void *pop(belay_queue *queue)
{
    void *item = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    return item;
}

bool belay_queue_take(belay_queue *queue, void **ret_item)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->closed && !queue->cancelled && !belay_stop_requested())
        wait_a_while(queue, &queue->changed_items);
    bool ok = queue->count > 0 && !queue->cancelled;
    if (ok) {
        *ret_item = pop(queue);
        pthread_cond_signal(&queue->changed_room);
    }
    pthread_mutex_unlock(&queue->mutex);
    return ok;
}

static void end(belay_queue *queue, bool *flag)
{
    pthread_mutex_lock(&queue->mutex);
    *flag = true;
    pthread_cond_broadcast(&queue->changed_room);
    pthread_cond_broadcast(&queue->changed_items);
    pthread_mutex_unlock(&queue->mutex);
}

void belay_queue_close(belay_queue *queue)
{
    end(queue, &queue->closed);
}

void belay_queue_cancel(belay_queue *queue)
{
    end(queue, &queue->cancelled);
}

void *belay_queue_drain(belay_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    void *item = queue->count > 0 ? pop(queue) : NULL;
    pthread_mutex_unlock(&queue->mutex);
    return item;
}
