/* A store whose snapshots are encrypted and signed, as a target's configuration says.
 *
 *     store = belay_seal_store(store, &target)            owns the other one from now on
 *     name = belay_format("%s/%s%s", target, id, belay_seal_suffix(store))
 *
 * It is a belay_store like any other, over the one that it was made with. What is written under a name that
 * ends in ".age.part" is encrypted to encrypt_to; what is opened under ".age" is decrypted with identity;
 * sizes and offsets are those of what is in it. Where sign_with is set, the signature is written when a
 * snapshot gets its name, "<name>.minisig" first; where require_signature is, trust() wants one of those
 * keys. All else passes through. Whoever writes a file can read it back without an identity until it is
 * renamed or removed: so long its key stays in locked memory. Keys are read when they are first needed. Any
 * thread, as of every store; errors are BELAY_E_KEY for what has to do with keys.
 */
#ifndef BELAY_SEAL_SEAL_H
#define BELAY_SEAL_SEAL_H

#include "config/target.h"
#include "store/store.h"

#define BELAY_SUFFIX_PLAIN     ".tar"
#define BELAY_SUFFIX_ENCRYPTED ".tar.age"
#define BELAY_SUFFIX_AGE       ".age"
#define BELAY_SUFFIX_SIGNATURE ".minisig" /* behind either */

/* In front of all others. `target` must outlive the store; `plain` is freed with it. */
belay_store *belay_seal_store(belay_store *plain, const belay_target *target);
/* How the names of new snapshots end; ".tar" for a store that belay_seal_store did not make. */
const char *belay_seal_suffix(const belay_store *store);
/* Who has the store is not to read what is in it: what holds the application's data gets a name that ends in
 * BELAY_SUFFIX_AGE. */
bool belay_seal_encrypts(const belay_store *store);
/* The suffix that a snapshot's name has, NULL when it is no name of a snapshot. */
const char *belay_seal_suffix_of(const char *name);

#endif
