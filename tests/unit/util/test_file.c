/* Files: whole reads and writes, durable publication, folders. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "util/file.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    folder = belay_strdup("/tmp/belay-file.XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    bool ok = belay_remove_tree(folder, NULL);
    free(folder);
    return ok ? 0 : -1;
}

static void writes_durably_and_reads_back(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, "file");
    belay_error err = {0};
    assert_true(belay_write_file_durably(path, "one", 3, 0600, &err));
    assert_true(belay_write_file_durably(path, "a\0b", 3, 0600, &err));
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t length = 0;
    assert_true(belay_read_file(path, 3, &text, &length, &err));
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 4);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", path);
    assert_false(belay_file_exists(part));
    BELAY_AUTO(belay_free) char *none = NULL;
    assert_false(belay_read_file(path, 2, &none, NULL, &err));
    assert_non_null(strstr(err.message, "limit of 2 bytes"));
    assert_null(none);
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *in_the_way = belay_path_join(folder, "way");
    BELAY_AUTO(belay_free) char *below = belay_path_join(in_the_way, "below");
    assert_true(belay_make_folders(below, 0700, &err));
    assert_false(belay_write_file_durably(in_the_way, "x", 1, 0600, &err));
    assert_int_equal(err.code, BELAY_E_IO);
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", in_the_way);
    assert_false(belay_file_exists(part));
    assert_false(belay_read_file("/nonexistent/x", 10, NULL, NULL, &err));
    assert_int_equal(err.code, BELAY_E_NOT_FOUND);
    assert_false(belay_read_file(folder, 10, NULL, NULL, &err));
    assert_non_null(strstr(err.message, "is a folder"));
    assert_false(belay_write_file_durably("/nonexistent/x", "x", 1, 0600, &err));
}

static void a_full_disk_is_named(void **state)
{
    (void)state;
    BELAY_AUTO(belay_close_fd) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    belay_error err = {0};
    assert_false(belay_write_all(fd, "x", 1, "the journal", &err));
    assert_int_equal(err.code, BELAY_E_NO_SPACE);
    assert_non_null(strstr(err.message, "the journal"));
}

static void reads_at_offsets(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, "offsets");
    belay_error err = {0};
    assert_true(belay_write_file_durably(path, "0123456789", 10, 0600, &err));
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char data[8] = "";
    assert_true(belay_pread_exact(fd, data, 3, 4, path, &err));
    assert_string_equal(data, "456");
    assert_false(belay_pread_exact(fd, data, 3, 8, path, &err));
    assert_int_equal(err.code, BELAY_E_IO);
    char all[20];
    assert_int_equal(belay_read_full(fd, all, sizeof all, path, &err), 10);
    assert_int_equal(belay_read_full(fd, all, sizeof all, path, &err), 0);
}

static void makes_folders(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *deep = belay_path_join(folder, "a//b/c/");
    assert_true(belay_make_folders(deep, 0700, &err));
    assert_true(belay_make_folders(deep, 0700, &err));
    BELAY_AUTO(belay_free) char *file = belay_path_join(folder, "plain");
    assert_true(belay_write_file_durably(file, "", 0, 0600, &err));
    assert_false(belay_make_folders(file, 0700, &err));
    BELAY_AUTO(belay_free) char *under = belay_path_join(file, "x");
    assert_false(belay_make_folders(under, 0700, &err));
    assert_true(belay_make_folders("/", 0700, &err));
}

static void removing_does_not_follow_links(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *kept = belay_path_join(folder, "kept");
    BELAY_AUTO(belay_free) char *inside = belay_path_join(kept, "file");
    BELAY_AUTO(belay_free) char *gone = belay_path_join(folder, "gone");
    BELAY_AUTO(belay_free) char *link = belay_path_join(gone, "link");
    assert_true(belay_make_folders(kept, 0700, &err) && belay_make_folders(gone, 0700, &err));
    assert_true(belay_write_file_durably(inside, "x", 1, 0600, &err));
    assert_int_equal(symlink(kept, link), 0);
    assert_true(belay_remove_tree(gone, &err));
    assert_false(belay_file_exists(gone));
    assert_true(belay_file_exists(inside));
    assert_true(belay_remove_tree(gone, &err)); /* missing is fine */
}

static void takes_paths_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path, *folder, *base;
    } cases[] = {{"a/b", "a", "b"}, {"b", ".", "b"}, {"/b", "/", "b"}, {"/a/b.c", "/a", "b.c"}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        BELAY_AUTO(belay_free) char *got = belay_path_folder(cases[i].path);
        assert_string_equal(got, cases[i].folder);
        assert_string_equal(belay_path_base(cases[i].path), cases[i].base);
    }
    BELAY_AUTO(belay_free) char *absolute = belay_path_join("a", "/b");
    assert_string_equal(absolute, "/b");
    BELAY_AUTO(belay_free) char *slashed = belay_path_join("a/", "b");
    assert_string_equal(slashed, "a/b");
    BELAY_AUTO(belay_free) char *alone = belay_path_join("", "b");
    assert_string_equal(alone, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_durably_and_reads_back),
        cmocka_unit_test(failures_leave_nothing_behind),
        cmocka_unit_test(a_full_disk_is_named),
        cmocka_unit_test(reads_at_offsets),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(removing_does_not_follow_links),
        cmocka_unit_test(takes_paths_apart),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
