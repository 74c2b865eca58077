/* The journal: what was written is read back, a torn line is passed over, and who has no end is unfinished.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/journal.h"
#include "pipeline/outcome.h"
#include "pipeline/runs.h"
#include "support/scratch_store.h"

static void write_one(const char *run, const char *kind, const char *act)
{
    BELAY_AUTO(belay_journal_close) belay_journal *journal = NULL;
    belay_error err = {0};
    if (!belay_journal_open(store, "dev", run, &journal, &err) ||
        !belay_journal_write(journal, kind, act, json_pack("{s:s}", "outcome", "succeeded"), &err))
        fail_msg("%s", err.message);
}

static void test_read_back(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    write_one("r1", "begin", "run");
    write_one("r1", "intent", "gate.close");
    assert_true(belay_journal_read(store, "dev", "r1", &records, NULL));
    assert_int_equal(json_array_size(records), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(records, 1), "seq")), 2);
    assert_true(belay_journal_open_intent(records, "gate.close"));
    assert_false(belay_journal_open_intent(records, "gate.open"));
    assert_non_null(belay_journal_last(records, "begin", "run"));
    assert_null(belay_journal_last(records, "end", "run"));
}

static void test_done_closes_intent(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    write_one("r2", "intent", "gate.close");
    write_one("r2", "done", "gate.close");
    assert_true(belay_journal_read(store, "dev", "r2", &records, NULL));
    assert_false(belay_journal_open_intent(records, "gate.close"));
}

/* A crash in the middle of a write: the torn line is skipped, and what is appended later stands on a line of
 * its own. */
static void test_torn_line(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    write_one("r3", "begin", "run");
    BELAY_AUTO(belay_free) char *path = belay_format("%s/dev/runs/r3/journal.ndjson", folder);
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0 && belay_write_all(fd, "{\"seq\":2,\"ki", 12, path, NULL));
    write_one("r3", "intent", "twin");
    assert_true(belay_journal_read(store, "dev", "r3", &records, NULL));
    assert_int_equal(json_array_size(records), 2);
    assert_true(belay_journal_open_intent(records, "twin"));
}

static void test_unfinished(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *none = NULL;
    BELAY_AUTO(belay_free) char *id = NULL;
    write_one("20250101T000000Z-000001", "begin", "run");
    assert_true(belay_runs_unfinished(store, "dev", &id, &err));
    assert_non_null(id);
    assert_false(belay_runs_refuse_unfinished(store, "dev", &err));
    assert_int_equal(belay_code_exit(err.code), 5);
    assert_non_null(strstr(err.hint, "belay recover"));
    assert_true(belay_runs_unfinished(store, "other", &none, &err));
    assert_null(none);
}

static char *unfinished_of(const char *target)
{
    char *id = NULL;
    belay_error err = {0};
    if (!belay_runs_unfinished(store, target, &id, &err))
        fail_msg("%s", err.message);
    return id;
}

static void write_of(const char *target, const char *run, const char *kind)
{
    BELAY_AUTO(belay_journal_close) belay_journal *journal = NULL;
    assert_true(belay_journal_open(store, target, run, &journal, NULL));
    assert_true(belay_journal_write(journal, kind, "run", NULL, NULL));
}

static void write_ended(const char *target, const char *text)
{
    BELAY_AUTO(belay_free) char *name = belay_format("%s/runs/ended", target);
    assert_true(belay_store_write_all(store, name, text, strlen(text), NULL));
}

/* Ended runs are noted; a journal that comes from another machine, older than all others, is found all the
 * same.
 */
static void test_ended_are_noted(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *noted = NULL;
    write_of("noted", "20250301T000000Z-000001", "begin");
    write_of("noted", "20250301T000000Z-000001", "end");
    write_of("noted", "20250302T000000Z-000002", "begin");
    write_of("noted", "20250302T000000Z-000002", "end");
    assert_null(unfinished_of("noted"));
    assert_true(belay_store_read_all(store, "noted/runs/ended", 1000, &noted, NULL, NULL));
    assert_string_equal(noted, "\n20250302T000000Z-000002\n20250301T000000Z-000001\n");

    /* they are not read again */
    BELAY_AUTO(belay_free)
    char *path = belay_format("%s/noted/runs/20250301T000000Z-000001/journal.ndjson", folder);
    assert_int_equal(truncate(path, 20), 0);
    assert_null(unfinished_of("noted"));

    write_of("noted", "20250101T000000Z-000003", "begin");
    BELAY_AUTO(belay_free) char *copied = unfinished_of("noted");
    assert_string_equal(copied, "20250101T000000Z-000003");
    write_of("noted", "20250101T000000Z-000003", "end");
    assert_null(unfinished_of("noted"));
}

/* A note that was torn, or is no note at all, hides no run. */
static void test_bad_notes(void **state)
{
    (void)state;
    write_of("bad", "20250401T000000Z-000001", "begin");
    static const char *const notes[] = {"", "20250401T000000Z-00000", "20250401T000000Z-0000012025",
        "\x01\n\n/..\n", "0250401T000000Z-000001\n20250401T000000Z-0000011\n"};
    for (size_t i = 0; i < BELAY_COUNT(notes); i++) {
        write_ended("bad", notes[i]);
        BELAY_AUTO(belay_free) char *id = unfinished_of("bad");
        assert_string_equal(id, "20250401T000000Z-000001");
    }
    write_ended("bad", "20250401T0");
    write_of("bad", "20250401T000000Z-000001", "end");
    assert_null(unfinished_of("bad"));
    BELAY_AUTO(belay_free) char *noted = NULL;
    assert_true(belay_store_read_all(store, "bad/runs/ended", 1000, &noted, NULL, NULL));
    assert_string_equal(noted, "20250401T0\n20250401T000000Z-000001\n");
}

/* A run of many statements without a transaction: more than 64 MB. */
static void write_large(const char *run)
{
    BELAY_AUTO(belay_free) char *path = belay_format("%s/dev/runs/%s/journal.ndjson", folder, run);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    for (int seq = 2; seq < 300000; seq++)
        fprintf(file,
            "{\"seq\":%d,\"at\":\"2026-01-01T00:00:00Z\",\"kind\":\"%s\",\"act\":\"statement\",\"revision\":"
            "\"aaaa00000001\",\"statement\":%d,\"text\":\"%0120d\"}\n",
            seq, seq % 2 == 0 ? "intent" : "done", seq / 2, 0);
    assert_true(ftell(file) > 64 * 1024 * 1024);
    assert_int_equal(fclose(file), 0);
}

static json_int_t seq_of(const json_t *record)
{
    return json_integer_value(json_object_get(record, "seq"));
}

static void test_large(void **state)
{
    (void)state;
    static const char run[] = "20240101T000000Z-000002";
    bool ended = true;
    write_one(run, "begin", "run");
    write_large(run);
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    write_one(run, "stage", "migrate");
    assert_true(belay_journal_has_ended(store, "dev", run, &ended, NULL));
    assert_false(ended);
    assert_true(belay_journal_read(store, "dev", run, &records, NULL));
    assert_int_equal(json_array_size(records), 4);
    assert_true(belay_journal_is(json_array_get(records, 0), "begin", "run"));
    assert_int_equal(seq_of(json_array_get(records, 1)), 299998);
    assert_int_equal(seq_of(json_array_get(records, 2)), 299999);
    assert_int_equal(seq_of(json_array_get(records, 3)), 300000);
    assert_false(belay_journal_open_intent(records, "statement"));

    write_one(run, "end", "run");
    assert_true(belay_journal_has_ended(store, "dev", run, &ended, NULL));
    assert_true(ended);
    BELAY_AUTO(belay_json_free) json_t *summary = NULL;
    assert_true(belay_runs_read(store, "dev", run, &summary, NULL));
    assert_string_equal(belay_json_text(summary, "outcome"), "succeeded");
}

/* An end that was written in part is no end, and a journal without a record is of a run that did nothing. */
static void test_torn_end(void **state)
{
    (void)state;
    bool ended = true;
    write_one("r4", "begin", "run");
    BELAY_AUTO(belay_free) char *path = belay_format("%s/dev/runs/r4/journal.ndjson", folder);
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(
        fd >= 0 && belay_write_all(fd, "{\"seq\":2,\"kind\":\"end\",\"act\":\"run\"", 33, path, NULL));
    assert_true(belay_journal_has_ended(store, "dev", "r4", &ended, NULL));
    assert_false(ended);
    assert_int_equal(ftruncate(fd, 7), 0);
    assert_true(belay_journal_has_ended(store, "dev", "r4", &ended, NULL));
    assert_true(ended);
}

static void test_outcomes(void **state)
{
    (void)state;
    assert_string_equal(belay_outcome_name(BELAY_OUTCOME_NEEDS_RECOVERY), "needs_recovery");
    assert_int_equal(belay_outcome_exit(BELAY_OUTCOME_SUCCEEDED), 0);
    assert_int_equal(belay_outcome_exit(BELAY_OUTCOME_UNTOUCHED), 1);
    assert_int_equal(belay_outcome_exit(BELAY_OUTCOME_RESTORED), 4);
    assert_int_equal(belay_outcome_exit(BELAY_OUTCOME_DOWNGRADED), 4);
    assert_int_equal(belay_outcome_exit(BELAY_OUTCOME_STOPPED), 5);
}

/* A process that had not noticed yet that its run was recovered writes one more record, behind the end. */
static void test_strays(void **state)
{
    (void)state;
    bool ended = false;
    BELAY_AUTO(belay_journal_close) belay_journal *first = NULL;
    BELAY_AUTO(belay_journal_close) belay_journal *second = NULL;
    belay_error err = {0};
    assert_true(belay_journal_open(store, "stray", "r", &first, NULL));
    assert_true(belay_journal_write(first, "begin", "run", NULL, NULL));
    assert_true(belay_journal_open(store, "stray", "r", &second, NULL));
    assert_true(belay_journal_take_over(second, NULL));
    assert_true(belay_journal_write(second, "end", "run", NULL, NULL));
    BELAY_AUTO(belay_free) char *path = belay_format("%s/stray/runs/r/journal.ndjson", folder);
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    const char stray[] = "{\"seq\":2,\"kind\":\"intent\",\"act\":\"gate.close\"}\n";
    assert_true(fd >= 0 && belay_write_all(fd, stray, sizeof stray - 1, path, NULL));
    assert_true(belay_journal_has_ended(store, "stray", "r", &ended, NULL) && ended);
    assert_false(belay_journal_is_foreign(first));
    belay_journal_be_lenient(first);
    belay_recorder *recorder = belay_journal_recorder(first);
    assert_false(recorder->record(recorder, BELAY_RECORD_INTENT, "swap", NULL, &err));
    assert_int_equal(err.code, BELAY_E_LOCKED);
    assert_true(belay_journal_is_foreign(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_done_closes_intent),
        cmocka_unit_test(test_torn_line),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_ended_are_noted),
        cmocka_unit_test(test_bad_notes),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_torn_end),
        cmocka_unit_test(test_strays),
        cmocka_unit_test(test_outcomes),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
