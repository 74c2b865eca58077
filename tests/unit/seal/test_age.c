/* Files of age: what was written is read at any offset; what was changed or cut off is found. A file of
 * Debian's age is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal/age_file.h"
#include "support/scratch_store.h"
#include "util/clock.h"

enum { PIECE = 64 * 1024, SEALED = PIECE + 16, SIZE_MAX_BYTES = 3 * PIECE };

static const char identity[] = "AGE-SECRET-KEY-13KJPNR3ZF5RN7QMPASVMTZG82E3QWKSMU9A4K7LEFPM85YD9U6VSGJ0KLY";
static const char recipient[] = "age1g0nmy55k5ld4w9j8vj8cgk7s5xh0h52r80pwze9hqkm47kyqz3rsefv40a";
static const char name[] = "t/x.age";

/* "hello\n", by age 1.1.1. */
static const char by_age[] =
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBCeGNlejRMeTBMZE1ieCt0aXM5TE1ld3h5VWRSNUd1bzU4bXBMTVNQalZNClgv"
    "Z0hGY08zZjVEV2s5YkQxbVBGOFErSmIxYmpUa0h5YUdkU1lVbWluRUkKLS0tIFdsdys0MFNjVjZhWUg4UHgzYU44dzFSdU5SMmljVUNE"
    "R2Y2MDZZYXBUNzQKX2KOTXOO9Vx/3e+wmQZcVxnOuosToD7qArifJiKrxqHyzyspRxE=";

static belay_age_identities mine;
static uint8_t plain[SIZE_MAX_BYTES];

static int set_up(void **state)
{
    if (scratch_set_up(state) != 0 || !belay_crypto_load(NULL))
        return 1;
    belay_random_bytes(plain, sizeof plain);
    return !belay_age_identities_read(&mine, identity, "identity", NULL);
}

static int tear_down(void **state)
{
    belay_age_identities_done(&mine);
    return scratch_tear_down(state);
}

/* Written in pieces of `step` bytes. */
static void encrypt(size_t size, size_t step)
{
    belay_age_recipients to = {0};
    belay_error err = {0};
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    uint8_t file_key[BELAY_AGE_FILE_KEY_BYTES];
    char other[BELAY_BECH32_SIZE], other_recipient[BELAY_BECH32_SIZE];
    belay_random_bytes(file_key, sizeof file_key);
    belay_age_generate(other, other_recipient);
    assert_true(belay_age_recipients_add(&to, other_recipient, &err));
    assert_true(belay_age_recipients_add(&to, recipient, &err));
    assert_true(store->create(store, name, &sink, &err));
    assert_true(belay_age_encrypt(sink, &to, file_key, &sink, &err));
    for (size_t at = 0; at < size; at += step)
        assert_true(sink->write(sink, plain + at, size - at < step ? size - at : step, &err));
    assert_true(sink->sync(sink, &err));
    belay_age_recipients_done(&to);
}

static bool open_with(const belay_age_identities *identities, belay_source **ret, belay_error *err)
{
    BELAY_AUTO(belay_source_close) belay_source *from = NULL;
    const belay_age_opener opener = {.identities = identities};
    if (!store->open(store, name, &from, err) || !belay_age_decrypt(from, &opener, ret, err))
        return false;
    from = NULL;
    return true;
}

static void reads(belay_source *source, uint64_t offset, size_t size)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) uint8_t *got = belay_alloc(size + 1);
    if (!source->read(source, offset, got, size, &err))
        fail_msg("%zu bytes at %llu: %s", size, (unsigned long long)offset, err.message);
    assert_memory_equal(got, plain + offset, size);
}

static void test_any_size_at_any_offset(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 511, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, SIZE_MAX_BYTES};
    static const size_t steps[] = {512, 1000, PIECE, PIECE + 1, SIZE_MAX_BYTES};
    for (size_t i = 0; i < BELAY_COUNT(sizes); i++) {
        belay_error err = {0};
        BELAY_AUTO(belay_source_close) belay_source *source = NULL;
        encrypt(sizes[i], steps[i % BELAY_COUNT(steps)]);
        if (!open_with(&mine, &source, &err))
            fail_msg("%zu bytes: %s", sizes[i], err.message);
        assert_int_equal(source->size_bytes, sizes[i]);
        reads(source, 0, sizes[i]);
        for (int tries = 0; sizes[i] > 0 && tries < 50; tries++) {
            size_t from = belay_random_below((uint32_t)sizes[i]);
            reads(source, from, belay_random_below((uint32_t)(sizes[i] - from)) + 1);
        }
        uint8_t byte;
        assert_false(source->read(source, sizes[i], &byte, 1, &err));
        assert_false(source->read(source, UINT64_MAX, &byte, 1, &err));
    }
}

static char *load(size_t *ret_size)
{
    char *text = NULL;
    assert_true(belay_store_read_all(store, name, 1 << 20, &text, ret_size, NULL));
    return text;
}

static void put(const char *data, size_t size)
{
    assert_true(belay_store_write_all(store, name, data, size, NULL));
}

/* Opening, or reading all of it, says that it is damaged. */
static void is_damaged(const char *what, size_t at)
{
    belay_error err = {0};
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    BELAY_AUTO(belay_free) uint8_t *got = belay_alloc(SIZE_MAX_BYTES);
    if (open_with(&mine, &source, &err) && source->read(source, 0, got, (size_t)source->size_bytes, &err))
        fail_msg("%s at %zu was not noticed", what, at);
    if (err.code != BELAY_E_ARCHIVE && err.code != BELAY_E_KEY)
        fail_msg("%s at %zu: %s", what, at, err.message);
}

static void test_cut_off(void **state)
{
    (void)state;
    size_t size = 0;
    encrypt(2 * PIECE + 100, PIECE);
    BELAY_AUTO(belay_free) char *whole = load(&size);
    size_t header = size - (2 * PIECE + 100 + 3 * 16) - 16;
    const size_t ends[] = {0, 1, 21, 22, header / 2, header - 1, header, header + 1, header + 15, header + 16,
        header + 17, header + 31, header + 32, header + 33, header + 16 + SEALED - 1, header + 16 + SEALED,
        header + 16 + SEALED + 1, header + 16 + SEALED + 16, header + 16 + 2 * SEALED,
        header + 16 + 2 * SEALED + 16, header + 16 + 2 * SEALED + 17, size - 1};
    for (size_t i = 0; i < BELAY_COUNT(ends); i++) {
        put(whole, ends[i]);
        is_damaged("a cut", ends[i]);
    }
    BELAY_AUTO(belay_free) char *longer = belay_alloc(size + 1);
    memcpy(longer, whole, size);
    put(longer, size + 1);
    is_damaged("a byte more", size);
}

/* Every byte of the header, and some of nonce and pieces. */
static void test_flipped(void **state)
{
    (void)state;
    size_t size = 0;
    encrypt(2 * PIECE + 100, PIECE);
    BELAY_AUTO(belay_free) char *whole = load(&size);
    size_t header = size - (2 * PIECE + 100 + 3 * 16) - 16;
    for (size_t at = 0; at < size; at += at < header + 20 ? 1 : SEALED / 5) {
        whole[at] ^= 1;
        put(whole, size);
        is_damaged("a flip", at);
        whole[at] ^= 1;
    }
}

static void test_pieces_swapped(void **state)
{
    (void)state;
    size_t size = 0;
    encrypt(2 * PIECE + 100, PIECE);
    BELAY_AUTO(belay_free) char *whole = load(&size);
    BELAY_AUTO(belay_free) char *piece = belay_alloc(SEALED);
    char *first = whole + size - (2 * PIECE + 100 + 3 * 16);
    memcpy(piece, first, SEALED);
    memcpy(first, first + SEALED, SEALED);
    memcpy(first + SEALED, piece, SEALED);
    put(whole, size);
    is_damaged("a swap", 0);
}

static void test_wrong_identity(void **state)
{
    (void)state;
    char text[BELAY_BECH32_SIZE], its_recipient[BELAY_BECH32_SIZE];
    belay_age_identities other = {0};
    belay_error err = {0};
    belay_source *source = NULL;
    belay_age_generate(text, its_recipient);
    assert_true(belay_age_identities_read(&other, text, "other", &err));
    encrypt(10, 10);
    assert_false(open_with(&other, &source, &err));
    assert_int_equal(err.code, BELAY_E_KEY);
    assert_string_equal(err.message, "it is encrypted to 2 other keys than the identity here");
    belay_age_identities_done(&other);
}

static void test_by_age(void **state)
{
    (void)state;
    uint8_t bytes[sizeof by_age];
    char got[7] = "";
    size_t size = 0;
    belay_error err = {0};
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    assert_true(belay_base64_decode(by_age, strlen(by_age), true, bytes, sizeof bytes, &size));
    put((const char *)bytes, size);
    assert_true(open_with(&mine, &source, &err));
    assert_int_equal(source->size_bytes, 6);
    assert_true(source->read(source, 0, got, 6, &err));
    assert_string_equal(got, "hello\n");
}

static void says(const char *header, belay_code code, const char *text)
{
    uint8_t file_key[BELAY_AGE_FILE_KEY_BYTES];
    size_t bytes = 0;
    belay_error err = {0};
    assert_false(belay_age_header_open(header, strlen(header), &mine, file_key, &bytes, &err));
    if (err.code != code || strstr(err.message, text) == NULL)
        fail_msg("expected: %s\ngot: %s", text, err.message);
}

#define V1   "age-encryption.org/v1\n"
#define BODY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define MAC  "--- " BODY "\n"

static void test_headers(void **state)
{
    (void)state;
    says("", BELAY_E_ARCHIVE, "does not begin as a file of age");
    says("age-encryption.org/v2\n", BELAY_E_ARCHIVE, "does not begin as a file of age");
    says("-----BEGIN AGE ENCRYPTED FILE-----\n", BELAY_E_KEY, "age -a");
    says(V1, BELAY_E_ARCHIVE, "cut off");
    says(V1 "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n" BODY "\n" MAC, BELAY_E_KEY, "with a passphrase");
    says(V1 "-> ssh-ed25519 AAAA " BODY "\n" BODY "\n" MAC, BELAY_E_KEY, "does not read: ssh-ed25519");
    says(V1 "-> X25519\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "another form");
    says(V1 "-> X25519 AAAA\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "another form");
    says(V1 "-> X25519 " BODY " x\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "another form");
    says(V1 "-> X25519  " BODY "\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "an argument is empty");
    says(V1 "->\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "does not end with a MAC");
    says(V1 "-> X25519 " BODY "\r\n" BODY "\n" MAC, BELAY_E_ARCHIVE, "not allowed");
    says(V1 "-> X25519 " BODY "\n" BODY "=\n" MAC, BELAY_E_ARCHIVE, "base64");
    says(V1 "-> grease a b c\n" BODY "\n-> X25519 " BODY "\n" BODY "\n--- AAAA\n", BELAY_E_ARCHIVE, "MAC");
    says(V1 "-> grease a b c\n\n-> X25519 " BODY "\n" BODY "\n" MAC, BELAY_E_KEY,
        "other keys than the identity");
}

static void test_key_files(void **state)
{
    (void)state;
    belay_age_identities identities = {0};
    belay_age_recipients recipients = {0};
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *text = belay_format("# a\r\n\n %s \r\n%s\n", identity, identity);
    assert_true(belay_age_identities_read(&identities, text, "f", &err));
    assert_int_equal(identities.count, 2);
    assert_false(belay_age_identities_read(&identities, "# nothing\n", "f", &err));
    assert_false(belay_age_identities_read(&identities, recipient, "f", &err));
    assert_non_null(strstr(err.message, "it is a recipient"));
    assert_false(belay_age_recipients_read(&recipients, identity, "f", &err));
    assert_non_null(strstr(err.message, "f, line 1: it is a private key"));
    assert_null(strstr(err.message, identity + 20));
    assert_false(belay_age_recipients_add(&recipients, "age1yubikey1qwerty", &err));
    belay_age_identities_done(&identities);
    belay_age_recipients_done(&recipients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_size_at_any_offset),
        cmocka_unit_test(test_cut_off), cmocka_unit_test(test_flipped), cmocka_unit_test(test_pieces_swapped),
        cmocka_unit_test(test_wrong_identity), cmocka_unit_test(test_by_age), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_key_files)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
