/* Errors as GitHub's runner reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/annotation.h"
#include "util/str.h"

static void says(const belay_error *err, const char *root, const char *expected)
{
    BELAY_AUTO(belay_free) char *text = belay_annotation(err, root);
    assert_string_equal(text, expected);
}

static void test_place(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_fail(&err, BELAY_E_SQL, "no such table");
    says(&err, NULL, "::error title=belay::no such table");
    belay_error_place(&err, "/src/app/migrations/a.sql", 7);
    says(&err, "/src/app", "::error file=migrations/a.sql,line=7,title=belay::no such table");
    says(&err, "/src/ap", "::error file=/src/app/migrations/a.sql,line=7,title=belay::no such table");
    belay_error_place(&err, "belay.ini", 0);
    says(&err, "", "::error file=belay.ini,title=belay::no such table");
}

static void test_escapes(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_fail(&err, BELAY_E_SQL, "100%%: a,\nb::c");
    belay_error_hint(&err, "do\r\nthis");
    belay_error_place(&err, "a:b,c%.sql", 1);
    says(&err, NULL, "::error file=a%3Ab%2Cc%25.sql,line=1,title=belay::100%25: a,%0Ab::c%0Ado%0D%0Athis");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_place), cmocka_unit_test(test_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
