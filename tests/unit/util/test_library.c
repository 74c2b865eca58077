#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/library.h"

int belay_test_nowhere(int number); /* declared, and in no library */

#define FOUND(X) X(floor) X(ceil)
BELAY_LIBRARY(found, "libm.so.6", "libc6", FOUND)
#define MISSING(X) X(floor)
BELAY_LIBRARY(missing, "libbelaytest.so.9", "libbelaytest9", MISSING)
#define TOO_OLD(X) X(floor) X(belay_test_nowhere)
BELAY_LIBRARY(too_old, "libm.so.6", "libc6", TOO_OLD)

static void functions_can_be_called_once_it_is_loaded(void **state)
{
    (void)state;
    assert_null(found.floor);
    assert_true(belay_library_load(&found_library, NULL));
    assert_true(belay_library_load(&found_library, NULL));
    assert_true(found.floor(1.5) < 1.25);
    assert_true(found.ceil(1.5) > 1.75);
}

static void a_missing_library_is_named_with_its_package(void **state)
{
    (void)state;
    belay_error err = {0};
    assert_false(belay_library_load(&missing_library, &err));
    assert_int_equal(err.code, BELAY_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libbelaytest.so.9"));
    assert_non_null(strstr(err.hint, "libbelaytest9"));
    assert_null(missing.floor);
}

static void a_missing_function_is_named(void **state)
{
    (void)state;
    belay_error err = {0};
    assert_false(belay_library_load(&too_old_library, &err));
    assert_int_equal(err.code, BELAY_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "belay_test_nowhere"));
    assert_null(too_old.belay_test_nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_can_be_called_once_it_is_loaded),
        cmocka_unit_test(a_missing_library_is_named_with_its_package),
        cmocka_unit_test(a_missing_function_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
