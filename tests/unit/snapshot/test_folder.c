#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot/parts.h"

static void expect(const char *schema, const char *name, const char *folder)
{
    BELAY_AUTO(belay_free) char *got = belay_taking_folder(schema, name);
    assert_string_equal(got, folder);
}

static void names_are_encoded(void **state)
{
    (void)state;
    expect("public", "accounts", "public.accounts");
    expect("a.b", "c", "a%2Eb.c");
    expect("a", "b.c", "a.b%2Ec");
    expect("..", "/etc/passwd", "%2E%2E.%2Fetc%2Fpasswd");
}

/* Commands would take it for an option. */
static void no_folder_begins_with_a_dash(void **state)
{
    (void)state;
    expect("-rf", "-x", "%2Drf.-x");
}

static void long_names_are_cut_and_stay_apart(void **state)
{
    (void)state;
    char schema[64];
    char name[64];
    memset(schema, '\xd0', sizeof schema - 1);
    memset(name, '\xd0', sizeof name - 1);
    schema[63] = name[63] = '\0';
    BELAY_AUTO(belay_free) char *first = belay_taking_folder(schema, name);
    name[62] = '\xd1';
    BELAY_AUTO(belay_free) char *second = belay_taking_folder(schema, name);
    assert_true(strlen(first) < 255);
    assert_string_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_encoded),
        cmocka_unit_test(no_folder_begins_with_a_dash),
        cmocka_unit_test(long_names_are_cut_and_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
