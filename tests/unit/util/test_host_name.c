/* The machine's name is that of uname(2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "util/host_name.h"

static void the_kernel_s_name_is_taken(void **state)
{
    (void)state;
    struct utsname kernel;
    char name[BELAY_HOST_NAME_SIZE];
    memset(name, 'x', sizeof name);
    assert_int_equal(uname(&kernel), 0);
    belay_host_name(name);
    assert_string_equal(name, *kernel.nodename == '\0' ? "unknown-host" : kernel.nodename);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_kernel_s_name_is_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
