/* Archives whose hashes are right and whose manifest or locator lies: none is taken for a snapshot, each is
 * answered with a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/codec.h"
#include "support/forge.h"
#include "support/scratch_store.h"

static char *whole; /* a good archive's bytes */
static size_t whole_bytes, members_bytes;
static json_t *good; /* its manifest */

static const char rows[] = "1\tone\n2\ttwo\n";

static void write_good(void)
{
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = NULL;
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    BELAY_AUTO(belay_str_done) belay_str frame = BELAY_STR_INIT;
    belay_error err = {0};
    const char *const columns[] = {"id", "word"};
    const char *const chunks[] = {"data/public.a/1.copy.zst", "data/public.a/2.copy.zst"};
    const belay_table table = {.schema = "public",
        .name = "a",
        .format = "text",
        .columns = columns,
        .column_count = 2,
        .rows = 4,
        .raw_bytes = 2 * (sizeof rows - 1),
        .row_hash = "00000000000000000000000000000000",
        .chunks = chunks,
        .chunk_count = 2};
    const belay_manifest rest = {.id = "x",
        .target = "dev",
        .created_at = "",
        .server_version = 150018,
        .rows = 4,
        .tables = &table,
        .table_count = 1};
    bool ok = belay_codec_encode(codec, rows, sizeof rows - 1, &frame, &err) &&
              belay_archive_create(store, "dev/good.tar", &w, &err) &&
              belay_archive_add(w, "README.txt", "read me\n", 8, 8, 0, &err);
    for (size_t i = 0; ok && i < 2; i++)
        ok = belay_archive_add(w, chunks[i], frame.data, frame.length, sizeof rows - 1, 2, &err);
    ok = ok && belay_archive_finish(w, &rest, &err) &&
         belay_archive_publish(store, "dev/good.tar", 1, NULL, &err);
    if (!ok)
        fail_msg("%s", err.message);
}

static int set_up(void **state)
{
    if (scratch_set_up(state) != 0)
        return 1;
    write_good();
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    if (!belay_store_read_all(store, "dev/good.tar", 1 << 20, &whole, &whole_bytes, NULL) ||
        !belay_archive_open(store, "dev/good.tar", &archive, NULL))
        return 1;
    const belay_manifest *m = belay_archive_manifest(archive);
    const belay_member *last = &m->members[m->member_count - 1];
    members_bytes = (size_t)(last->offset + last->span_bytes);
    good = belay_manifest_to_json(m);
    return 0;
}

static int tear_down(void **state)
{
    json_decref(good);
    free(whole);
    return scratch_tear_down(state);
}

/* The archive with that manifest: is it taken for a snapshot? */
static bool is_taken(const char *text, size_t length, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str file = BELAY_STR_INIT;
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    belay_str_append_n(&file, whole, members_bytes);
    forge_tail(&file, text, length);
    assert_true(belay_store_write_all(store, "dev/forged.tar", file.data, file.length, NULL));
    return belay_archive_open(store, "dev/forged.tar", &archive, err) &&
           belay_archive_verify(archive, 1, NULL, err);
}

static bool json_is_taken(const json_t *manifest, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(manifest, JSON_ENCODE_ANY);
    return is_taken(text, strlen(text), err);
}

static void test_the_forger_can_forge(void **state)
{
    (void)state;
    belay_error err = {0};
    if (!json_is_taken(good, &err))
        fail_msg("%s", err.message);
}

/* One value of the manifest is replaced by another (JSON text). */
typedef struct lie {
    const char *list; /* "members", "tables", NULL: the manifest itself */
    size_t index;
    const char *key;
    const char *value;
} lie;

static const lie lies[] = {
    {"members", 1, "offset", "9223372036854775807"},
    {"members", 1, "offset", "0"},
    {"members", 1, "offset", "1"},
    {"members", 1, "offset", "-512"},
    {"members", 1, "offset", "512.0"},
    {"members", 1, "offset", "18446744073709551615"},
    {"members", 1, "data_offset", "0"},
    {"members", 1, "data_offset", "9223372036854775807"},
    {"members", 1, "stored_bytes", "9223372036854775807"},
    {"members", 1, "stored_bytes", "0"},
    {"members", 1, "stored_bytes", "1"},
    {"members", 1, "span_bytes", "0"},
    {"members", 1, "span_bytes", "9223372036854775807"},
    {"members", 1, "raw_bytes", "9223372036854775807"},
    {"members", 1, "raw_bytes", "0"},
    {"members", 0, "raw_bytes", "9"},
    {"members", 1, "rows", "3"},
    {"members", 1, "rows", "9223372036854775807"},
    {"members", 1, "sha256", "\"\""},
    {"members", 1, "sha256", "7"},
    {"members", 1, "name", "\"data/../../../etc/cron.d/x.zst\""},
    {"members", 1, "name", "\"../x.zst\""},
    {"members", 1, "name", "\"/etc/passwd\""},
    {"members", 1, "name", "\"data/-rf/1.copy.zst\""},
    {"members", 1, "name", "\"data/public.a/2.copy.zst\""},
    {"members", 1, "name", "\"data/public.b/1.copy.zst\""},
    {"members", 1, "name", "\"data/public.a\\u0000/1.copy.zst\""},
    {"members", 0, "name", "\"readme.txt\""},
    {"members", 1, "name", "null"},
    {"tables", 0, "rows", "5"},
    {"tables", 0, "rows", "-1"},
    {"tables", 0, "raw_bytes", "1"},
    {"tables", 0, "format", "\"csv\""},
    {"tables", 0, "columns", "{}"},
    {"tables", 0, "columns", "[1]"},
    {"tables", 0, "chunks", "[\"data/public.a/1.copy.zst\"]"},
    {"tables", 0, "chunks", "[\"data/public.a/1.copy.zst\", \"data/public.a/1.copy.zst\"]"},
    {"tables", 0, "chunks", "[\"data/public.a/1.copy.zst\", \"data/public.a/3.copy.zst\"]"},
    {"tables", 0, "chunks", "[\"data/public.a/1.copy.zst\", \"README.txt\"]"},
    {NULL, 0, "format_version", "0"},
    {NULL, 0, "format_version", "2"},
    {NULL, 0, "format_version", "4294967297"},
    {NULL, 0, "server_version", "4294967297"},
    {NULL, 0, "rows", "5"},
    {NULL, 0, "rows", "99999999999999999999999"},
    {NULL, 0, "members", "[]"},
    {NULL, 0, "members", "{}"},
    {NULL, 0, "members", "[null]"},
    {NULL, 0, "tables", "[[]]"},
    {NULL, 0, "tables", "null"},
    {NULL, 0, "id", "null"},
};

static void test_lies_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < BELAY_COUNT(lies); i++) {
        belay_error err = {0};
        json_t *forged = json_deep_copy(good);
        json_t *at = lies[i].list == NULL
                         ? forged
                         : json_array_get(json_object_get(forged, lies[i].list), lies[i].index);
        json_object_set_new(at, lies[i].key, json_string("@"));
        BELAY_AUTO(belay_free) char *text = json_dumps(forged, JSON_COMPACT);
        json_decref(forged);
        char *mark = strstr(text, "\"@\"");
        assert_non_null(mark);
        BELAY_AUTO(belay_free)
        char *lying =
            belay_format("%.*s%s%s", (int)(mark - text), text, lies[i].value, mark + strlen("\"@\""));
        if (is_taken(lying, strlen(lying), &err))
            fail_msg("%s %zu: %s = %s was believed", lies[i].list, lies[i].index, lies[i].key, lies[i].value);
        assert_true(err.message[0] != '\0');
        assert_true(err.code == BELAY_E_ARCHIVE || err.code == BELAY_E_UNSUPPORTED);
    }
}

static void test_members_moved_or_missing(void **state)
{
    (void)state;
    belay_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        json_t *forged = json_deep_copy(good);
        json_array_remove(json_object_get(forged, "members"), i);
        assert_false(json_is_taken(forged, &err));
        json_decref(forged);
    }
    json_t *forged = json_deep_copy(good);
    json_t *members = json_object_get(forged, "members");
    json_t *first = json_incref(json_array_get(members, 0));
    json_array_remove(members, 0);
    json_array_append_new(members, first);
    assert_false(json_is_taken(forged, &err));
    json_array_append(members, first); /* the same member twice */
    assert_false(json_is_taken(forged, &err));
    json_decref(forged);
}

static void test_no_manifest_at_all(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "{", "[]", "null", "7", "{}", "{\"members\": [], \"members\": []}", "\xff\xfe"};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++) {
        belay_error err = {0};
        assert_false(is_taken(texts[i], strlen(texts[i]), &err));
        assert_int_equal(err.code, BELAY_E_ARCHIVE);
    }
}

/* Arrays inside of arrays, a hundred thousand deep: refused, no stack is used up. */
static void test_deep_nesting(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str deep = BELAY_STR_INIT;
    belay_error err = {0};
    for (int i = 0; i < 100000; i++)
        belay_str_append_char(&deep, '[');
    assert_false(is_taken(deep.data, deep.length, &err));
}

/* A hundred thousand members of nothing, a hundred thousand tables: answered at once. */
static void test_huge_counts(void **state)
{
    (void)state;
    static const char *const keys[] = {"members", "tables"};
    for (size_t i = 0; i < BELAY_COUNT(keys); i++) {
        belay_error err = {0};
        json_t *forged = json_deep_copy(good);
        json_t *list = json_object_get(forged, keys[i]);
        for (int n = 0; n < 100000; n++)
            json_array_append(list, json_array_get(list, 0));
        assert_false(json_is_taken(forged, &err));
        json_decref(forged);
    }
}

static void set_number(char *block, const char *key, const char *digits)
{
    char *at = strstr(block, key);
    assert_non_null(at);
    memcpy(at + strlen(key) + 1, digits, strlen(digits));
}

static void test_locators_that_lie(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "manifest_offset", "manifest_data_offset", "manifest_bytes", "manifest_span_bytes"};
    static const char *const numbers[] = {"00000000000000000000", "00000000000000000001",
        "00000000000000000512", "18446744073709551615", "18446744073709551104", "09223372036854775807",
        "99999999999999999999", "-0000000000000000512", "0x000000000000000200"};
    for (size_t k = 0; k < BELAY_COUNT(keys); k++) {
        for (size_t n = 0; n < BELAY_COUNT(numbers); n++) {
            BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
            BELAY_AUTO(belay_free) char *file = belay_alloc(whole_bytes + 1);
            belay_error err = {0};
            memcpy(file, whole, whole_bytes);
            set_number(file + whole_bytes - 3 * BELAY_TAR_BLOCK, keys[k], numbers[n]);
            assert_true(belay_store_write_all(store, "dev/locator.tar", file, whole_bytes, NULL));
            if (belay_archive_open(store, "dev/locator.tar", &archive, &err))
                fail_msg("%s = %s was believed", keys[k], numbers[n]);
            assert_int_equal(err.code, BELAY_E_ARCHIVE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_forger_can_forge),
        cmocka_unit_test(test_lies_are_found),
        cmocka_unit_test(test_members_moved_or_missing),
        cmocka_unit_test(test_no_manifest_at_all),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_locators_that_lie),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
