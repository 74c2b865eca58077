#include "seal/crypto.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "util/library.h"

#define SODIUM_FUNCTIONS(X)                                                                                  \
    X(crypto_aead_chacha20poly1305_ietf_decrypt)                                                             \
    X(crypto_aead_chacha20poly1305_ietf_encrypt)                                                             \
    X(crypto_auth_hmacsha256_final)                                                                          \
    X(crypto_auth_hmacsha256_init)                                                                           \
    X(crypto_auth_hmacsha256_update)                                                                         \
    X(crypto_generichash_final)                                                                              \
    X(crypto_generichash_init)                                                                               \
    X(crypto_generichash_update)                                                                             \
    X(crypto_scalarmult_curve25519)                                                                          \
    X(crypto_scalarmult_curve25519_base)                                                                     \
    X(crypto_sign_detached)                                                                                  \
    X(crypto_sign_keypair)                                                                                   \
    X(crypto_sign_verify_detached)                                                                           \
    X(sodium_base642bin)                                                                                     \
    X(sodium_bin2base64)                                                                                     \
    X(sodium_free)                                                                                           \
    X(sodium_init)                                                                                           \
    X(sodium_malloc)                                                                                         \
    X(sodium_memcmp)

BELAY_LIBRARY(lib, BELAY_SONAME_LIBSODIUM, "libsodium23", SODIUM_FUNCTIONS)

_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == BELAY_KEY_BYTES, "key");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == BELAY_NONCE_BYTES, "nonce");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == BELAY_TAG_BYTES, "tag");
_Static_assert(crypto_auth_hmacsha256_BYTES == BELAY_KEY_BYTES, "HMAC");
_Static_assert(crypto_scalarmult_curve25519_BYTES == BELAY_KEY_BYTES, "X25519");
_Static_assert(crypto_generichash_BYTES_MAX == BELAY_BLAKE2B_BYTES, "BLAKE2b-512");
_Static_assert(crypto_sign_SECRETKEYBYTES == BELAY_SIGN_SECRET_BYTES, "Ed25519");
_Static_assert(crypto_sign_BYTES == BELAY_SIGNATURE_BYTES, "Ed25519");

bool belay_crypto_load(belay_error *err)
{
    if (!belay_library_load(&lib_library, err))
        return false;
    return lib.sodium_init() >= 0 || belay_fail(err, BELAY_E_INTERNAL, "libsodium cannot be initialised");
}

void *belay_locked_alloc(size_t size_bytes)
{
    void *pointer = lib.sodium_malloc(size_bytes);
    if (pointer == NULL) {
        fputs("belay: out of memory\n", stderr);
        abort();
    }
    memset(pointer, 0, size_bytes);
    return pointer;
}

void belay_locked_free(void *pointer)
{
    if (pointer != NULL)
        lib.sodium_free(pointer);
}

bool belay_same_bytes(const void *a, const void *b, size_t size_bytes)
{
    return lib.sodium_memcmp(a, b, size_bytes) == 0;
}

void belay_hmac(const void *key, size_t key_bytes, const void *data, size_t size_bytes,
    uint8_t ret[static BELAY_KEY_BYTES])
{
    crypto_auth_hmacsha256_state state;
    lib.crypto_auth_hmacsha256_init(&state, key, key_bytes);
    lib.crypto_auth_hmacsha256_update(&state, data, size_bytes);
    lib.crypto_auth_hmacsha256_final(&state, ret);
    explicit_bzero(&state, sizeof state);
}

void belay_hkdf(const void *secret, size_t secret_bytes, const void *salt, size_t salt_bytes,
    const char *info, uint8_t ret[static BELAY_KEY_BYTES])
{
    crypto_auth_hmacsha256_state state;
    uint8_t extracted[BELAY_KEY_BYTES];
    static const uint8_t no_salt[BELAY_KEY_BYTES];
    belay_hmac(salt_bytes == 0 ? no_salt : salt, salt_bytes == 0 ? sizeof no_salt : salt_bytes, secret,
        secret_bytes, extracted);
    lib.crypto_auth_hmacsha256_init(&state, extracted, sizeof extracted);
    lib.crypto_auth_hmacsha256_update(&state, (const uint8_t *)info, strlen(info));
    lib.crypto_auth_hmacsha256_update(&state, (const uint8_t[]){1}, 1);
    lib.crypto_auth_hmacsha256_final(&state, ret);
    explicit_bzero(&state, sizeof state);
    explicit_bzero(extracted, sizeof extracted);
}

void belay_x25519_public(const uint8_t secret[static BELAY_KEY_BYTES], uint8_t ret[static BELAY_KEY_BYTES])
{
    lib.crypto_scalarmult_curve25519_base(ret, secret);
}

bool belay_x25519(const uint8_t secret[static BELAY_KEY_BYTES], const uint8_t point[static BELAY_KEY_BYTES],
    uint8_t ret[static BELAY_KEY_BYTES])
{
    return lib.crypto_scalarmult_curve25519(ret, secret, point) == 0;
}

void belay_aead_seal(const uint8_t key[static BELAY_KEY_BYTES], const uint8_t nonce[static BELAY_NONCE_BYTES],
    const void *data, size_t size_bytes, void *ret)
{
    lib.crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, data, size_bytes, NULL, 0, NULL, nonce, key);
}

bool belay_aead_open(const uint8_t key[static BELAY_KEY_BYTES], const uint8_t nonce[static BELAY_NONCE_BYTES],
    const void *data, size_t size_bytes, void *ret)
{
    return size_bytes >= BELAY_TAG_BYTES && lib.crypto_aead_chacha20poly1305_ietf_decrypt(
                                                ret, NULL, NULL, data, size_bytes, NULL, 0, nonce, key) == 0;
}

/* The library's state wants an alignment that malloc does not promise. */
struct belay_blake2b {
    crypto_generichash_state state;
};

belay_blake2b *belay_blake2b_new(void)
{
    size_t alignment = _Alignof(belay_blake2b);
    belay_blake2b *hash = aligned_alloc(alignment, (sizeof *hash + alignment - 1) / alignment * alignment);
    if (hash == NULL) {
        fputs("belay: out of memory\n", stderr);
        abort();
    }
    lib.crypto_generichash_init(&hash->state, NULL, 0, BELAY_BLAKE2B_BYTES);
    return hash;
}

void belay_blake2b_free(belay_blake2b *hash)
{
    free(hash);
}

void belay_blake2b_update(belay_blake2b *hash, const void *data, size_t size_bytes)
{
    lib.crypto_generichash_update(&hash->state, data, size_bytes);
}

void belay_blake2b_finish(belay_blake2b *hash, uint8_t ret[static BELAY_BLAKE2B_BYTES])
{
    lib.crypto_generichash_final(&hash->state, ret, BELAY_BLAKE2B_BYTES);
}

void belay_sign_pair(
    uint8_t ret_public[static BELAY_SIGN_PUBLIC_BYTES], uint8_t ret_secret[static BELAY_SIGN_SECRET_BYTES])
{
    lib.crypto_sign_keypair(ret_public, ret_secret);
}

void belay_sign(const uint8_t secret[static BELAY_SIGN_SECRET_BYTES], const void *data, size_t size_bytes,
    uint8_t ret[static BELAY_SIGNATURE_BYTES])
{
    lib.crypto_sign_detached(ret, NULL, data, size_bytes, secret);
}

bool belay_sign_check(const uint8_t public_key[static BELAY_SIGN_PUBLIC_BYTES], const void *data,
    size_t size_bytes, const uint8_t signature[static BELAY_SIGNATURE_BYTES])
{
    return lib.crypto_sign_verify_detached(signature, data, size_bytes, public_key) == 0;
}

static int variant(bool padded)
{
    return padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

void belay_base64_encode(const void *data, size_t size_bytes, bool padded, char *ret)
{
    lib.sodium_bin2base64(ret, 4 * (size_bytes / 3 + 1) + 1, data, size_bytes, variant(padded));
}

bool belay_base64_decode(
    const char *text, size_t length, bool padded, void *ret, size_t max_bytes, size_t *ret_bytes)
{
    return lib.sodium_base642bin(ret, max_bytes, text, length, NULL, ret_bytes, NULL, variant(padded)) == 0;
}
