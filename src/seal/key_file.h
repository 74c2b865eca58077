/* Makes files of keys, and tells the public part of one: what `belay key` does.
 *
 * An identity file is as age-keygen writes it. Files are new, of mode 0600, and synced; one that exists is
 * never written over (BELAY_E_POLICY). Folders on the way to it are made, private. Blocking; any thread.
 */
#ifndef BELAY_SEAL_KEY_FILE_H
#define BELAY_SEAL_KEY_FILE_H

#include "util/error.h"
#include "util/str.h"

/* *ret_recipient: "age1..."; the caller frees. */
bool belay_key_file_new_identity(const char *path, char **ret_recipient, belay_error *err);
/* A pair of minisign's, as minisign -G -W writes it: the private key to `path`, the public one beside it,
 * with .pub for .key, or behind it. *ret_key: the public key as a word; the caller frees both. */
bool belay_key_file_new_signer(const char *path, char **ret_public_path, char **ret_key, belay_error *err);
/* The recipients of an identity file, or the public key of a file of minisign's: a line each. *ret_is_public:
 * there is no private key in the file. */
bool belay_key_file_public(const char *path, belay_list *ret, bool *ret_is_public, belay_error *err);

#endif
