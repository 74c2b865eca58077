/* The header of an age file (https://age-encryption.org/v1): the file key, wrapped for each recipient.
 *
 *   age-encryption.org/v1
 *   -> X25519 <ephemeral share>
 *   <wrapped file key>
 *   --- <MAC>
 *
 * Wants belay_crypto_load. No state, any thread. Internal to src/seal.
 */
#ifndef BELAY_SEAL_AGE_HEADER_H
#define BELAY_SEAL_AGE_HEADER_H

#include "seal/age_key.h"
#include "util/str.h"

enum { BELAY_AGE_FILE_KEY_BYTES = 16, BELAY_AGE_HEADER_MAX = 64 * 1024 };

/* Appended to `to`. BELAY_E_KEY for a recipient that no file may be encrypted to. */
bool belay_age_header_write(const belay_age_recipients *recipients,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], belay_str *to, belay_error *err);

/* `data`: the beginning of a file, at most BELAY_AGE_HEADER_MAX bytes of it. Its file key, by the first
 * identity that fits, and how long the header is. BELAY_E_KEY when none fits, or it is of a kind that belay
 * does not read; BELAY_E_ARCHIVE when it is no header, or was changed. */
bool belay_age_header_open(const char *data, size_t size_bytes, const belay_age_identities *identities,
    uint8_t ret_file_key[static BELAY_AGE_FILE_KEY_BYTES], size_t *ret_header_bytes, belay_error *err);
/* For the one who wrote it, and has the file key: BELAY_E_ARCHIVE unless it was made with that key, and is
 * whole. */
bool belay_age_header_check(const char *data, size_t size_bytes,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], size_t *ret_header_bytes, belay_error *err);

#endif
