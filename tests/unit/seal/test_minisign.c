/* minisign's formats: what Debian's minisign made is read, what was made here is accepted, and no changed
 * byte is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal/minisign.h"

/* By minisign 0.11: a pair, and its signature of a file "test\n". */
static const char secret_text[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJaXOlZzBCHkFEMnhL5bXz3qaezGcvqCN"
    "/"
    "Zoh3VgftwrV2iy1TIxFZcekZhGeot/"
    "CLbzrH7vwFfuhV0KOiwnhu+CdGeND8ZiQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    "\n";
static const char public_text[] = "untrusted comment: minisign public key 7908C19C95CEA525\n"
                                  "RWQlpc6VnMEIecekZhGeot/CLbzrH7vwFfuhV0KOiwnhu+CdGeND8ZiQ\n";
static const char signature_text[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUQlpc6VnMEIeWwmpAJwKv0vrA+PgHNqAGf7uYsNv1dCcF/RDi6mG+a0FRSzUi/YCOgQ/o1yRaytnVcXzb/M96DP9n/LTQ9Lwwc=\n"
    "trusted comment: timestamp:1\tfile:f\thashed\n"
    "29gjvwMv3eanOjR4kxhALf6xykiIgZDqqUh0++DUWzuThSdDna7WY+/SjYxelC6aN6kqhaalNzram7FYpfkwCQ==\n";

static uint8_t hash[BELAY_BLAKE2B_BYTES];

static int set_up(void **state)
{
    (void)state;
    if (!belay_crypto_load(NULL))
        return 1;
    BELAY_AUTO(belay_blake2b_free) belay_blake2b *all = belay_blake2b_new();
    belay_blake2b_update(all, "te", 2);
    belay_blake2b_update(all, "st\n", 3);
    belay_blake2b_finish(all, hash);
    return 0;
}

static bool check(const char *text, const belay_sign_public *key, belay_error *err)
{
    BELAY_AUTO(belay_free) char *comment = NULL;
    return belay_signature_check(text, hash, key, 1, &comment, err);
}

static void test_by_minisign(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_signer signer;
    belay_sign_public key, same;
    char word[BELAY_SIGN_TEXT_SIZE];
    BELAY_AUTO(belay_free) char *comment = NULL;
    assert_true(belay_signer_read(secret_text, "f", &signer, &err));
    assert_true(belay_sign_public_read(public_text, "f", &key, &err));
    belay_sign_public_of(&signer, &same);
    assert_memory_equal(&key, &same, sizeof key);
    belay_sign_public_text(&key, word);
    assert_true(belay_sign_public_parse(word, &same));
    assert_memory_equal(&key, &same, sizeof key);
    assert_true(belay_signature_check(signature_text, hash, &key, 1, &comment, &err));
    assert_string_equal(comment, "timestamp:1\tfile:f\thashed");
}

static void test_made_here(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_signer signer;
    belay_sign_public key, read;
    BELAY_AUTO(belay_free_secret) char *secret = NULL;
    BELAY_AUTO(belay_free) char *public = NULL;
    belay_sign_generate(&secret, &public, &key);
    assert_true(belay_signer_read(secret, "f", &signer, &err));
    assert_true(belay_sign_public_read(public, "f", &read, &err));
    assert_memory_equal(&key, &read, sizeof key);
    BELAY_AUTO(belay_free) char *text = belay_signature_make(&signer, hash, "file:x");
    assert_true(check(text, &key, &err));
    hash[0] ^= 1;
    assert_false(check(text, &key, &err));
    assert_int_equal(err.code, BELAY_E_SIGNATURE);
    hash[0] ^= 1;
}

/* All but the comment that nobody trusts. */
static void test_every_byte_counts(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_sign_public key;
    char text[sizeof signature_text];
    size_t first = strcspn(signature_text, "\n") + 1;
    assert_true(belay_sign_public_read(public_text, "f", &key, &err));
    for (size_t at = first; at + 2 < sizeof signature_text; at++) {
        memcpy(text, signature_text, sizeof text);
        text[at] ^= 1;
        err = (belay_error){0};
        if (check(text, &key, &err))
            fail_msg("byte %zu was changed and nobody noticed", at);
        assert_int_equal(err.code, BELAY_E_SIGNATURE);
        text[at] = '\0';
        assert_false(check(text, &key, &err));
    }
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_signer signer;
    belay_sign_public key;
    char text[sizeof secret_text];
    size_t first = strcspn(secret_text, "\n") + 1;
    memcpy(text, secret_text, sizeof text);
    text[first + 3] = 'T'; /* kdf */
    assert_false(belay_signer_read(text, "f", &signer, &err));
    memcpy(text, secret_text, sizeof text);
    text[first + 90] ^= 1; /* the key's first half no longer fits to its second */
    assert_false(belay_signer_read(text, "f", &signer, &err));
    assert_false(belay_signer_read(public_text, "f", &signer, &err));
    assert_false(belay_sign_public_read(secret_text, "f", &key, &err));
    assert_false(belay_sign_public_parse("", &key));
    assert_false(belay_sign_public_parse("RWQlpc6VnMEIecekZhGeot", &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_minisign), cmocka_unit_test(test_made_here),
        cmocka_unit_test(test_every_byte_counts), cmocka_unit_test(test_keys_that_are_none)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
