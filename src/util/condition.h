/* Condition variables with a monotonic clock, so that a wait's deadline does not move with the time of day.
 */
#ifndef BELAY_UTIL_CONDITION_H
#define BELAY_UTIL_CONDITION_H

#include <pthread.h>
#include <time.h>

static inline void belay_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* With the mutex locked. Returns after a signal, after less than a second's `duration_ms`, or for no reason.
 */
static inline void belay_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int duration_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += duration_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(condition, mutex, &until);
}

#endif
