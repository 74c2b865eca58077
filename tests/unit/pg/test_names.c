/* Names in COPY statements under any client_encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/names.h"

static void assert_ident(const char *name, bool plain, const char *expected)
{
    BELAY_AUTO(belay_free) char *quoted = belay_name_ident(name, plain);
    assert_string_equal(quoted, expected);
}

static void names_are_quoted(void **state)
{
    (void)state;
    assert_ident("Odd \"name\"", true, "\"Odd \"\"name\"\"\"");
    assert_ident("Odd \"name\"", false, "\"Odd \"\"name\"\"\"");
    assert_ident("größe", true, "\"größe\"");
}

static void other_characters_are_escaped_when_the_encoding_is_not_utf8(void **state)
{
    (void)state;
    assert_ident("gr\xc3\xb6\xc3\x9f\x65", false, "U&\"gr\\+0000f6\\+0000dfe\"");
    assert_ident("a\\\"\xe2\x82\xac", false, "U&\"a\\\\\"\"\\+0020ac\"");
    assert_ident("\xf0\x9f\x98\x80", false, "U&\"\\+01f600\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_quoted),
        cmocka_unit_test(other_characters_are_escaped_when_the_encoding_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
