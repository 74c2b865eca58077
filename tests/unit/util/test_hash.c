/* SHA-256 against its published vectors; row sums without order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/hash.h"

static void knows_the_published_digests(void **state)
{
    (void)state;
    char hex[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    belay_sha256_of("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void takes_pieces_and_starts_afresh(void **state)
{
    (void)state;
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    char whole[BELAY_SHA256_HEX_SIZE], pieces[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of("abc", 3, whole);
    for (int round = 0; round < 2; round++) {
        belay_sha256_update(hash, "a", 1);
        belay_sha256_update(hash, "", 0);
        belay_sha256_update(hash, "bc", 2);
        belay_sha256_finish(hash, pieces);
        assert_string_equal(pieces, whole);
    }
    belay_sha256_free(NULL);
}

static void row_sums_do_not_depend_on_order(void **state)
{
    (void)state;
    static const char *const rows[] = {"1\tone\n", "2\ttwo\n", "3\tthree\n", "3\tthree\n", ""};
    belay_rowsum forward = {0}, backward = {0}, left = {0}, right = {0}, fewer = {0};
    for (size_t i = 0; i < BELAY_COUNT(rows); i++) {
        belay_rowsum_add(&forward, rows[i], strlen(rows[i]));
        belay_rowsum_add(&backward, rows[BELAY_COUNT(rows) - 1 - i], strlen(rows[BELAY_COUNT(rows) - 1 - i]));
        belay_rowsum_add(i % 2 == 0 ? &left : &right, rows[i], strlen(rows[i]));
        if (i != 3)
            belay_rowsum_add(&fewer, rows[i], strlen(rows[i]));
    }
    assert_true(belay_rowsum_equal(&forward, &backward));
    assert_false(belay_rowsum_equal(&forward, &fewer)); /* one of two equal rows is missing */
    belay_rowsum_merge(&left, &right);
    assert_true(belay_rowsum_equal(&forward, &left));
    assert_int_equal(left.rows, 5);
    char a[BELAY_ROWSUM_HEX_SIZE], b[BELAY_ROWSUM_HEX_SIZE];
    belay_rowsum_hex(&forward, a);
    belay_rowsum_hex(&left, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 32);
}

static void sums_carry(void **state)
{
    (void)state;
    belay_rowsum sum = {.low = UINT64_MAX, .high = 1, .rows = 1};
    const belay_rowsum one = {.low = 1, .high = 0, .rows = 1};
    belay_rowsum_merge(&sum, &one);
    assert_true(sum.low == 0 && sum.high == 2 && sum.rows == 2);
    char hex[BELAY_ROWSUM_HEX_SIZE];
    belay_rowsum_hex(&sum, hex);
    assert_string_equal(hex, "00000000000000020000000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_published_digests),
        cmocka_unit_test(takes_pieces_and_starts_afresh),
        cmocka_unit_test(row_sums_do_not_depend_on_order),
        cmocka_unit_test(sums_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
