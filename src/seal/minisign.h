/* Signatures and keys in minisign's format: Ed25519 of the BLAKE2b-512 of a file, with a comment that is
 * signed too.
 *
 *   untrusted comment: ...
 *   base64(ED, key id, signature of the hash)
 *   trusted comment: ...
 *   base64(signature of the signature and the trusted comment)
 *
 * Not read: signatures of the file itself (minisign -S -l), and private keys with a password (minisign -G
 * without -W). Wants belay_crypto_load. No state, any thread. Internal to src/seal.
 */
#ifndef BELAY_SEAL_MINISIGN_H
#define BELAY_SEAL_MINISIGN_H

#include "seal/crypto.h"
#include "util/str.h"

enum {
    BELAY_SIGN_ID_BYTES = 8,
    BELAY_SIGN_ID_TEXT_SIZE = 17,   /* of a key id's text, with NUL */
    BELAY_SIGN_TEXT_SIZE = 64,      /* of a public key's text, with NUL */
    BELAY_SIGNATURE_MAX = 16 * 1024 /* of a signature's text */
};

typedef struct belay_sign_public {
    uint8_t id[BELAY_SIGN_ID_BYTES];
    uint8_t key[BELAY_SIGN_PUBLIC_BYTES];
} belay_sign_public;

/* Keep it in locked memory. */
typedef struct belay_signer {
    uint8_t id[BELAY_SIGN_ID_BYTES];
    uint8_t secret[BELAY_SIGN_SECRET_BYTES];
} belay_signer;

/* The text of a private key's file. BELAY_E_KEY; messages never quote it. */
bool belay_signer_read(const char *text, const char *path, belay_signer *ret, belay_error *err);
/* One word, as `minisign -P` takes it; false when it is none. */
bool belay_sign_public_parse(const char *word, belay_sign_public *ret);
/* The text of a public key's file. BELAY_E_KEY. */
bool belay_sign_public_read(const char *text, const char *path, belay_sign_public *ret, belay_error *err);
void belay_sign_public_of(const belay_signer *signer, belay_sign_public *ret);
/* As minisign writes it: 16 upper-case hex digits. */
void belay_sign_id_text(
    const uint8_t id[static BELAY_SIGN_ID_BYTES], char ret[static BELAY_SIGN_ID_TEXT_SIZE]);
void belay_sign_public_text(const belay_sign_public *key, char ret[static BELAY_SIGN_TEXT_SIZE]);

/* Texts of the two files of a new pair, as minisign -G -W writes them. The caller frees the first with
 * belay_free_secret. */
void belay_sign_generate(char **ret_secret_text, char **ret_public_text, belay_sign_public *ret);

/* The text of a .minisig file; `comment` is the trusted one, without a newline. The caller frees. */
char *belay_signature_make(
    const belay_signer *signer, const uint8_t hash[static BELAY_BLAKE2B_BYTES], const char *comment);
/* Is it a signature of that hash by one of the keys? BELAY_E_SIGNATURE says what is wrong. *ret_comment: the
 * trusted one; the caller frees. */
bool belay_signature_check(const char *text, const uint8_t hash[static BELAY_BLAKE2B_BYTES],
    const belay_sign_public *keys, size_t key_count, char **ret_comment, belay_error *err);

#endif
