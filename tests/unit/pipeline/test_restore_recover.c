/* Which record says that a restore that died had loaded all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate/gate.h"
#include "pipeline/restore_recover.h"

static char name[BELAY_DBNAME_SIZE];
static belay_run run = {.dbname = "bank", .id = "20260101T000000Z-abcdef"};

static void add(json_t *records, const char *kind, const char *act, const char *dbname)
{
    json_array_append_new(records,
        json_pack("{s:s, s:s, s:s, s:[s]}", "kind", kind, "act", act, "dbname", dbname, "warnings", "w"));
}

/* Records of a run that made its new database and loaded all. */
static json_t *loaded(void)
{
    json_t *records = json_array();
    belay_gate_name(run.dbname, "new", run.id, name);
    add(records, "intent", "restore", name);
    add(records, "intent", "restore.create", name);
    add(records, "done", "restore.create", name);
    add(records, "intent", "restore.complete", name);
    return records;
}

static bool is_found(const json_t *records)
{
    BELAY_AUTO(belay_json_free) json_t *found = belay_restore_find_complete(&run, records);
    return found != NULL;
}

static void it_is_found(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = loaded();
    add(records, "intent", "gate.drop", "bank__belay_scratch_abcdef");
    assert_true(is_found(records));
}

static void begun_anew_it_counts_no_more(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = loaded();
    add(records, "intent", "restore.create", name);
    assert_false(is_found(records));
    add(records, "intent", "restore.complete", name);
    assert_true(is_found(records));
}

/* Migrations came after that. */
static void compared_it_counts_no_more(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = loaded();
    add(records, "done", "restore", name);
    assert_false(is_found(records));
}

static void copies_do_not_count(void **state)
{
    (void)state;
    BELAY_AUTO(belay_json_free) json_t *records = json_array();
    add(records, "intent", "restore.complete", "bank__belay_scratch_abcdef");
    assert_false(is_found(records));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found),
        cmocka_unit_test(begun_anew_it_counts_no_more),
        cmocka_unit_test(compared_it_counts_no_more),
        cmocka_unit_test(copies_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
