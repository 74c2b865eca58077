/* Strings: the builder and its maximum, spans, numbers, durations, lists. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/error.h"
#include "util/str.h"

static void builds(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_INIT;
    assert_string_equal(belay_str_text(&s), "");
    belay_str_append(&s, "ab");
    belay_str_append_n(&s, "cdX", 2);
    belay_str_append_char(&s, 'e');
    belay_str_appendf(&s, "%d%s", 12, "f");
    assert_string_equal(belay_str_text(&s), "abcde12f");
    assert_int_equal(s.length, 8);
    belay_str_clear(&s);
    assert_string_equal(belay_str_text(&s), "");
    belay_str_append_n(&s, "a\0b", 3);
    assert_int_equal(s.length, 3);
    assert_memory_equal(s.data, "a\0b", 4);
}

static void stops_at_its_maximum(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_MAX(8);
    belay_str_append(&s, "1234567"); /* length < max */
    belay_error err = {0};
    assert_true(belay_str_check(&s, "x", &err));
    belay_str_append(&s, "8");
    assert_false(belay_str_check(&s, "the buffer", &err));
    assert_non_null(strstr(err.message, "the buffer"));
    belay_str_append(&s, "");
    assert_string_equal(belay_str_text(&s), "1234567"); /* whole, and it stays so */
    assert_true(s.failed);
    belay_str_clear(&s);
    belay_str_append(&s, "ok");
    assert_true(belay_str_check(&s, "x", &err));
    belay_str_append_n(&s, "x", SIZE_MAX - 1);
    assert_true(s.failed);
}

static void gives_its_memory_away(void **state)
{
    (void)state;
    belay_str s = BELAY_STR_INIT;
    BELAY_AUTO(belay_free) char *empty = belay_str_steal(&s);
    assert_string_equal(empty, "");
    belay_str_append(&s, "x");
    BELAY_AUTO(belay_free) char *text = belay_str_steal(&s);
    assert_string_equal(text, "x");
    assert_null(s.data);
}

static void spans(void **state)
{
    (void)state;
    belay_span trimmed = belay_span_trim(belay_span_of(" \t a b\r\n"));
    assert_true(belay_span_equals(trimmed, "a b"));
    assert_false(belay_span_equals(trimmed, "a b "));
    assert_int_equal(belay_span_trim(belay_span_of(" \n ")).length, 0);
    assert_true(belay_starts_with("abc", "ab") && belay_starts_with("abc", ""));
    assert_false(belay_starts_with("a", "ab"));
    assert_true(belay_ends_with("abc", "bc") && belay_ends_with("abc", ""));
    assert_false(belay_ends_with("c", "bc"));
}

static void numbers(void **state)
{
    (void)state;
    long long value = 5;
    assert_true(belay_parse_int64("-9223372036854775808", &value));
    assert_true(value == LLONG_MIN);
    assert_true(belay_parse_int64("9223372036854775807", &value));
    assert_true(value == LLONG_MAX);
    static const char *const bad[] = {
        "", " 1", "1 ", "1x", "x", "9223372036854775808", "0x10", "1.5", "-", "\xC3\xA9"};
    for (size_t i = 0; i < BELAY_COUNT(bad); i++) {
        value = 77;
        assert_false(belay_parse_int64(bad[i], &value));
        assert_true(value == 77);
    }
    assert_false(belay_parse_int64(NULL, &value));
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t bytes;
    } cases[] = {{"0", true, 0}, {"512", true, 512}, {"512B", true, 512}, {"1kB", true, 1024},
        {"20 MB", true, 20971520}, {"1G", true, 1073741824}, {"2TB", true, 2199023255552},
        {"16383P", true, 16383ull << 50}, {"16384P", false, 0}, {"", false, 0}, {"G", false, 0},
        {"-1", false, 0}, {"1.5G", true, 1610612736}, {"1.25 GiB", true, 1342177280}, {"1kiB", true, 1024},
        {"1.7", true, 1}, {"1.G", false, 0}, {"1iB", false, 0}, {"1Gi", false, 0}, {"1..5G", false, 0},
        {"1GBx", false, 0}, {"1 2", false, 0}, {"99999999999999999999", false, 0}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        uint64_t bytes = 7;
        assert_true(belay_parse_bytes(cases[i].text, &bytes) == cases[i].ok);
        assert_true(bytes == (cases[i].ok ? cases[i].bytes : 7));
    }
    assert_false(belay_parse_bytes(NULL, NULL));
}

static void rates(void **state)
{
    (void)state;
    uint64_t rate = 7;
    assert_true(belay_parse_rate("50MB/s", &rate) && rate == 50 << 20);
    assert_true(belay_parse_rate("50MB", &rate) && rate == 50 << 20);
    assert_true(belay_parse_rate("1.5GiB/s", &rate) && rate == 1610612736);
    assert_true(belay_parse_rate("0", &rate) && rate == 0);
    rate = 7;
    assert_false(belay_parse_rate("/s", &rate) || belay_parse_rate("50MB/h", &rate) ||
                 belay_parse_rate("fast", &rate));
    assert_false(belay_parse_rate("50MB/s/s", &rate) || belay_parse_rate(NULL, &rate));
    assert_true(rate == 7);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long long ms; /* -1: not one */
    } cases[] = {{"250ms", 250}, {"5s", 5000}, {"2min", 120000}, {"1h", 3600000}, {"1500", 1500}, {"0", 0},
        {"", -1}, {"s", -1}, {"5 parsecs", -1}, {"-5s", -1}, {"1.5s", -1}, {"9223372036854775807h", -1},
        {"5sx", -1}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        long long ms = -1;
        bool ok = belay_parse_duration_ms(cases[i].text, &ms);
        if (ok != (cases[i].ms >= 0) || (ok && ms != cases[i].ms))
            fail_msg("\"%s\": %s, %lld", cases[i].text, ok ? "taken" : "refused", ms);
    }
}

static void lists(void **state)
{
    (void)state;
    BELAY_AUTO(belay_list_done) belay_list list = {0};
    BELAY_AUTO(belay_free) char *none = belay_list_join(&list, ", ");
    assert_string_equal(none, "");
    belay_list_split(&list, " c, a  ,b,,", ", ");
    belay_list_add_owned(&list, belay_strdup("aa"));
    assert_int_equal(list.count, 4);
    assert_true(belay_list_has(&list, "b"));
    assert_false(belay_list_has(&list, ""));
    belay_list_sort(&list);
    BELAY_AUTO(belay_free) char *all = belay_list_join(&list, "-");
    assert_string_equal(all, "a-aa-b-c");
    for (int i = 0; i < 1000; i++)
        belay_list_add(&list, "more");
    assert_int_equal(list.count, 1004);
    assert_string_equal(list.items[1003], "more");
}

static void assert_printable(const char *text, const char *keep, const char *expected)
{
    BELAY_AUTO(belay_free) char *shown = belay_printable(text, keep);
    assert_string_equal(shown, expected);
}

static void control_characters_are_shown(void **state)
{
    (void)state;
    assert_printable("Größe \xE2\x82\xAC \\ plain", "", "Größe \xE2\x82\xAC \\ plain");
    assert_printable("a\nb\tc", "\n\t", "a\nb\tc");
    assert_printable("a\nb\tc\r", "", "a\\nb\\x09c\\x0d");
    assert_printable("\033[2J\177", "\n", "\\x1b[2J\\x7f");
    assert_printable("\xC2\x9B"
                     "31m\xE2\x80\xAEgnp\xE2\x81\xA6",
        "", "\\u009b31m\\u202egnp\\u2066");
    assert_printable("cut \xC2", "", "cut \xC2");
    assert_printable("cut \xE2\x80", "", "cut \xE2\x80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_shown),
        cmocka_unit_test(builds),
        cmocka_unit_test(stops_at_its_maximum),
        cmocka_unit_test(gives_its_memory_away),
        cmocka_unit_test(spans),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(rates),
        cmocka_unit_test(durations),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
