/* What a file of a private key is, without its secret: enough to say why a key will not do before it is
 * tried.
 *
 * Read are the header of OpenSSH's own format (PROTOCOL.key in its sources: "openssh-key-v1", cipher, kdf,
 * public keys, all in the clear) and the first lines of PEM files. Blocking; any thread.
 */
#ifndef BELAY_REMOTE_KEY_FILE_H
#define BELAY_REMOTE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

typedef struct belay_key_file {
    char type[64];       /* "ssh-ed25519"; "" when the file does not say */
    bool encrypted;      /* needs a passphrase */
    unsigned char *blob; /* the public key's, NULL when the file does not say; the caller frees */
    size_t blob_size;
} belay_key_file;

/* BELAY_E_NOT_FOUND, BELAY_E_IO, or BELAY_E_KEY for a file that is no private key. */
bool belay_key_file_read(const char *path, belay_key_file *ret, belay_error *err);
void belay_key_file_done(belay_key_file *file);
/* The public key's blob of an IdentityFile, which may be the file of a private key, that of a public one, or
 * the name that a public one beside it has without its `.pub` (an agent has the private one). NULL: none is
 * found. The caller frees. */
unsigned char *belay_identity_blob(const char *path, size_t *ret_bytes);
static inline void belay_key_file_done_p(belay_key_file *file)
{
    belay_key_file_done(file);
}

#endif
