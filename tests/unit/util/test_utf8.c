/* UTF-8: what is valid, and texts that come in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/utf8.h"

static void knows_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t good;
        bool whole;
    } cases[] = {{"", 0, true}, {"plain ASCII text, longer than a word", 36, true},
        {"\xC3\xA4\xE2\x82\xAC", 5, true}, {"\xF0\x9F\x98\x80", 4, true}, {"ab\xC3", 3, false},
        {"ab\xC3x", 3, false}, {"\xC0\x80", 0, true}, {"\xE0\x80\x80", 1, false}, {"\xED\xA0\x80", 1, false},
        {"\xF4\x90\x80\x80", 1, false}, {"\xF5", 0, true}, {"12345678\x80", 8, true},
        {"1234567\xE9 and so on", 8, false}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        belay_utf8 utf8 = {0};
        assert_int_equal(belay_utf8_check(&utf8, cases[i].text, strlen(cases[i].text)), cases[i].good);
        if (cases[i].good == strlen(cases[i].text))
            assert_int_equal(belay_utf8_is_whole(&utf8), cases[i].whole);
    }
}

static void takes_pieces(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA4 b\xE2\x82\xAC c\xF0\x9F\x98\x80 d";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        belay_utf8 utf8 = {0};
        assert_int_equal(belay_utf8_check(&utf8, text, cut), cut);
        assert_int_equal(belay_utf8_check(&utf8, text + cut, sizeof text - 1 - cut), sizeof text - 1 - cut);
        assert_true(belay_utf8_is_whole(&utf8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(knows_what_is_wrong), cmocka_unit_test(takes_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
