#include "migrate/blocker.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "migrate/native.sql.h"

struct belay_blocker {
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t changed;
    bool quit;
    int pid;     /* of the statement at work, 0: none */
    long serial; /* of that statement */
    char *seen;
    /* constant */
    int64_t delay_ms;
    belay_dialer *dialer;
    char *dbname, *run_id;
};

static char *ask(belay_pg *pg, int pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_blockers, &rows, NULL, text) || belay_rows_count(rows) == 0)
        return NULL;
    belay_str found = BELAY_STR_INIT;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_str_appendf(&found, "%spid %s (user %s, application %s, transaction open for %s s, %s): %s",
            i == 0 ? "" : "\n", belay_rows_text(rows, i, 0), belay_rows_text(rows, i, 1),
            belay_rows_text(rows, i, 2), belay_rows_text(rows, i, 3), belay_rows_text(rows, i, 4),
            belay_rows_text(rows, i, 5));
    return belay_str_steal(&found);
}

static void look(belay_blocker *blocker, belay_pg **pg, int pid, long serial)
{
    pthread_mutex_unlock(&blocker->mutex);
    belay_pg_options options = {
        .dbname = blocker->dbname, .application_name = blocker->run_id, .profile = BELAY_PG_PINNED};
    if (*pg == NULL)
        belay_pg_open(blocker->dialer, &options, pg, NULL);
    char *seen = *pg == NULL ? NULL : ask(*pg, pid);
    pthread_mutex_lock(&blocker->mutex);
    if (seen != NULL && blocker->serial == serial) {
        free(blocker->seen);
        blocker->seen = belay_take(seen);
    }
    free(seen);
}

/* Waits delay_ms or until something changes. */
static void wait_a_while(belay_blocker *blocker)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + blocker->delay_ms % 1000 * 1000000;
    until.tv_sec += blocker->delay_ms / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_cond_timedwait(&blocker->changed, &blocker->mutex, &until);
}

static void *watch(void *context)
{
    belay_blocker *blocker = context;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    pthread_mutex_lock(&blocker->mutex);
    while (!blocker->quit) {
        int pid = blocker->pid;
        long serial = blocker->serial;
        wait_a_while(blocker);
        if (pid != 0 && !blocker->quit && blocker->pid == pid && blocker->serial == serial)
            look(blocker, &pg, pid, serial);
    }
    pthread_mutex_unlock(&blocker->mutex);
    return NULL;
}

belay_blocker *belay_blocker_new(
    belay_dialer *dialer, const char *dbname, const char *run_id, int64_t lock_timeout_ms)
{
    enum { LEAST_MS = 20, MOST_MS = 2000 };
    belay_blocker *blocker = belay_alloc(sizeof *blocker);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&blocker->mutex, NULL);
    pthread_cond_init(&blocker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int64_t delay_ms = lock_timeout_ms / 3;
    blocker->delay_ms = delay_ms < LEAST_MS ? LEAST_MS : delay_ms > MOST_MS ? MOST_MS : delay_ms;
    blocker->dialer = dialer;
    blocker->dbname = dbname == NULL ? NULL : belay_strdup(dbname);
    blocker->run_id = belay_strdup(run_id == NULL ? "belay" : run_id);
    blocker->started = lock_timeout_ms > 0 && pthread_create(&blocker->thread, NULL, watch, blocker) == 0;
    return blocker;
}

void belay_blocker_free(belay_blocker *blocker)
{
    if (blocker == NULL)
        return;
    pthread_mutex_lock(&blocker->mutex);
    blocker->quit = true;
    pthread_cond_signal(&blocker->changed);
    pthread_mutex_unlock(&blocker->mutex);
    if (blocker->started)
        pthread_join(blocker->thread, NULL);
    pthread_cond_destroy(&blocker->changed);
    pthread_mutex_destroy(&blocker->mutex);
    free(blocker->seen);
    free(blocker->dbname);
    free(blocker->run_id);
    free(blocker);
}

/* No signal: the thread looks at its own pace, so that a thousand short statements cost nothing. */
void belay_blocker_begin(belay_blocker *blocker, int pid)
{
    pthread_mutex_lock(&blocker->mutex);
    blocker->pid = pid;
    blocker->serial++;
    free(blocker->seen);
    blocker->seen = NULL;
    pthread_mutex_unlock(&blocker->mutex);
}

void belay_blocker_end(belay_blocker *blocker)
{
    pthread_mutex_lock(&blocker->mutex);
    blocker->pid = 0;
    pthread_mutex_unlock(&blocker->mutex);
}

char *belay_blocker_describe(belay_blocker *blocker)
{
    pthread_mutex_lock(&blocker->mutex);
    char *seen = blocker->seen == NULL ? NULL : belay_strdup(blocker->seen);
    pthread_mutex_unlock(&blocker->mutex);
    return seen;
}
