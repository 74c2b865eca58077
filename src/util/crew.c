#include "util/crew.h"

#include <sched.h>

#include "util/condition.h"
#include "util/mem.h"
#include "util/stop.h"

enum { TICK_MS = 100 };

typedef struct crew {
    const belay_crew_task *task;
    size_t count;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    size_t next;
    size_t failed; /* the lowest number that did; count: none */
    belay_error err;
    size_t at_work; /* threads */
} crew;

size_t belay_crew_size(int jobs)
{
    cpu_set_t cores;
    if (jobs > 0)
        return (size_t)jobs;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
}

static bool take_number(crew *c, size_t *ret)
{
    pthread_mutex_lock(&c->mutex);
    bool more = c->next < c->count && c->next < c->failed;
    if (more)
        *ret = c->next++;
    pthread_mutex_unlock(&c->mutex);
    return more;
}

static void note_failure(crew *c, size_t number, const belay_error *err)
{
    pthread_mutex_lock(&c->mutex);
    if (number < c->failed) {
        c->failed = number;
        c->err = *err;
    }
    pthread_mutex_unlock(&c->mutex);
}

static void work(crew *c, bool tick)
{
    const belay_crew_task *task = c->task;
    void *own = task->begin == NULL ? NULL : task->begin(task->context);
    size_t number = 0;
    while (take_number(c, &number)) {
        belay_error err = {0};
        if (!belay_stop_check(&err) || !task->work(task->context, own, number, &err))
            note_failure(c, number, &err);
        if (tick && task->tick != NULL)
            task->tick(task->context);
    }
    if (task->end != NULL)
        task->end(task->context, own);
}

void belay_be_patient(void)
{
    const struct sched_param unused = {0};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &unused);
}

static void *run_thread(void *context)
{
    crew *c = context;
    belay_be_patient();
    work(c, false);
    pthread_mutex_lock(&c->mutex);
    c->at_work--;
    pthread_cond_signal(&c->ended);
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void init(crew *c)
{
    pthread_mutex_init(&c->mutex, NULL);
    belay_condition_init(&c->ended);
}

static void wait_for_all(crew *c)
{
    pthread_mutex_lock(&c->mutex);
    while (c->at_work > 0) {
        belay_condition_wait(&c->ended, &c->mutex, TICK_MS);
        pthread_mutex_unlock(&c->mutex);
        if (c->task->tick != NULL)
            c->task->tick(c->task->context);
        pthread_mutex_lock(&c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
}

static size_t start(crew *c, pthread_t *threads, size_t wanted)
{
    size_t started = 0;
    c->at_work = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, run_thread, c) == 0)
        started++;
    pthread_mutex_lock(&c->mutex);
    c->at_work -= wanted - started;
    pthread_mutex_unlock(&c->mutex);
    return started;
}

bool belay_crew_run(const belay_crew_task *task, size_t count, size_t threads, belay_error *err)
{
    crew c = {.task = task, .count = count, .failed = count};
    size_t wanted = threads < count ? threads : count;
    BELAY_AUTO(belay_free) pthread_t *started = belay_realloc_array(NULL, wanted + 1, sizeof *started);
    init(&c);
    bool alone = wanted <= 1 && task->tick == NULL;
    size_t helpers = alone ? 0 : start(&c, started, wanted);
    if (helpers == 0)
        work(&c, true);
    wait_for_all(&c);
    for (size_t i = 0; i < helpers; i++)
        pthread_join(started[i], NULL);
    if (task->tick != NULL)
        task->tick(task->context);
    pthread_cond_destroy(&c.ended);
    pthread_mutex_destroy(&c.mutex);
    if (c.failed < count && err != NULL)
        *err = c.err;
    return c.failed == count;
}
