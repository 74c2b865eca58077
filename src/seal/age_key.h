/* The keys of age: recipients ("age1...", public, what files are encrypted to) and identities
 * ("AGE-SECRET-KEY-1...", private, what decrypts them).
 *
 * Files of both have one key a line, with blank lines and comments (#), as age-keygen and `age -R` have them.
 * belay reads and writes the X25519 kind; other kinds (SSH keys, plugins, passphrases) are refused by name.
 * Wants belay_crypto_load. No errors but those that a function names. Plain data: one thread at a time while
 * it changes. Internal to src/seal, but for generating.
 */
#ifndef BELAY_SEAL_AGE_KEY_H
#define BELAY_SEAL_AGE_KEY_H

#include "seal/bech32.h"
#include "seal/crypto.h"

typedef struct belay_age_recipients {
    uint8_t (*keys)[BELAY_KEY_BYTES];
    size_t count;
} belay_age_recipients;

typedef struct belay_age_identity {
    uint8_t secret[BELAY_KEY_BYTES];
    uint8_t recipient[BELAY_KEY_BYTES];
} belay_age_identity;

/* In locked memory. */
typedef struct belay_age_identities {
    belay_age_identity *items;
    size_t count;
} belay_age_identities;

/* One recipient; BELAY_E_KEY when it is none, or of a kind that belay does not write. */
bool belay_age_recipients_add(belay_age_recipients *recipients, const char *text, belay_error *err);
/* Those of a file, at least one; `path` for the message. */
bool belay_age_recipients_read(
    belay_age_recipients *recipients, const char *text, const char *path, belay_error *err);
bool belay_age_recipients_has(
    const belay_age_recipients *recipients, const uint8_t recipient[static BELAY_KEY_BYTES]);
void belay_age_recipients_done(belay_age_recipients *recipients);

/* Those of an identity file, at least one. Messages never quote the text. */
bool belay_age_identities_read(
    belay_age_identities *identities, const char *text, const char *path, belay_error *err);
void belay_age_identities_done(belay_age_identities *identities);

/* A new identity in both forms. */
void belay_age_generate(
    char ret_identity[static BELAY_BECH32_SIZE], char ret_recipient[static BELAY_BECH32_SIZE]);
void belay_age_recipient_text(
    const uint8_t recipient[static BELAY_KEY_BYTES], char ret[static BELAY_BECH32_SIZE]);

#endif
