#include "restore/dispatch.h"

void belay_dispatch_init(belay_dispatch *dispatch, belay_tasks *tasks, size_t slots, size_t batch)
{
    *dispatch = (belay_dispatch){.tasks = tasks,
        .jobs = belay_alloc((slots + 1) * sizeof *dispatch->jobs),
        .slots = slots,
        .batch = batch};
    for (size_t i = 0; i < slots; i++)
        dispatch->jobs[i].tasks = belay_realloc_array(NULL, batch, sizeof *dispatch->jobs[i].tasks);
}

void belay_dispatch_done_all(belay_dispatch *dispatch)
{
    for (size_t i = 0; i < dispatch->slots; i++)
        free(dispatch->jobs[i].tasks);
    free(dispatch->jobs);
    *dispatch = (belay_dispatch){0};
}

static bool conflicts_with_job(const belay_task *task, const belay_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        if (belay_task_conflicts(task, job->tasks[i]))
            return true;
    }
    return false;
}

static bool may_begin(const belay_dispatch *d, const belay_task *task, const belay_job *with)
{
    for (size_t i = 0; i < d->slots; i++) {
        if (&d->jobs[i] != with && conflicts_with_job(task, &d->jobs[i]))
            return false;
    }
    return true;
}

/* Tasks that were looked at and cannot begin now. */
typedef struct held {
    size_t *nodes;
    size_t count, capacity;
} held;

static void hold(held *h, size_t node)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity == 0 ? 16 : h->capacity * 2;
        h->nodes = belay_realloc_array(h->nodes, h->capacity, sizeof *h->nodes);
    }
    h->nodes[h->count++] = node;
}

static void put_back_held(belay_dispatch *d, held *h)
{
    for (size_t i = 0; i < h->count; i++)
        belay_schedule_put_back(d->tasks->schedule, h->nodes[i]);
    free(h->nodes);
}

static size_t node_of(const belay_dispatch *d, const belay_task *task)
{
    return (size_t)(task - d->tasks->items);
}

/* The next ready task that is more than a barrier. */
static belay_task *next_task(belay_dispatch *d)
{
    size_t node = 0;
    while (belay_schedule_next(d->tasks->schedule, &node)) {
        belay_task *task = &d->tasks->items[node];
        if (task->kind != BELAY_TASK_BARRIER)
            return task;
        belay_schedule_done(d->tasks->schedule, node);
        d->done++;
    }
    return NULL;
}

/* The best one that may begin; NULL when one that has to run alone waits for its turn. */
static belay_task *first_task(belay_dispatch *d, held *h)
{
    belay_task *task;
    while ((task = next_task(d)) != NULL) {
        if (may_begin(d, task, NULL))
            return task;
        hold(h, node_of(d, task));
        if (task->alone)
            return NULL;
    }
    return NULL;
}

/* Others of its kind that are as small. They come one after the other: what is heavier is behind. */
static void gather(belay_dispatch *d, belay_job *job, held *h)
{
    enum { MOST_HELD = 64 };
    const belay_task *first = job->tasks[0];
    belay_task *task;
    while (job->count < d->batch && h->count < MOST_HELD && (task = next_task(d)) != NULL) {
        if (task->kind == first->kind && task->small && !task->alone && may_begin(d, task, job))
            job->tasks[job->count++] = task;
        else
            hold(h, node_of(d, task));
    }
}

/* Is nothing ready or at work that stands before "loaded"? */
static bool is_last_loading(belay_dispatch *d, const belay_job *job, held *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (belay_task_is_loading(&d->tasks->items[h->nodes[i]]))
            return false;
    }
    for (size_t i = 0; i < d->slots; i++) {
        if (&d->jobs[i] != job && d->jobs[i].count > 0 && belay_task_is_loading(d->jobs[i].tasks[0]))
            return false;
    }
    belay_task *task = next_task(d);
    if (task != NULL)
        hold(h, node_of(d, task));
    return task == NULL || !belay_task_is_loading(task);
}

belay_job *belay_dispatch_next(belay_dispatch *d)
{
    belay_job *job = NULL;
    held h = {0};
    for (size_t i = 0; i < d->slots && job == NULL; i++)
        job = d->jobs[i].count == 0 ? &d->jobs[i] : NULL;
    belay_task *first = job == NULL ? NULL : first_task(d, &h);
    if (first != NULL) {
        job->tasks[0] = first;
        job->count = 1;
        if (first->small && !first->alone)
            gather(d, job, &h);
        job->may_use_all_cores = is_last_loading(d, job, &h);
    }
    put_back_held(d, &h);
    return first == NULL ? NULL : job;
}

void belay_dispatch_done(belay_dispatch *d, belay_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        belay_schedule_done(d->tasks->schedule, node_of(d, job->tasks[i]));
    d->done += job->count;
    job->count = 0;
}

void belay_dispatch_put_back(belay_dispatch *d, belay_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        belay_schedule_put_back(d->tasks->schedule, node_of(d, job->tasks[i]));
    job->count = 0;
}

void belay_dispatch_drop(belay_dispatch *d, belay_job *job)
{
    (void)d;
    job->count = 0;
}

const belay_task *belay_dispatch_item(const belay_dispatch *d)
{
    const belay_task *best = NULL;
    for (size_t i = 0; i < d->slots; i++) {
        const belay_task *task = d->jobs[i].count == 0 ? NULL : d->jobs[i].tasks[0];
        if (task != NULL && (best == NULL || (best->table == NULL && task->table != NULL)))
            best = task;
    }
    return best;
}
