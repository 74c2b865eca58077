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
/* The recipients of an identity file, a line each. */
bool belay_key_file_public(const char *path, belay_list *ret, belay_error *err);

#endif
