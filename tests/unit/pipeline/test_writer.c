/* Who wrote a journal: certainly gone, or perhaps not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/writer.h"
#include "util/mem.h"

static void test_itself(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *record = belay_writer_json();
    assert_false(belay_writer_is_gone(record));
    /* The same number, and another process. */
    json_int_t started = json_integer_value(json_object_get(record, "started"));
    assert_true(started > 0);
    json_object_set_new(record, "started", json_integer(started + 1));
    assert_true(belay_writer_is_gone(record));
    json_object_set_new(record, "machine", json_string("another/one"));
    assert_false(belay_writer_is_gone(record));
    json_object_del(record, "machine"); /* as in a journal of an older belay */
    assert_false(belay_writer_is_gone(record));
    assert_false(belay_writer_is_gone(NULL));
}

static void test_ended(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *record = belay_writer_json();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_true(child > 0 && waitpid(child, NULL, 0) == child);
    json_object_set_new(record, "pid", json_integer(child));
    assert_true(belay_writer_is_gone(record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_itself),
        cmocka_unit_test(test_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
