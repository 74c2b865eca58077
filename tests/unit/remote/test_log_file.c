/* Log files of this machine: what was written since a mark, whatever became of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "remote/log_file.h"
#include "util/file.h"

enum { TIME_MS = 20000, MOST_BYTES = 1000 };

static char folder[] = "/tmp/belay-log.XXXXXX";
static belay_target target = {.project_root = folder};
static belay_log_file file;

static void write_text(const char *text, const char *mode)
{
    FILE *to = fopen(file.path, mode);
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
}

static belay_log_mark mark_now(void)
{
    belay_log_mark mark = {0};
    belay_error err = {0};
    if (!belay_log_mark_end(&target, &file, TIME_MS, &mark, &err))
        fail_msg("%s", err.message);
    return mark;
}

static uint64_t since(const belay_log_mark *mark, const char *expected)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_error err = {0};
    uint64_t left_out = 0;
    if (!belay_log_read(&target, &file, mark, MOST_BYTES, TIME_MS, &text, &left_out, &err))
        fail_msg("%s", err.message);
    assert_string_equal(belay_str_text(&text), expected);
    return left_out;
}

static void gives_what_was_written_since(void **state)
{
    (void)state;
    write_text("before\n", "w");
    belay_log_mark mark = mark_now();
    since(&mark, "");
    write_text("one\ntwo\n", "a");
    assert_int_equal(since(&mark, "one\ntwo\n"), 0);
}

static void another_file_of_that_name_is_all_new(void **state)
{
    (void)state;
    write_text("a long line of before\n", "w");
    belay_log_mark mark = mark_now();
    BELAY_AUTO(belay_free) char *old = belay_format("%s.1", file.path);
    assert_int_equal(rename(file.path, old), 0);
    write_text("a line of the new file, which is longer than the old one was\n", "w");
    since(&mark, "a line of the new file, which is longer than the old one was\n");
    unlink(old);
}

static void a_file_made_empty_is_all_new(void **state)
{
    (void)state;
    write_text("a long line of before\n", "w");
    belay_log_mark mark = mark_now();
    write_text("short\n", "w");
    since(&mark, "short\n");
}

static void a_file_that_is_not_there_says_nothing(void **state)
{
    (void)state;
    unlink(file.path);
    belay_log_mark mark = mark_now();
    assert_string_equal(mark.file, "none");
    since(&mark, "");
    write_text("the first line\n", "w");
    since(&mark, "the first line\n");
    unlink(file.path);
    since(&mark, "");
}

static void only_the_last_bytes_are_kept(void **state)
{
    (void)state;
    write_text("before\n", "w");
    belay_log_mark mark = mark_now();
    char line[MOST_BYTES + 1];
    memset(line, 'x', MOST_BYTES - 1);
    line[MOST_BYTES - 1] = '\n';
    line[MOST_BYTES] = '\0';
    write_text("left out\n", "a");
    write_text(line, "a");
    assert_int_equal(since(&mark, line), strlen("left out\n"));
}

static void note(void *context, bool is_stderr, const char *line)
{
    if (!is_stderr)
        belay_list_add(context, line);
}

static void the_last_lines_without_following(void **state)
{
    (void)state;
    write_text("1\n2\n3\n", "w");
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_log_mark mark = {0};
    belay_error err = {0};
    const belay_log_tail how = {
        .target = &target, .log = &file, .lines = 2, .on_line = note, .context = &lines};
    assert_true(belay_log_run_tail(&how, &mark, &err));
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines, ",");
    assert_string_equal(joined, "2,3");
    unlink(file.path);
    assert_false(belay_log_run_tail(&how, &mark, &err));
    assert_int_equal(err.code, BELAY_E_NOT_FOUND);
    assert_non_null(strstr(err.message, file.path));
}

typedef struct reader {
    belay_list lines;
    size_t wanted;
    atomic_bool over;
} reader;

static void count(void *context, bool is_stderr, const char *line)
{
    reader *r = context;
    note(&r->lines, is_stderr, line);
    if (r->lines.count == r->wanted)
        atomic_store(&r->over, true);
}

/* As after a lost connection: the second call begins where the first one ended. */
static void the_mark_moves_along(void **state)
{
    (void)state;
    write_text("1\n2\n3\n", "w");
    reader r = {.wanted = 2};
    belay_log_mark mark = {0};
    belay_error err = {0};
    const belay_log_tail how = {.target = &target,
        .log = &file,
        .lines = 2,
        .follow = true,
        .given_up = &r.over,
        .on_line = count,
        .context = &r};
    assert_false(belay_log_run_tail(&how, &mark, &err));
    assert_int_equal(err.code, BELAY_E_CANCELLED);
    write_text("4\n", "a");
    r.wanted = 3;
    atomic_store(&r.over, false);
    assert_false(belay_log_run_tail(&how, &mark, &err));
    assert_int_equal(err.code, BELAY_E_CANCELLED);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&r.lines, ",");
    assert_string_equal(joined, "2,3,4");
    belay_list_done(&r.lines);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    file.path = belay_format("%s/it's $HOME.log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(file.path);
    return belay_remove_tree(folder, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_written_since),
        cmocka_unit_test(another_file_of_that_name_is_all_new),
        cmocka_unit_test(a_file_made_empty_is_all_new),
        cmocka_unit_test(a_file_that_is_not_there_says_nothing),
        cmocka_unit_test(only_the_last_bytes_are_kept),
        cmocka_unit_test(the_last_lines_without_following),
        cmocka_unit_test(the_mark_moves_along),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
