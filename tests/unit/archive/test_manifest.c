/* The manifest: members are found by name, fast enough for databases with very many tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/manifest.h"
#include "util/clock.h"
#include "util/json.h"

enum { MANY = 20000, ENOUGH_MS = 2000 };

/* What a manifest of `count` members would read as; the names are out of order, and two are the same. */
static belay_manifest *with_members(size_t count)
{
    BELAY_AUTO(belay_json_free) json_t *members = json_array();
    for (size_t i = 0; i < count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_format("data/%05zu", i * 7919 % count);
        json_array_append_new(members, json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:s}", "name", name,
                                           "offset", (json_int_t)i, "data_offset", 0, "stored_bytes", 0,
                                           "span_bytes", 0, "raw_bytes", 0, "rows", 0, "sha256", ""));
    }
    if (count > 0)
        json_array_append(members, json_array_get(members, 0));
    BELAY_AUTO(belay_json_free)
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:i, s:[], s:f, s:i, s:i, s:[], s:O}", "format_version",
        BELAY_FORMAT_VERSION, "id", "x", "target", "dev", "created_at", "", "server_version", 150000,
        "revisions", "seconds", 0.1, "raw_bytes", 0, "rows", 0, "tables", "members", members);
    BELAY_AUTO(belay_free) char *text = belay_json_print(json);
    belay_manifest *manifest = NULL;
    belay_error err = {0};
    if (!belay_manifest_read(text, strlen(text), &manifest, &err))
        fail_msg("%s", err.message);
    return manifest;
}

static void finds_by_name(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 100};
    for (size_t c = 0; c < BELAY_COUNT(counts); c++) {
        BELAY_AUTO(belay_manifest_free) belay_manifest *m = with_members(counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            assert_string_equal(belay_manifest_find(m, m->members[i].name)->name, m->members[i].name);
        assert_null(belay_manifest_find(m, "data/"));
        assert_null(belay_manifest_find(m, "data/00000x"));
        assert_null(belay_manifest_find(m, "zzz"));
        assert_null(belay_manifest_find(m, ""));
    }
}

static void the_first_of_a_name_counts(void **state)
{
    (void)state;
    BELAY_AUTO(belay_manifest_free) belay_manifest *m = with_members(100);
    assert_int_equal(m->member_count, 101);
    assert_string_equal(m->members[100].name, m->members[0].name);
    assert_ptr_equal(belay_manifest_find(m, m->members[0].name), &m->members[0]);
}

/* A linear search took 200 million comparisons of names here. */
static void many_tables(void **state)
{
    (void)state;
    BELAY_AUTO(belay_manifest_free) belay_manifest *m = with_members(MANY);
    int64_t started_ms = belay_now_ms();
    for (size_t i = 1; i < MANY; i++)
        assert_ptr_equal(belay_manifest_find(m, m->members[i].name), &m->members[i]);
    assert_true(belay_now_ms() - started_ms < ENOUGH_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(the_first_of_a_name_counts),
        cmocka_unit_test(many_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
