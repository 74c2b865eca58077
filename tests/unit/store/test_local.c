/* The store in a folder: what is published is whole, private, and inside the folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "util/file.h"

typedef struct fixture {
    char folder[64];
    char *path;
    belay_store *store;
} fixture;

static int set_up(void **state)
{
    fixture *f = belay_alloc(sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/belay-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = belay_format("%s/store", f->folder);
    assert_true(belay_store_open(f->path, NULL, &f->store, NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    belay_store_free(f->store);
    belay_remove_tree(f->folder, NULL);
    free(f->path);
    free(f);
    return 0;
}

static void assert_content(belay_store *store, const char *name, const char *expected)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    assert_true(belay_store_read_all(store, name, 1000, &text, &size, NULL));
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
}

static void objects_are_written_whole_and_private(void **state)
{
    fixture *f = *state;
    assert_true(belay_store_write_all(f->store, "bank/a.tar", "hello", 5, NULL));
    assert_content(f->store, "bank/a.tar", "hello");
    struct stat status;
    BELAY_AUTO(belay_free) char *file = belay_store_path(f->store, "bank/a.tar");
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    BELAY_AUTO(belay_free) char *folder = belay_store_path(f->store, "bank");
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    BELAY_AUTO(belay_free) char *part = belay_store_path(f->store, "bank/a.tar.part");
    assert_false(belay_file_exists(part));
}

static void who_writes_holds_the_name(void **state)
{
    fixture *f = *state;
    static const char name[] = "bank/a.tar.part";
    belay_sink *sink = NULL;
    assert_false(f->store->is_held(f->store, name));
    assert_true(f->store->create(f->store, name, &sink, NULL));
    assert_true(f->store->is_held(f->store, name));
    belay_sink_close(sink);
    assert_false(f->store->is_held(f->store, name));
}

static void journals_grow(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
        assert_true(f->store->append(f->store, "bank/runs/r/journal.ndjson", &sink, NULL));
        assert_true(sink->write(sink, "line\n", 5, NULL));
        assert_true(sink->sync(sink, NULL));
    }
    assert_content(f->store, "bank/runs/r/journal.ndjson", "line\nline\n");
}

static void listings_are_sorted_and_below_the_prefix(void **state)
{
    fixture *f = *state;
    const char *names[] = {"bank/z.tar", "bank/runs/1/journal.ndjson", "bank/a.tar", "other/a.tar"};
    for (size_t i = 0; i < BELAY_COUNT(names); i++)
        assert_true(belay_store_write_all(f->store, names[i], "x", 1, NULL));
    BELAY_AUTO(belay_store_listing_done) belay_store_listing found = {0};
    assert_true(f->store->list(f->store, "bank/", &found, NULL));
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0].name, "bank/a.tar");
    assert_string_equal(found.items[1].name, "bank/runs/1/journal.ndjson");
    assert_string_equal(found.items[2].name, "bank/z.tar");
    assert_int_equal(found.items[2].size_bytes, 1);
    BELAY_AUTO(belay_store_listing_done) belay_store_listing none = {0};
    assert_true(f->store->list(f->store, "nowhere/", &none, NULL));
    assert_int_equal(none.count, 0);

    BELAY_AUTO(belay_list_done) belay_list folders = {0};
    BELAY_AUTO(belay_list_done) belay_list no_folders = {0};
    assert_true(belay_store_write_all(f->store, "bank/runs/0/journal.ndjson", "x", 1, NULL));
    assert_true(belay_store_write_all(f->store, "bank/runs/ended", "x", 1, NULL));
    assert_true(f->store->folders(f->store, "bank/runs", &folders, NULL));
    assert_int_equal(folders.count, 2);
    assert_string_equal(folders.items[0], "0");
    assert_string_equal(folders.items[1], "1");
    assert_true(f->store->folders(f->store, "bank/nowhere", &no_folders, NULL));
    assert_true(f->store->folders(f->store, "nowhere/runs", &no_folders, NULL));
    assert_int_equal(no_folders.count, 0);
    assert_false(f->store->folders(f->store, "bank/a.tar", &no_folders, NULL));
}

static void objects_are_renamed_and_removed(void **state)
{
    fixture *f = *state;
    assert_true(belay_store_write_all(f->store, "a.part", "x", 1, NULL));
    assert_true(f->store->rename(f->store, "a.part", "sub/a", NULL));
    assert_content(f->store, "sub/a", "x");
    assert_true(f->store->remove(f->store, "sub/a", NULL));
    assert_true(f->store->remove(f->store, "sub/a", NULL));
    assert_true(f->store->remove(f->store, "no/such/folder", NULL));
    belay_error err;
    belay_source *source = NULL;
    assert_false(f->store->open(f->store, "sub/a", &source, &err));
    assert_int_equal(err.code, BELAY_E_NOT_FOUND);
    assert_false(f->store->rename(f->store, "a.part", "b", &err));
    assert_int_equal(err.code, BELAY_E_NOT_FOUND);
}

static void names_stay_inside(void **state)
{
    fixture *f = *state;
    const char *bad[] = {"", "/a", "../a", "a/../b", "a/..", ".", "a//b", "a/", "a\nb", "a\x7f", "./a"};
    for (size_t i = 0; i < BELAY_COUNT(bad); i++) {
        assert_false(belay_store_check_name(bad[i], NULL));
        assert_false(belay_store_write_all(f->store, bad[i], "x", 1, NULL));
    }
    assert_true(belay_store_check_name("bank/..a/a..b/...", NULL));
}

static void links_are_not_followed(void **state)
{
    fixture *f = *state;
    BELAY_AUTO(belay_free) char *outside = belay_format("%s/outside", f->folder);
    assert_int_equal(mkdir(outside, 0700), 0);
    BELAY_AUTO(belay_free) char *file = belay_format("%s/secret", outside);
    assert_true(belay_write_file_durably(file, "x", 1, 0600, NULL));
    BELAY_AUTO(belay_free) char *folder_link = belay_store_path(f->store, "link");
    BELAY_AUTO(belay_free) char *file_link = belay_store_path(f->store, "file");
    assert_int_equal(symlink(outside, folder_link), 0);
    assert_int_equal(symlink(file, file_link), 0);
    belay_source *source = NULL;
    assert_false(f->store->open(f->store, "link/secret", &source, NULL));
    assert_false(f->store->open(f->store, "file", &source, NULL));
    assert_false(belay_store_write_all(f->store, "link/new", "x", 1, NULL));
    BELAY_AUTO(belay_store_listing_done) belay_store_listing found = {0};
    assert_true(f->store->list(f->store, "", &found, NULL));
    assert_int_equal(found.count, 0);
}

static void a_fifo_is_refused(void **state)
{
    fixture *f = *state;
    BELAY_AUTO(belay_free) char *path = belay_store_path(f->store, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    belay_source *source = NULL;
    assert_false(f->store->open(f->store, "fifo", &source, NULL));
}

static void a_failed_write_leaves_nothing(void **state)
{
    fixture *f = *state;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char data[8192] = {0};
    belay_error err;
    bool written = belay_store_write_all(f->store, "big", data, sizeof data, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(written);
    assert_int_equal(err.code, BELAY_E_IO);
    assert_non_null(strstr(err.message, "big.part"));
    BELAY_AUTO(belay_store_listing_done) belay_store_listing found = {0};
    assert_true(f->store->list(f->store, "", &found, NULL));
    assert_int_equal(found.count, 0);
}

static void reads_need_every_byte(void **state)
{
    fixture *f = *state;
    assert_true(belay_store_write_all(f->store, "a", "0123456789", 10, NULL));
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    assert_true(f->store->open(f->store, "a", &source, NULL));
    char buffer[16];
    assert_true(source->read(source, 3, buffer, 4, NULL));
    assert_memory_equal(buffer, "3456", 4);
    assert_false(source->read(source, 8, buffer, 4, NULL));
    uint64_t bytes = 0;
    assert_true(f->store->free_space(f->store, &bytes, NULL));
    assert_true(bytes > 0);
}

static void other_kinds_are_refused_by_name(void **state)
{
    (void)state;
    belay_store *store = NULL;
    belay_error err;
    assert_false(belay_store_open("s3://bucket", NULL, &store, &err));
    assert_non_null(strstr(err.message, "\"s3\""));
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(objects_are_written_whole_and_private),
        WITH_STORE(who_writes_holds_the_name),
        WITH_STORE(journals_grow),
        WITH_STORE(listings_are_sorted_and_below_the_prefix),
        WITH_STORE(objects_are_renamed_and_removed),
        WITH_STORE(names_stay_inside),
        WITH_STORE(links_are_not_followed),
        WITH_STORE(a_fifo_is_refused),
        WITH_STORE(a_failed_write_leaves_nothing),
        WITH_STORE(reads_need_every_byte),
        cmocka_unit_test(other_kinds_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
