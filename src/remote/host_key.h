/* Is it the server that it says it is: the files of known hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
 *
 * Where ssh-keygen is installed it finds a host's lines (`ssh-keygen -F`: hashed names, patterns, negations);
 * without it belay reads plain lines, and refuses a file that holds others (hashed, patterns, markers) rather
 * than overlook one. Lines @revoked count against a key wherever they stand; @cert-authority lines are left
 * out, since libssh2 knows no host certificates. Blocking (a child runs); any thread.
 */
#ifndef BELAY_REMOTE_HOST_KEY_H
#define BELAY_REMOTE_HOST_KEY_H

#include "remote/endpoint.h"

enum { BELAY_FINGERPRINT_SIZE = 64 };

/* What the files know of a host. */
typedef struct belay_known_key {
    char *type;  /* "ssh-ed25519" */
    char *blob;  /* base64 as it stands in the file */
    char *place; /* file:line */
    bool revoked;
} belay_known_key;
typedef struct belay_known_keys {
    belay_known_key *items;
    size_t count;
} belay_known_keys;
bool belay_known_keys_find(const belay_ssh_endpoint *endpoint, belay_known_keys *ret, belay_error *err);
void belay_known_keys_done(belay_known_keys *keys);
static inline void belay_known_keys_done_p(belay_known_keys *keys)
{
    belay_known_keys_done(keys);
}

/* Accepts the key that the server showed (a public key blob, RFC 4253 section 6.6), or fails with
 * BELAY_E_HOST_KEY: unknown, changed (another key of that type or any other is known), or revoked; with the
 * SHA256 fingerprint, the place of the line that contradicts it, and the remedy (`belay targets trust NAME`,
 * or what to ask the server's owner). */
bool belay_host_key_check(const belay_ssh_endpoint *endpoint, const belay_known_keys *known, const void *blob,
    size_t size_bytes, belay_error *err);

/* "SHA256:..." as ssh-keygen -l prints it. */
void belay_host_key_fingerprint(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE]);
/* "ssh-ed25519" of a blob; "" when it is none. Valid as long as the blob's copy in `ret`. */
void belay_host_key_type(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE]);

/* Adds the key to the first file of known hosts (made with 0600 where it is missing, its folder with 0700),
 * durable; BELAY_E_HOST_KEY where another or a revoked one is known. */
bool belay_host_key_trust(
    const belay_ssh_endpoint *endpoint, const void *blob, size_t size_bytes, belay_error *err);

#endif
