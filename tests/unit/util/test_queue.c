/* A bounded queue between threads. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/queue.h"
#include "util/stop.h"

enum { MAKERS = 3, USERS = 2, EACH = 5000, CAPACITY = 4 };

typedef struct exchange {
    belay_queue *queue;
    atomic_int next;
    atomic_int taken[MAKERS * EACH];
    atomic_int waiting, gave_up;
    int numbers[MAKERS * EACH];
} exchange;

static void *make(void *context)
{
    exchange *x = context;
    for (int i = 0; i < EACH; i++) {
        int number = atomic_fetch_add(&x->next, 1);
        x->numbers[number] = number;
        if (!belay_queue_put(x->queue, &x->numbers[number]))
            return NULL;
    }
    return x;
}

static void *use(void *context)
{
    exchange *x = context;
    void *item = NULL;
    while (belay_queue_take(x->queue, &item))
        atomic_fetch_add(&x->taken[*(int *)item], 1);
    return NULL;
}

static void every_item_arrives_once(void **state)
{
    (void)state;
    static exchange x;
    pthread_t makers[MAKERS], users[USERS];
    x.queue = belay_queue_new(CAPACITY);
    for (int i = 0; i < USERS; i++)
        pthread_create(&users[i], NULL, use, &x);
    for (int i = 0; i < MAKERS; i++)
        pthread_create(&makers[i], NULL, make, &x);
    for (int i = 0; i < MAKERS; i++) {
        void *made = NULL;
        pthread_join(makers[i], &made);
        assert_non_null(made);
    }
    belay_queue_close(x.queue);
    for (int i = 0; i < USERS; i++)
        pthread_join(users[i], NULL);
    for (int i = 0; i < MAKERS * EACH; i++)
        assert_int_equal(atomic_load(&x.taken[i]), 1);
    belay_queue_free(x.queue);
}

static void order_is_kept_and_a_close_ends_it(void **state)
{
    (void)state;
    int numbers[CAPACITY] = {0};
    void *item = NULL;
    belay_queue *queue = belay_queue_new(CAPACITY);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CAPACITY - 1; i++)
            assert_true(belay_queue_put(queue, &numbers[i]));
        for (int i = 0; i < CAPACITY - 1; i++) {
            assert_true(belay_queue_take(queue, &item));
            assert_ptr_equal(item, &numbers[i]);
        }
    }
    assert_true(belay_queue_put(queue, &numbers[0]));
    belay_queue_close(queue);
    assert_false(belay_queue_put(queue, &numbers[1]));
    assert_true(belay_queue_take(queue, &item));
    assert_false(belay_queue_take(queue, &item));
    assert_null(belay_queue_drain(queue));
    belay_queue_free(queue);
}

/* Fills the queue, then waits for room that never comes. */
static void *put_one_too_many(void *context)
{
    exchange *x = context;
    for (int i = 0; i < CAPACITY; i++)
        belay_queue_put(x->queue, &x->numbers[i]);
    atomic_store(&x->waiting, 1);
    if (!belay_queue_put(x->queue, &x->numbers[CAPACITY]))
        atomic_store(&x->gave_up, 1);
    return NULL;
}

static void *take_nothing(void *context)
{
    exchange *x = context;
    void *item = NULL;
    if (!belay_queue_take(x->queue, &item))
        atomic_store(&x->gave_up, 1);
    return NULL;
}

static void a_cancel_wakes_who_waits_and_leaves_the_items(void **state)
{
    (void)state;
    static exchange x;
    pthread_t maker;
    void *item = NULL;
    x.queue = belay_queue_new(CAPACITY);
    pthread_create(&maker, NULL, put_one_too_many, &x);
    while (atomic_load(&x.waiting) == 0)
        usleep(100);
    belay_queue_cancel(x.queue);
    pthread_join(maker, NULL);
    assert_int_equal(atomic_load(&x.gave_up), 1);
    assert_false(belay_queue_take(x.queue, &item));
    for (int i = 0; i < CAPACITY; i++)
        assert_ptr_equal(belay_queue_drain(x.queue), &x.numbers[i]);
    assert_null(belay_queue_drain(x.queue));
    belay_queue_free(x.queue);

    static exchange y;
    y.queue = belay_queue_new(1);
    pthread_create(&maker, NULL, take_nothing, &y);
    belay_queue_cancel(y.queue);
    pthread_join(maker, NULL);
    assert_int_equal(atomic_load(&y.gave_up), 1);
    belay_queue_free(y.queue);
}

/* The last test: a stop request stays. */
static void a_stop_request_ends_the_waits(void **state)
{
    (void)state;
    static exchange x;
    pthread_t user;
    void *item = NULL;
    assert_true(belay_stop_install(NULL));
    x.queue = belay_queue_new(CAPACITY);
    pthread_create(&user, NULL, take_nothing, &x);
    raise(SIGINT);
    pthread_join(user, NULL);
    assert_int_equal(atomic_load(&x.gave_up), 1);
    assert_true(belay_queue_put(x.queue, &x.numbers[0])); /* what needs no wait works */
    assert_true(belay_queue_take(x.queue, &item));
    belay_queue_free(x.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_arrives_once),
        cmocka_unit_test(order_is_kept_and_a_close_ends_it),
        cmocka_unit_test(a_cancel_wakes_who_waits_and_leaves_the_items),
        cmocka_unit_test(a_stop_request_ends_the_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
