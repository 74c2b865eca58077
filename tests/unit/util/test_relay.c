/* Lines of a crew, told in the caller's thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "util/crew.h"
#include "util/relay.h"
#include "util/str.h"

enum { WORKERS = 4, LINES = 5000 };

typedef struct shared {
    pthread_t caller;
    belay_relay *relay;
    int told[WORKERS]; /* lines of each */
    int wrong;
} shared;

static void tell(void *context, size_t number, bool is_stderr, const char *line)
{
    shared *s = context;
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%zu: %d", number, s->told[number]);
    bool right = belay_equal(line, wanted) && is_stderr == (s->told[number] % 2 == 1) &&
                 pthread_equal(pthread_self(), s->caller) != 0;
    s->wrong += right ? 0 : 1;
    s->told[number]++;
}

static bool work(void *context, void *own, size_t number, belay_error *err)
{
    (void)own, (void)err;
    shared *s = context;
    for (int i = 0; i < LINES; i++) {
        char line[32];
        snprintf(line, sizeof line, "%zu: %d", number, i);
        belay_relay_line(s->relay, number, i % 2 == 1, line);
    }
    return true;
}

static void tick(void *context)
{
    belay_relay_flush(((shared *)context)->relay);
}

/* Many more than the relay holds: the workers wait for the caller, and go on at once. */
static void every_line_is_told_in_order(void **state)
{
    (void)state;
    shared s = {.caller = pthread_self()};
    BELAY_AUTO(belay_relay_free) belay_relay *relay = belay_relay_new(tell, &s);
    s.relay = relay;
    const belay_crew_task task = {.work = work, .tick = tick, .context = &s};
    assert_true(belay_crew_run(&task, WORKERS, WORKERS, NULL));
    assert_int_equal(s.wrong, 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(s.told[i], LINES);
}

/* A crew that gets no threads works in the caller's. */
static void the_callers_own_lines_are_told_at_once(void **state)
{
    (void)state;
    shared s = {.caller = pthread_self()};
    BELAY_AUTO(belay_relay_free) belay_relay *relay = belay_relay_new(tell, &s);
    s.relay = relay;
    assert_true(work(&s, NULL, 0, NULL));
    assert_int_equal(s.told[0], LINES);
    assert_int_equal(s.wrong, 0);
}

static void *say_one(void *context)
{
    belay_relay_line(context, 0, false, "0: 0");
    return NULL;
}

static void what_is_not_told_is_freed(void **state)
{
    (void)state;
    shared s = {.caller = pthread_self()};
    belay_relay *relay = belay_relay_new(tell, &s);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, say_one, relay), 0);
    pthread_join(other, NULL);
    belay_relay_free(relay);
    assert_int_equal(s.told[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_told_in_order),
        cmocka_unit_test(the_callers_own_lines_are_told_at_once),
        cmocka_unit_test(what_is_not_told_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
