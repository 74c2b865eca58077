#include "restore/schedule.h"

#include <string.h>

typedef struct node {
    int phase;
    uint64_t weight;
    size_t waits_for;   /* dependencies that are not done */
    size_t *dependents; /* nodes that wait for this one */
    size_t dependent_count, dependent_capacity;
} node;

struct belay_schedule {
    node *nodes;
    size_t count, capacity;
    size_t *heap; /* ready nodes, the one to run first at the root */
    size_t ready;
    size_t running;
    int phase; /* of the nodes at work */
};

belay_schedule *belay_schedule_new(void)
{
    return belay_alloc(sizeof(belay_schedule));
}

void belay_schedule_free(belay_schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (size_t i = 0; i < schedule->count; i++)
        free(schedule->nodes[i].dependents);
    free(schedule->nodes);
    free(schedule->heap);
    free(schedule);
}

size_t belay_schedule_add(belay_schedule *schedule, int phase, uint64_t weight)
{
    if (schedule->count == schedule->capacity) {
        schedule->capacity = schedule->capacity == 0 ? 64 : schedule->capacity * 2;
        schedule->nodes = belay_realloc_array(schedule->nodes, schedule->capacity, sizeof *schedule->nodes);
    }
    schedule->nodes[schedule->count] = (node){.phase = phase, .weight = weight};
    return schedule->count++;
}

void belay_schedule_depend(belay_schedule *schedule, size_t from, size_t on)
{
    node *target = &schedule->nodes[on];
    if (target->dependent_count == target->dependent_capacity) {
        target->dependent_capacity = target->dependent_capacity == 0 ? 4 : target->dependent_capacity * 2;
        target->dependents =
            belay_realloc_array(target->dependents, target->dependent_capacity, sizeof *target->dependents);
    }
    target->dependents[target->dependent_count++] = from;
    schedule->nodes[from].waits_for++;
}

static bool goes_first(const belay_schedule *schedule, size_t a, size_t b)
{
    const node *left = &schedule->nodes[a];
    const node *right = &schedule->nodes[b];
    if (left->phase != right->phase)
        return left->phase < right->phase;
    if (left->weight != right->weight)
        return left->weight > right->weight;
    return a < b;
}

static void swap_slots(belay_schedule *schedule, size_t a, size_t b)
{
    size_t keep = schedule->heap[a];
    schedule->heap[a] = schedule->heap[b];
    schedule->heap[b] = keep;
}

static void push(belay_schedule *schedule, size_t number)
{
    size_t at = schedule->ready++;
    schedule->heap[at] = number;
    while (at > 0 && goes_first(schedule, schedule->heap[at], schedule->heap[(at - 1) / 2])) {
        swap_slots(schedule, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static size_t pop(belay_schedule *schedule)
{
    size_t first = schedule->heap[0];
    schedule->heap[0] = schedule->heap[--schedule->ready];
    for (size_t at = 0;;) {
        size_t best = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < schedule->ready; child++) {
            if (goes_first(schedule, schedule->heap[child], schedule->heap[best]))
                best = child;
        }
        if (best == at)
            return first;
        swap_slots(schedule, at, best);
        at = best;
    }
}

/* In topological order, so that a phase reaches everything that waits; counts who is reached. */
static size_t lift_phases(belay_schedule *schedule)
{
    BELAY_AUTO(belay_free) size_t *waits = belay_realloc_array(NULL, schedule->count + 1, sizeof *waits);
    BELAY_AUTO(belay_free) size_t *queue = belay_realloc_array(NULL, schedule->count + 1, sizeof *queue);
    size_t tail = 0;
    for (size_t i = 0; i < schedule->count; i++) {
        waits[i] = schedule->nodes[i].waits_for;
        if (waits[i] == 0)
            queue[tail++] = i;
    }
    for (size_t head = 0; head < tail; head++) {
        const node *done = &schedule->nodes[queue[head]];
        for (size_t i = 0; i < done->dependent_count; i++) {
            node *next = &schedule->nodes[done->dependents[i]];
            if (next->phase < done->phase)
                next->phase = done->phase;
            if (--waits[done->dependents[i]] == 0)
                queue[tail++] = done->dependents[i];
        }
    }
    return tail;
}

bool belay_schedule_start(belay_schedule *schedule, belay_error *err)
{
    if (lift_phases(schedule) != schedule->count)
        return belay_fail(err, BELAY_E_ARCHIVE, "the snapshot's objects depend on each other in a circle");
    schedule->heap = belay_realloc_array(NULL, schedule->count + 1, sizeof *schedule->heap);
    for (size_t i = 0; i < schedule->count; i++) {
        if (schedule->nodes[i].waits_for == 0)
            push(schedule, i);
    }
    return true;
}

bool belay_schedule_next(belay_schedule *schedule, size_t *ret_node)
{
    if (schedule->ready == 0)
        return false;
    int phase = schedule->nodes[schedule->heap[0]].phase;
    if (schedule->running > 0 && phase > schedule->phase)
        return false;
    schedule->phase = phase;
    schedule->running++;
    *ret_node = pop(schedule);
    return true;
}

void belay_schedule_done(belay_schedule *schedule, size_t number)
{
    const node *done = &schedule->nodes[number];
    schedule->running--;
    for (size_t i = 0; i < done->dependent_count; i++) {
        if (--schedule->nodes[done->dependents[i]].waits_for == 0)
            push(schedule, done->dependents[i]);
    }
}

void belay_schedule_put_back(belay_schedule *schedule, size_t number)
{
    schedule->running--;
    push(schedule, number);
}

size_t belay_schedule_open(const belay_schedule *schedule)
{
    return schedule->ready + schedule->running;
}
