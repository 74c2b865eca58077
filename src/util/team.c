#include "util/team.h"

#include <pthread.h>
#include <time.h>

/* idle --give--> given --work--> done --take--> idle
 *                                     --take, not begun--> out */
typedef enum member_state { MEMBER_IDLE, MEMBER_GIVEN, MEMBER_DONE, MEMBER_OUT } member_state;

typedef struct member {
    belay_team *team;
    pthread_t thread;
    member_state state;
    belay_team_answer answer;
} member;

struct belay_team {
    const belay_team_task *task;
    member *members;
    size_t size;
    size_t busy, out; /* the coordinator's */
    bool ending;
    pthread_mutex_t mutex; /* guards states, answers and `ending` */
    pthread_cond_t given, done;
};

static void do_job(member *m, void **own)
{
    const belay_team_task *task = m->team->task;
    if (*own == NULL)
        *own = task->begin(task->context, &m->answer.err);
    m->answer.not_begun = *own == NULL;
    m->answer.ok = *own != NULL && task->work(task->context, *own, m->answer.job, &m->answer.err);
}

static void *run_member(void *context)
{
    member *m = context;
    belay_team *team = m->team;
    void *own = NULL;
    pthread_mutex_lock(&team->mutex);
    while (!team->ending) {
        if (m->state != MEMBER_GIVEN) {
            pthread_cond_wait(&team->given, &team->mutex);
            continue;
        }
        pthread_mutex_unlock(&team->mutex);
        do_job(m, &own);
        pthread_mutex_lock(&team->mutex);
        m->state = MEMBER_DONE;
        pthread_cond_signal(&team->done);
    }
    pthread_mutex_unlock(&team->mutex);
    if (own != NULL)
        team->task->end(team->task->context, own);
    return NULL;
}

belay_team *belay_team_new(const belay_team_task *task, size_t size, belay_error *err)
{
    belay_team *team = belay_alloc(sizeof *team);
    pthread_condattr_t monotonic;
    int failed = 0;
    team->task = task;
    team->members = belay_alloc((size + 1) * sizeof *team->members);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->given, NULL);
    pthread_cond_init(&team->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (team->size < size && failed == 0) {
        member *m = &team->members[team->size];
        m->team = team;
        failed = pthread_create(&m->thread, NULL, run_member, m);
        team->size += failed == 0;
    }
    if (team->size > 0)
        return team;
    belay_team_free(team);
    belay_fail_errno(err, failed, "cannot start a thread");
    return NULL;
}

bool belay_team_give(belay_team *team, void *job)
{
    bool given = false;
    pthread_mutex_lock(&team->mutex);
    for (size_t i = 0; i < team->size && !given; i++) {
        member *m = &team->members[i];
        if (m->state != MEMBER_IDLE)
            continue;
        m->answer = (belay_team_answer){.job = job};
        m->state = MEMBER_GIVEN;
        given = true;
    }
    pthread_cond_broadcast(&team->given);
    pthread_mutex_unlock(&team->mutex);
    team->busy += given;
    return given;
}

static member *find_done(belay_team *team)
{
    for (size_t i = 0; i < team->size; i++) {
        if (team->members[i].state == MEMBER_DONE)
            return &team->members[i];
    }
    return NULL;
}

bool belay_team_take(belay_team *team, int64_t timeout_ms, belay_team_answer *ret)
{
    struct timespec until;
    member *m = NULL;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&team->mutex);
    while ((m = find_done(team)) == NULL) {
        if (pthread_cond_timedwait(&team->done, &team->mutex, &until) != 0)
            break;
    }
    if (m == NULL)
        m = find_done(team);
    if (m != NULL) {
        *ret = m->answer;
        m->state = ret->not_begun ? MEMBER_OUT : MEMBER_IDLE;
        team->out += ret->not_begun;
    }
    pthread_mutex_unlock(&team->mutex);
    team->busy -= m != NULL;
    return m != NULL;
}

size_t belay_team_busy(const belay_team *team)
{
    return team->busy;
}

size_t belay_team_size(const belay_team *team)
{
    return team->size - team->out;
}

void belay_team_free(belay_team *team)
{
    if (team == NULL)
        return;
    pthread_mutex_lock(&team->mutex);
    team->ending = true;
    pthread_cond_broadcast(&team->given);
    pthread_mutex_unlock(&team->mutex);
    for (size_t i = 0; i < team->size; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->given);
    pthread_mutex_destroy(&team->mutex);
    free(team->members);
    free(team);
}
