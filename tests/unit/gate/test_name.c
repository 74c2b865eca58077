/* Names of belay's own databases: at most 63 bytes, never a cut character, different for different names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/gate.h"

static const char run[] = "20251104T123400Z-3f2a9c";

static void short_names_stay_readable(void **state)
{
    (void)state;
    char name[BELAY_DBNAME_SIZE];
    belay_gate_name("bank", NULL, run, name);
    assert_string_equal(name, "bank__belay_3f2a9c");
    belay_gate_name("bank", "", run, name);
    assert_string_equal(name, "bank__belay_3f2a9c");
    belay_gate_name("bank", "twin", run, name);
    assert_string_equal(name, "bank__belay_twin_3f2a9c");
    belay_gate_name("bank", "failed", "plain", name);
    assert_string_equal(name, "bank__belay_failed_plain");
}

static bool is_whole_utf8(const char *text)
{
    size_t left = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (left > 0 && (*c & 0xC0) != 0x80)
            return false;
        if (left > 0)
            left--;
        else if (*c >= 0xF0)
            left = 3;
        else if (*c >= 0xE0)
            left = 2;
        else if (*c >= 0xC0)
            left = 1;
        else if (*c >= 0x80)
            return false;
    }
    return left == 0;
}

static void long_names_are_cut_at_characters(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x92\xB6"};
    for (size_t unit = 0; unit < BELAY_COUNT(units); unit++) {
        for (size_t front = 0; front < 4; front++) {
            char long_name[BELAY_DBNAME_SIZE] = "";
            size_t used = 0;
            for (; used < front; used++)
                long_name[used] = 'x';
            for (; used + strlen(units[unit]) < sizeof long_name; used += strlen(units[unit]))
                memcpy(long_name + used, units[unit], strlen(units[unit]));
            char name[BELAY_DBNAME_SIZE];
            belay_gate_name(long_name, "scratch", run, name);
            assert_true(strlen(name) <= 63);
            assert_true(is_whole_utf8(name));
            assert_true(belay_ends_with(name, "__belay_scratch_3f2a9c"));
        }
    }
}

static void cut_names_differ(void **state)
{
    (void)state;
    char a[BELAY_DBNAME_SIZE], b[BELAY_DBNAME_SIZE];
    belay_gate_name("the_same_beginning_of_a_very_long_database_name_that_ends_in_a", NULL, run, a);
    belay_gate_name("the_same_beginning_of_a_very_long_database_name_that_ends_in_b", NULL, run, b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_names_stay_readable),
        cmocka_unit_test(long_names_are_cut_at_characters),
        cmocka_unit_test(cut_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
