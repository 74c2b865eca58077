/* A bounded queue between threads, in the order of arrival; any number of threads at both ends.
 *
 *     belay_queue *queue = belay_queue_new(capacity);
 *     maker:  if (!belay_queue_put(queue, item)) ... the item is still the maker's
 *     user:   while (belay_queue_take(queue, &item)) ...
 *     end:    belay_queue_close(queue) once all is put: users get what is left, then false
 *     fault:  belay_queue_cancel(queue) from any thread: every call returns false at once
 *
 * put waits while the queue is full, so that a slow user slows the makers: that bounds memory. Both waits
 * also end, with false, within a tenth of a second of a stop request (util/stop.h). The queue owns no item:
 * after a cancel its owner drains what is left with belay_queue_drain, when no other thread uses it any more.
 */
#ifndef BELAY_UTIL_QUEUE_H
#define BELAY_UTIL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/mem.h"

typedef struct belay_queue belay_queue;

belay_queue *belay_queue_new(size_t capacity); /* in items, at least 1 */
void belay_queue_free(belay_queue *queue);
BELAY_DEFINE_AUTO(belay_queue, belay_queue_free)

/* Blocks while it is full. False when it was closed or cancelled, or a stop is requested. */
bool belay_queue_put(belay_queue *queue, void *item);
/* Blocks while it is empty. False when it was closed and is empty, when it was cancelled, or a stop is
 * requested.
 */
bool belay_queue_take(belay_queue *queue, void **ret_item);

void belay_queue_close(belay_queue *queue);
void belay_queue_cancel(belay_queue *queue);
/* Any item that is there, without waiting and whatever the state; NULL when there is none. */
void *belay_queue_drain(belay_queue *queue);

#endif
