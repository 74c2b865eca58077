/* Archives: what is written is read back; every flipped bit, cut and foreign name is found. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "archive/codec.h"
#include "support/scratch_store.h"

static const char text[] = "1\tone\n2\ttwo\n3\tthree\n";
static const char long_name[] = "data/"
                                "public.a%20table%20with%20a%20name%20that%20is%20longer%20than%20a%"
                                "20hundred%20characters%20so%20that%20pax/0.copy.zst";

/* A small snapshot with one member of each kind. */
static void write_one(const char *name, bool publish)
{
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = NULL;
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    BELAY_AUTO(belay_str_done) belay_str frame = BELAY_STR_INIT;
    belay_error err = {0};
    const char *const revisions[] = {"3f2a9c1b7d10"};
    const char *const columns[] = {"id", "word"};
    const char *const chunks[] = {long_name};
    const belay_table table = {.schema = "public",
        .name = "words",
        .format = "text",
        .columns = columns,
        .column_count = 2,
        .rows = 3,
        .raw_bytes = sizeof text - 1,
        .row_hash = "00000000000000000000000000000000",
        .generated = NULL,
        .chunks = chunks,
        .chunk_count = 1};
    const belay_manifest rest = {.id = "x",
        .target = "dev",
        .created_at = "2025-11-04T12:34:00Z",
        .server_version = 150018,
        .revisions = revisions,
        .revision_count = 1,
        .raw_bytes = sizeof text - 1,
        .rows = 3,
        .tables = &table,
        .table_count = 1};
    assert_true(belay_codec_encode(codec, text, sizeof text - 1, &frame, &err));
    assert_true(belay_archive_create(store, name, &w, &err));
    assert_true(belay_archive_add(w, "README.txt", "read me\n", 8, 8, 0, &err));
    assert_true(belay_archive_add(w, long_name, frame.data, frame.length, sizeof text - 1, 3, &err));
    if (!belay_archive_finish(w, &rest, &err))
        fail_msg("%s", err.message);
    if (publish && !belay_archive_publish(store, name, 1, NULL, &err))
        fail_msg("%s", err.message);
}

static void test_round_trip(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_free) char *content = NULL;
    size_t size = 0;
    write_one("dev/one.tar", true);
    if (!belay_archive_open(store, "dev/one.tar", &archive, &err) ||
        !belay_archive_verify(archive, 1, NULL, &err))
        fail_msg("%s", err.message);
    assert_true(belay_archive_read_decoded(archive, long_name, &content, &size, &err));
    assert_string_equal(content, text);
    const belay_manifest *m = belay_archive_manifest(archive);
    assert_int_equal(m->table_count, 1);
    assert_string_equal(m->tables[0].columns[1], "word");
    assert_string_equal(m->revisions[0], "3f2a9c1b7d10");
    assert_null(belay_manifest_find(m, "toc.json"));
    assert_false(belay_archive_read_decoded(archive, "toc.json", &content, &size, &err));
}

static void test_unfinished_leaves_nothing(void **state)
{
    (void)state;
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = NULL;
    belay_store_listing listing = {0};
    assert_true(belay_archive_create(store, "gone/x.tar", &w, NULL));
    assert_true(belay_archive_add(w, "README.txt", "x", 1, 1, 0, NULL));
    belay_archive_writer_free(belay_take(w));
    assert_true(store->list(store, "gone/", &listing, NULL));
    assert_int_equal(listing.count, 0);
    belay_store_listing_done(&listing);
}

/* False when the file, as changed, is taken for a whole snapshot. */
static bool is_refused(const char *name, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    return !belay_archive_open(store, name, &archive, err) || !belay_archive_verify(archive, 1, NULL, err);
}

static void test_every_flipped_byte_is_found(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *whole = NULL;
    size_t size = 0;
    write_one("dev/flip.tar", true);
    BELAY_AUTO(belay_free) char *path = belay_store_path(store, "dev/flip.tar");
    assert_true(belay_read_file(path, 1 << 20, &whole, &size, NULL));
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < size; i++) {
        belay_error err = {0};
        char flipped = (char)(whole[i] ^ (1 << (i % 8)));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        if (!is_refused("dev/flip.tar", &err))
            fail_msg("a flipped bit in byte %zu of %zu was not noticed", i, size);
        assert_true(err.message[0] != '\0');
        assert_int_equal(pwrite(fd, &whole[i], 1, (off_t)i), 1);
    }
    assert_false(is_refused("dev/flip.tar", NULL));
}

static void test_every_cut_is_found(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *whole = NULL;
    size_t size = 0;
    write_one("dev/cut.tar", true);
    BELAY_AUTO(belay_free) char *path = belay_store_path(store, "dev/cut.tar");
    assert_true(belay_read_file(path, 1 << 20, &whole, &size, NULL));
    for (size_t left = 0; left < size; left += left % 512 == 511 ? 1 : 511) {
        assert_true(belay_write_file_durably(path, whole, left, 0600, NULL));
        assert_true(is_refused("dev/cut.tar", NULL));
    }
}

static void test_names_are_refused(void **state)
{
    (void)state;
    BELAY_AUTO(belay_archive_writer_free) belay_archive_writer *w = NULL;
    assert_true(belay_archive_create(store, "dev/names.tar", &w, NULL));
    static const char *const bad[] = {"../x.zst", "data/../../x.zst", "/etc/passwd", "data//x.zst", "data/x",
        "other.txt", "data/a b/0.copy.zst", "data/-rf/0.copy.zst", "data/./x.zst", ""};
    for (size_t i = 0; i < BELAY_COUNT(bad); i++) {
        belay_error err = {0};
        assert_false(belay_archive_add(w, bad[i], "x", 1, 1, 0, &err));
        assert_int_equal(err.code, BELAY_E_INTERNAL);
    }
    BELAY_AUTO(belay_free) char *encoded = belay_member_encode("../a/b \n%");
    assert_string_equal(encoded, "%2E%2E%2Fa%2Fb%20%0A%25");
}

static void test_frames(void **state)
{
    (void)state;
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    BELAY_AUTO(belay_str_done) belay_str frame = BELAY_STR_INIT;
    belay_error err = {0};
    uint64_t raw = 0;
    BELAY_AUTO(belay_str_done) belay_str rows = BELAY_STR_INIT;
    for (int i = 0; i < 10000; i++)
        belay_str_append(&rows, text);
    assert_true(belay_codec_encode(codec, rows.data, rows.length, &frame, &err));
    assert_true(belay_codec_decode(codec, frame.data, frame.length, NULL, NULL, &raw, &err));
    assert_int_equal(raw, 10000 * (sizeof text - 1));
    assert_false(belay_codec_decode(codec, frame.data, frame.length - 1, NULL, NULL, &raw, &err));
    assert_false(belay_codec_decode(codec, "", 0, NULL, NULL, &raw, &err));
    belay_str_append(&frame, "x");
    assert_false(belay_codec_decode(codec, frame.data, frame.length, NULL, NULL, &raw, &err));
    assert_int_equal(err.code, BELAY_E_ARCHIVE);
}

/* Four bits of chance to a character: nothing repeats itself, and only entropy coding makes it smaller. */
static void append_hex(belay_str *to, size_t size_bytes, uint32_t seed)
{
    for (size_t i = 0; i < size_bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        belay_str_append_char(to, "0123456789abcdef"[seed >> 28]);
    }
}

static size_t encoded_size(belay_codec *codec, const belay_str *data)
{
    BELAY_AUTO(belay_str_done) belay_str frame = BELAY_STR_INIT;
    belay_error err = {0};
    uint64_t raw = 0;
    assert_true(belay_codec_encode(codec, data->data, data->length, &frame, &err));
    assert_true(belay_codec_decode(codec, frame.data, frame.length, NULL, NULL, &raw, &err));
    assert_int_equal(raw, data->length);
    return frame.length;
}

/* Bytes of chance are done in a hurry, which hex would pay for with twice the size; what is chosen for one
 * frame does not hold for the next. */
static void test_pace_of_level_one(void **state)
{
    (void)state;
    enum { BYTES = 2 * 1024 * 1024 };
    BELAY_AUTO(belay_codec_free) belay_codec *codec = belay_codec_new(1);
    BELAY_AUTO(belay_str_done) belay_str hex = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str noise = BELAY_STR_INIT;
    append_hex(&hex, BYTES, 1);
    for (uint32_t i = 0, seed = 1; i < BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        belay_str_append_char(&noise, (char)(seed >> 24));
    }
    for (int i = 0; i < 2; i++) {
        assert_in_range(encoded_size(codec, &noise), BYTES, BYTES + BYTES / 100);
        assert_in_range(encoded_size(codec, &hex), BYTES / 2, BYTES / 2 + BYTES / 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_unfinished_leaves_nothing),
        cmocka_unit_test(test_every_flipped_byte_is_found),
        cmocka_unit_test(test_every_cut_is_found),
        cmocka_unit_test(test_names_are_refused),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_pace_of_level_one),
    };
    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
