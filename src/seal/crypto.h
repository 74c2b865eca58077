/* The cryptography under age and minisign files, from libsodium, which is loaded when it is first needed.
 *
 *     if (!belay_crypto_load(err)) ...
 *     belay_hkdf(secret, 32, NULL, 0, "header", key);
 *
 * Everything but belay_crypto_load wants that it succeeded before, in any thread. Nothing here blocks or
 * fails for want of memory. Keys live in memory that is locked and zeroed (belay_locked_alloc); callers zero
 * what they keep elsewhere. Any thread; a belay_blake2b belongs to one. Internal to src/seal.
 */
#ifndef BELAY_SEAL_CRYPTO_H
#define BELAY_SEAL_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/mem.h"

enum {
    BELAY_KEY_BYTES = 32, /* of every symmetric and every X25519 key */
    BELAY_NONCE_BYTES = 12,
    BELAY_TAG_BYTES = 16,
    BELAY_BLAKE2B_BYTES = 64,
    BELAY_SIGN_PUBLIC_BYTES = 32,
    BELAY_SIGN_SECRET_BYTES = 64,
    BELAY_SIGNATURE_BYTES = 64
};

/* BELAY_E_UNSUPPORTED with the package to install. Blocks while files are read. */
bool belay_crypto_load(belay_error *err);

/* Zeroed, not swapped out where the system allows that, with guard pages; freeing zeroes it. */
void *belay_locked_alloc(size_t size_bytes) __attribute__((returns_nonnull));
void belay_locked_free(void *pointer);

bool belay_same_bytes(const void *a, const void *b, size_t size_bytes); /* in constant time */

/* HMAC-SHA256; HKDF-SHA256 (RFC 5869) with 32 bytes of output. */
void belay_hmac(const void *key, size_t key_bytes, const void *data, size_t size_bytes,
    uint8_t ret[static BELAY_KEY_BYTES]);
void belay_hkdf(const void *secret, size_t secret_bytes, const void *salt, size_t salt_bytes,
    const char *info, uint8_t ret[static BELAY_KEY_BYTES]);

void belay_x25519_public(const uint8_t secret[static BELAY_KEY_BYTES], uint8_t ret[static BELAY_KEY_BYTES]);
/* False for a point that gives everybody the same secret. */
bool belay_x25519(const uint8_t secret[static BELAY_KEY_BYTES], const uint8_t point[static BELAY_KEY_BYTES],
    uint8_t ret[static BELAY_KEY_BYTES]);

/* ChaCha20-Poly1305 (RFC 8439): sealing adds BELAY_TAG_BYTES; opening, of size_bytes with the tag, is false
 * when anything was changed. `ret` may be `data`. */
void belay_aead_seal(const uint8_t key[static BELAY_KEY_BYTES], const uint8_t nonce[static BELAY_NONCE_BYTES],
    const void *data, size_t size_bytes, void *ret);
bool belay_aead_open(const uint8_t key[static BELAY_KEY_BYTES], const uint8_t nonce[static BELAY_NONCE_BYTES],
    const void *data, size_t size_bytes, void *ret);

typedef struct belay_blake2b belay_blake2b; /* BLAKE2b-512 */
belay_blake2b *belay_blake2b_new(void);
void belay_blake2b_free(belay_blake2b *hash);
BELAY_DEFINE_AUTO(belay_blake2b, belay_blake2b_free)
void belay_blake2b_update(belay_blake2b *hash, const void *data, size_t size_bytes);
void belay_blake2b_finish(belay_blake2b *hash, uint8_t ret[static BELAY_BLAKE2B_BYTES]);

/* Ed25519. */
void belay_sign_pair(
    uint8_t ret_public[static BELAY_SIGN_PUBLIC_BYTES], uint8_t ret_secret[static BELAY_SIGN_SECRET_BYTES]);
void belay_sign(const uint8_t secret[static BELAY_SIGN_SECRET_BYTES], const void *data, size_t size_bytes,
    uint8_t ret[static BELAY_SIGNATURE_BYTES]);
bool belay_sign_check(const uint8_t public_key[static BELAY_SIGN_PUBLIC_BYTES], const void *data,
    size_t size_bytes, const uint8_t signature[static BELAY_SIGNATURE_BYTES]);

/* Base64, padded or not; `ret` has room for 4 * (size_bytes / 3 + 1) + 1 characters. */
void belay_base64_encode(const void *data, size_t size_bytes, bool padded, char *ret);
/* Strict: the one form that encoding gives, nothing else between or behind. At most max_bytes. */
bool belay_base64_decode(
    const char *text, size_t length, bool padded, void *ret, size_t max_bytes, size_t *ret_bytes);

#endif
