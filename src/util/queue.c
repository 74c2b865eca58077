#include "util/queue.h"

#include "util/condition.h"
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
    pthread_mutex_init(&queue->mutex, NULL);
    belay_condition_init(&queue->changed_room);
    belay_condition_init(&queue->changed_items);
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

bool belay_queue_put(belay_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == queue->capacity && !queue->closed && !queue->cancelled && !belay_stop_requested())
        belay_condition_wait(&queue->changed_room, &queue->mutex, LOOK_UP_MS);
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
        belay_condition_wait(&queue->changed_items, &queue->mutex, LOOK_UP_MS);
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
    if (item != NULL)
        pthread_cond_signal(&queue->changed_room);
    pthread_mutex_unlock(&queue->mutex);
    return item;
}
