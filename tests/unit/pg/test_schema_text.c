/* Definitions before and after a dump and restore get one form; different meanings keep different forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pg/schema_hash.h"
#include "pg/schema_text.h"

static void assert_text(const char *from, const char *wanted)
{
    BELAY_AUTO(belay_free) char *got = belay_schema_text(from);
    assert_string_equal(got, wanted);
}

static void test_array_casts(void **state)
{
    (void)state;
    const char *restored =
        "CHECK (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b,]'::character "
        "varying)::text])))";
    assert_text("CHECK (((status)::text = ANY ((ARRAY['a'::character varying, 'b,]'::character "
                "varying])::text[])))",
        restored);
    assert_text(restored, restored);
}

static void test_nested_and(void **state)
{
    (void)state;
    assert_text("CHECK ((((a >= 1) AND (a <= 2)) AND (b)))", "CHECK (((a >= 1) AND (a <= 2) AND (b)))");
    assert_text("((a AND b) OR c)", "((a AND b) OR c)");
    assert_text("(a AND (b OR c))", "(a AND (b OR c))");
    assert_text("f((a AND b), c)", "f((a AND b), c)");
}

static void test_quotes_are_opaque(void **state)
{
    (void)state;
    assert_text("'((a AND b) AND c)'", "'((a AND b) AND c)'");
    assert_text("$x$ ((a AND b) AND c) $x$", "$x$ ((a AND b) AND c) $x$");
    assert_text("E'\\'((a AND b) AND c)'", "E'\\'((a AND b) AND c)'");
    assert_text("\"(((\" (", "\"(((\" ()");
}

static void test_difference(void **state)
{
    (void)state;
    assert_null(belay_schema_difference("a\nb\n", "a\nb\n", 5));
    BELAY_AUTO(belay_free) char *text = belay_schema_difference("a\nb\nd\n", "a\nc\nd\ne\n", 2);
    assert_string_equal(text, "- b\n+ c\n... and 1 more\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_array_casts), cmocka_unit_test(test_nested_and),
        cmocka_unit_test(test_quotes_are_opaque), cmocka_unit_test(test_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
