/* The limit of a store's rate, by a clock that only waiting moves. */
#include "store/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/scratch_store.h"

enum { KB = 1024, MB = 1024 * 1024 };

typedef struct fake {
    int64_t now_ms;
    int waits;
    bool stopped;
} fake;

static int64_t now_ms(void *context)
{
    return ((fake *)context)->now_ms;
}

static bool wait_ms(void *context, int64_t duration_ms)
{
    fake *clock = context;
    clock->waits++;
    clock->now_ms += clock->stopped ? 0 : duration_ms;
    return clock->stopped;
}

static fake clock_state;
static const belay_rate_clock fake_clock = {now_ms, wait_ms, &clock_state};
static char data[4 * MB];

/* Limited to 1 MB a second. The store behind is the file's own. */
static belay_store *limited(void)
{
    belay_store *behind = NULL;
    clock_state = (fake){.now_ms = 1000000};
    assert_true(belay_store_open(folder, NULL, &behind, NULL));
    return belay_rate_store(behind, MB, &fake_clock);
}

static int64_t waited_ms(void)
{
    return clock_state.now_ms - 1000000;
}

static void write_bytes(belay_store *to, const char *name, size_t size_bytes)
{
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    assert_true(to->create(to, name, &sink, NULL));
    assert_true(sink->write(sink, data, size_bytes, NULL));
    assert_true(sink->sync(sink, NULL));
}

static void test_bytes_are_spread_over_time(void **state)
{
    (void)state;
    BELAY_AUTO(belay_store_free) belay_store *slow = limited();
    write_bytes(slow, "a", 4 * MB);
    assert_in_range(waited_ms(), 3700, 4000); /* the last piece's own time is waited by the next */
    assert_true(clock_state.waits > 20);      /* in pieces */
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    assert_true(slow->open(slow, "a", &source, NULL));
    assert_int_equal(source->size_bytes, 4 * MB);
    assert_true(source->read(source, 1 * MB, data, 2 * MB, NULL));
    assert_in_range(waited_ms(), 5700, 6000); /* reading and writing share it */
}

static void test_what_was_not_used_is_not_saved_up(void **state)
{
    (void)state;
    BELAY_AUTO(belay_store_free) belay_store *slow = limited();
    write_bytes(slow, "a", 64 * KB);
    clock_state.now_ms += 3600000;
    int64_t before = clock_state.now_ms;
    write_bytes(slow, "a", 2 * MB);
    assert_in_range(clock_state.now_ms - before, 1700, 2000);
}

static void test_the_bytes_are_those(void **state)
{
    (void)state;
    BELAY_AUTO(belay_store_free) belay_store *slow = limited();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31 + i / 257);
    write_bytes(slow, "a", 1 * MB + 5);
    char *got = NULL;
    size_t size = 0;
    assert_true(belay_store_read_all(slow, "a", 2 * MB, &got, &size, NULL));
    assert_int_equal(size, 1 * MB + 5);
    assert_memory_equal(got, data, size);
    free(got);
}

static void test_a_stop_ends_the_wait(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *slow = limited();
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    assert_true(slow->create(slow, "a", &sink, NULL));
    clock_state.stopped = true;
    assert_false(sink->write(sink, data, sizeof data, &err));
    assert_int_equal(err.code, BELAY_E_CANCELLED);
    assert_int_equal(clock_state.waits, 1);
}

static void test_journals_pass(void **state)
{
    (void)state;
    BELAY_AUTO(belay_store_free) belay_store *slow = limited();
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    write_bytes(slow, "a", 1 * MB);
    int64_t before = clock_state.now_ms;
    assert_true(slow->append(slow, "t/runs/r/journal.ndjson", &sink, NULL));
    assert_true(sink->write(sink, data, 2 * MB, NULL));
    assert_int_equal(clock_state.now_ms, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_spread_over_time),
        cmocka_unit_test(test_what_was_not_used_is_not_saved_up),
        cmocka_unit_test(test_the_bytes_are_those),
        cmocka_unit_test(test_a_stop_ends_the_wait),
        cmocka_unit_test(test_journals_pass),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
