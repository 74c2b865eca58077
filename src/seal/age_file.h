/* Files of age in a store: a sink that encrypts what is written to it, a source that decrypts what is asked
 * for.
 *
 *   header | nonce 16 | piece 0: 64 KiB + tag 16 | piece 1 | ... | last piece, of 1 to 64 KiB (0: alone) +
 * tag
 *
 * Each piece is sealed with its number and whether it is the last, so a reader finds any byte by its offset,
 * and notices pieces that were changed, swapped, or cut off. Wants belay_crypto_load. Blocking. Internal to
 * src/seal.
 */
#ifndef BELAY_SEAL_AGE_FILE_H
#define BELAY_SEAL_AGE_FILE_H

#include "seal/age_header.h"
#include "store/store.h"

/* *ret takes over `to`, but not when this fails. Its sync ends the file: it writes the last piece, and is
 * called once, after the last write. */
bool belay_age_encrypt(belay_sink *to, const belay_age_recipients *recipients,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], belay_sink **ret, belay_error *err);

/* What opens a file: the identities that may fit, or, for the one who wrote it, its key. */
typedef struct belay_age_opener {
    const belay_age_identities *identities;
    const uint8_t *file_key; /* NULL: by identity */
} belay_age_opener;

/* *ret takes over `from`, but not when this fails. The last piece is read and checked: a file that was cut
 * off does not open. BELAY_E_KEY and BELAY_E_ARCHIVE as of belay_age_header_open. */
bool belay_age_decrypt(
    belay_source *from, const belay_age_opener *opener, belay_source **ret, belay_error *err);
/* The encrypted file under a source that belay_age_decrypt made. */
belay_source *belay_age_encrypted(belay_source *source);

#endif
