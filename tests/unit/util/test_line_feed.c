/* Lines out of bytes, however these come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/line_feed.h"

static void note(void *context, bool is_stderr, const char *line)
{
    (void)is_stderr;
    belay_list_add(context, line);
}

static void the_pieces_do_not_matter(void **state)
{
    (void)state;
    static const char text[] = "one\n\ntwo words\nlast";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        BELAY_AUTO(belay_list_done) belay_list lines = {0};
        belay_line_feed feed = {.on_line = note, .context = &lines};
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t left = sizeof text - 1 - at;
            belay_line_feed_add(&feed, text + at, left < piece ? left : piece);
        }
        assert_int_equal(lines.count, 3);
        belay_line_feed_end(&feed);
        BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines, "|");
        assert_string_equal(joined, "one||two words|last");
    }
}

static void nothing_gives_no_line(void **state)
{
    (void)state;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_line_feed feed = {.on_line = note, .context = &lines};
    belay_line_feed_end(&feed);
    belay_line_feed_add(&feed, "a\n", 2);
    belay_line_feed_end(&feed);
    assert_int_equal(lines.count, 1);
    belay_line_feed silent = {0};
    belay_line_feed_add(&silent, "a\nb", 3);
    belay_line_feed_end(&silent);
}

static void what_comes_behind_a_nul_is_not_lost(void **state)
{
    (void)state;
    static const char bytes[] = "a\0b\n\0\nlast\0";
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_line_feed feed = {.on_line = note, .context = &lines};
    belay_line_feed_add(&feed, bytes, sizeof bytes - 1);
    belay_line_feed_end(&feed);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines, "|");
    assert_string_equal(joined, "ab||last");
}

static void a_line_without_end_takes_bounded_memory(void **state)
{
    (void)state;
    enum { PIECES = 40, PIECE = 10000 };
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    BELAY_AUTO(belay_free) char *piece = belay_alloc(PIECE);
    belay_line_feed feed = {.on_line = note, .context = &lines};
    memset(piece, 'x', PIECE);
    for (int i = 0; i < PIECES; i++) {
        belay_line_feed_add(&feed, piece, PIECE);
        assert_true(feed.line.capacity <= 4 * BELAY_LINE_MAX_BYTES);
    }
    belay_line_feed_end(&feed);
    size_t total = 0;
    for (size_t i = 0; i < lines.count; i++) {
        assert_true(strlen(lines.items[i]) <= BELAY_LINE_MAX_BYTES);
        total += strlen(lines.items[i]);
    }
    assert_int_equal(total, PIECES * PIECE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pieces_do_not_matter),
        cmocka_unit_test(nothing_gives_no_line),
        cmocka_unit_test(what_comes_behind_a_nul_is_not_lost),
        cmocka_unit_test(a_line_without_end_takes_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
