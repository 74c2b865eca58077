/* The few lines of our own over libsodium: HKDF against RFC 5869, Bech32 against a key of age-keygen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal/bech32.h"
#include "seal/crypto.h"
#include "util/hash.h"
#include "util/str.h"

static const char identity[] = "AGE-SECRET-KEY-13KJPNR3ZF5RN7QMPASVMTZG82E3QWKSMU9A4K7LEFPM85YD9U6VSGJ0KLY";
static const char recipient[] = "age1g0nmy55k5ld4w9j8vj8cgk7s5xh0h52r80pwze9hqkm47kyqz3rsefv40a";

static void test_hkdf(void **state)
{
    (void)state;
    static const char info[] = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9";
    uint8_t secret[22], salt[13], key[BELAY_KEY_BYTES];
    char hex[2 * BELAY_KEY_BYTES + 1];
    memset(secret, 0x0b, sizeof secret);
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)i;
    belay_hkdf(secret, sizeof secret, salt, sizeof salt, info, key);
    belay_hex(key, sizeof key, hex);
    assert_string_equal(hex, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    belay_hkdf(secret, sizeof secret, NULL, 0, "", key);
    belay_hex(key, sizeof key, hex);
    assert_string_equal(hex, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void test_bech32(void **state)
{
    (void)state;
    uint8_t secret[BELAY_KEY_BYTES], point[BELAY_KEY_BYTES], other[BELAY_KEY_BYTES];
    char text[BELAY_BECH32_SIZE];
    assert_true(belay_bech32_decode(identity, "age-secret-key-", secret));
    assert_true(belay_bech32_decode(recipient, "age", point));
    belay_x25519_public(secret, other);
    assert_memory_equal(other, point, sizeof point);
    belay_bech32_encode("AGE-SECRET-KEY-", secret, text);
    assert_string_equal(text, identity);
    belay_bech32_encode("age", point, text);
    assert_string_equal(text, recipient);
}

/* Any one character changed, a mixed case, something missing or more. */
static void test_bech32_damaged(void **state)
{
    (void)state;
    uint8_t point[BELAY_KEY_BYTES];
    char text[sizeof recipient + 1];
    for (size_t i = 0; i + 1 < sizeof recipient; i++) {
        memcpy(text, recipient, sizeof recipient);
        text[i] = text[i] == 'q' ? 'p' : 'q';
        assert_false(belay_bech32_decode(text, "age", point));
        text[i] = (char)(recipient[i] - ('a' - 'A'));
        assert_false(belay_bech32_decode(text, "age", point));
        text[i] = '\0';
        assert_false(belay_bech32_decode(text, "age", point));
    }
    memcpy(text, recipient, sizeof recipient);
    text[sizeof recipient - 1] = 'q';
    text[sizeof recipient] = '\0';
    assert_false(belay_bech32_decode(text, "age", point));
    assert_false(belay_bech32_decode(identity, "age", point));
}

static void test_base64_is_strict(void **state)
{
    (void)state;
    uint8_t bytes[8];
    size_t count = 0;
    assert_true(belay_base64_decode("AAE", 3, false, bytes, sizeof bytes, &count));
    assert_int_equal(count, 2);
    static const char *const wrong[] = {"AAF", "AAE=", "AA E", "AAE\n", "A", "AA-_", "AAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < BELAY_COUNT(wrong); i++)
        assert_false(belay_base64_decode(wrong[i], strlen(wrong[i]), false, bytes, sizeof bytes, &count));
}

static int load(void **state)
{
    (void)state;
    return !belay_crypto_load(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hkdf), cmocka_unit_test(test_bech32),
        cmocka_unit_test(test_bech32_damaged), cmocka_unit_test(test_base64_is_strict)};
    return cmocka_run_group_tests(tests, load, NULL);
}
