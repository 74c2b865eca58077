/* The keys that a target's configuration names: encrypt_to, identity, sign_with, require_signature.
 *
 * Each kind is read when it is first asked for, and kept, in locked memory where it is private. A file of a
 * private key is refused when others can read it, when it lies in the target's store, or when git tracks it.
 * Blocking; one thread at a time. Errors are BELAY_E_KEY, and name the configuration key and the file, never
 * what is in it.
 */
#ifndef BELAY_SEAL_KEYRING_H
#define BELAY_SEAL_KEYRING_H

#include "config/target.h"
#include "seal/age_key.h"
#include "seal/minisign.h"

typedef struct belay_keyring belay_keyring;
/* `target` must outlive it. */
belay_keyring *belay_keyring_new(const belay_target *target);
void belay_keyring_free(belay_keyring *keyring);
BELAY_DEFINE_AUTO(belay_keyring, belay_keyring_free)

/* Those of encrypt_to; none when it is not set. */
bool belay_keyring_recipients(belay_keyring *keyring, const belay_age_recipients **ret, belay_error *err);
/* Those of identity; BELAY_E_KEY when it is not set. */
bool belay_keyring_identities(belay_keyring *keyring, const belay_age_identities **ret, belay_error *err);
/* That of sign_with; NULL when it is not set. */
bool belay_keyring_signer(belay_keyring *keyring, const belay_signer **ret, belay_error *err);
/* Those of require_signature; none when it is not set. */
bool belay_keyring_trusted(
    belay_keyring *keyring, const belay_sign_public **ret, size_t *ret_count, belay_error *err);
/* Would the target use what it signs? BELAY_E_KEY names both keys when that of sign_with is none of
 * require_signature; true where one of them is not set. */
bool belay_keyring_check_signer(belay_keyring *keyring, belay_error *err);

#endif
