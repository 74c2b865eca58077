/* How an estimate is worded. What it is made from: tests/integration/test_snapshots.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/estimate.h"

static void assert_text(double seconds, belay_estimate_basis basis, const char *expected)
{
    const belay_estimate estimate = {seconds, basis, NULL};
    BELAY_AUTO(belay_free) char *text = belay_estimate_text(&estimate);
    assert_string_equal(text, expected);
}

static void times_are_rounded(void **state)
{
    (void)state;
    assert_text(0, BELAY_BY_OWN_PROOF, "about 1 s, the time that its proof took");
    assert_text(119.4, BELAY_BY_OWN_PROOF, "about 119 s, the time that its proof took");
    assert_text(150, BELAY_BY_OWN_PROOF, "about 3 min, the time that its proof took");
    assert_text(3 * 3600 + 29, BELAY_BY_OTHER_PROOFS,
        "about 3 h 0 min, at the rate of earlier proofs of this target");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times_are_rounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
