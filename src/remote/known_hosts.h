/* The files of known hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): which keys they have of a host.
 *
 * Where ssh-keygen is installed it finds a host's lines (`ssh-keygen -F`: hashed names, patterns, negations);
 * without it belay reads plain lines, and refuses a file that holds others (hashed, patterns) rather than
 * overlook one. Lines @revoked count against a key wherever they stand; @cert-authority lines make no
 * key known, since libssh2 knows no host certificates. BELAY_SSH_KEYGEN in the environment names another
 * program than `ssh-keygen`; empty: none is asked. Blocking (a child runs); any thread.
 */
#ifndef BELAY_REMOTE_KNOWN_HOSTS_H
#define BELAY_REMOTE_KNOWN_HOSTS_H

#include "remote/endpoint.h"

typedef struct belay_known_key {
    char *type;  /* "ssh-ed25519" */
    char *blob;  /* base64 as it stands in the file */
    char *place; /* file:line */
    bool revoked;
    /* Of the host's name without the port, where the port is another than 22: ssh takes the same key for
     * known then, and does not mind another one. */
    bool without_port;
} belay_known_key;

typedef struct belay_known_keys {
    belay_known_key *items;
    size_t count;
    char *authority; /* file:line of the first @cert-authority line of the host; NULL: none */
} belay_known_keys;

/* All that the endpoint's files have of it, in their order; files that are missing have nothing. The types of
 * those not revoked are what the handshake should prefer. BELAY_E_UNSUPPORTED for a file that cannot be read
 * rightly without ssh-keygen; BELAY_E_CONFIG, BELAY_E_IO, BELAY_E_DEADLINE, BELAY_E_CANCELLED. */
bool belay_known_keys_find(const belay_ssh_endpoint *endpoint, belay_known_keys *ret, belay_error *err);
void belay_known_keys_done(belay_known_keys *keys);
static inline void belay_known_keys_done_p(belay_known_keys *keys)
{
    belay_known_keys_done(keys);
}

/* Of a file's text, as it is read without ssh-keygen; `path` is for the places. */
bool belay_known_keys_parse(const char *text, size_t length, const char *path, const char *name,
    belay_known_keys *ret, belay_error *err);

/* Public key blobs. The type that one begins with (RFC 4253 section 6.6), borrowed; length 0 when it is none.
 */
belay_span belay_key_blob_type(const void *blob, size_t size_bytes);
/* From base64, in the one form that encoding gives; NULL when it is none. The caller frees. */
unsigned char *belay_key_blob_decode(const char *text, size_t *ret_bytes);
/* To base64; the caller frees. */
char *belay_key_blob_encode(const void *blob, size_t size_bytes);

#endif
