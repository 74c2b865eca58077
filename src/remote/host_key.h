/* Is it the server that it says it is: what the server shows, against what is known (remote/known_hosts.h).
 * Blocking (a child may run); any thread.
 */
#ifndef BELAY_REMOTE_HOST_KEY_H
#define BELAY_REMOTE_HOST_KEY_H

#include "remote/endpoint.h"
#include "remote/known_hosts.h"

enum { BELAY_FINGERPRINT_SIZE = 64 };

typedef enum belay_host_key_verdict {
    BELAY_HOST_KEY_REFUSED, /* changed (another key, of that type or any other, is known), revoked, or no key
                             */
    BELAY_HOST_KEY_UNKNOWN,
    BELAY_HOST_KEY_KNOWN
} belay_host_key_verdict;
/* Of the key that the server showed (a public key blob, RFC 4253 section 6.6). All but KNOWN fill err:
 * BELAY_E_HOST_KEY with the SHA256 fingerprint, the place of the line that contradicts it, and the remedy
 * (`belay targets trust NAME`, or what to ask the server's owner). REFUSED also when RevokedHostKeys cannot
 * be read. ret_known (may be NULL): which of `known` it is, where it is. */
belay_host_key_verdict belay_host_key_judge(const belay_ssh_endpoint *endpoint, const belay_known_keys *known,
    const void *blob, size_t size_bytes, const belay_known_key **ret_known, belay_error *err);
/* Is it known? */
static inline bool belay_host_key_check(const belay_ssh_endpoint *endpoint, const belay_known_keys *known,
    const void *blob, size_t size_bytes, belay_error *err)
{
    return belay_host_key_judge(endpoint, known, blob, size_bytes, NULL, err) == BELAY_HOST_KEY_KNOWN;
}

/* "SHA256:..." as ssh-keygen -l prints it. */
void belay_host_key_fingerprint(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE]);
/* "ssh-ed25519" of a blob; "" when it is none. */
void belay_host_key_type(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE]);

/* Adds the key to the first file of known hosts (made with 0600 where it is missing, its folder with 0700),
 * durable; nothing where it is known. BELAY_E_HOST_KEY where another or a revoked one is known. */
bool belay_host_key_trust(
    const belay_ssh_endpoint *endpoint, const void *blob, size_t size_bytes, belay_error *err);

#endif
