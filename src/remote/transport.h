/* The connected socket that a session runs over: TCP, or a tunnel through the hosts on the way, or a
 * ProxyCommand. Blocking, with a deadline; any thread. */
#ifndef BELAY_REMOTE_TRANSPORT_H
#define BELAY_REMOTE_TRANSPORT_H

#include "remote/session.h"
#include "remote/tunnel.h"
#include "util/process.h"

typedef struct belay_transport {
    int fd;
    belay_tunnel *way;   /* to the jump host; NULL: none */
    belay_process proxy; /* the ProxyCommand */
} belay_transport;
#define BELAY_TRANSPORT_INIT ((belay_transport){.fd = -1, .proxy = BELAY_PROCESS_INIT})

bool belay_transport_open(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    int64_t deadline_ms, belay_transport *ret, belay_error *err);
void belay_transport_close(belay_transport *transport);

/* The kinds of host keys that a server says it has ("ssh-ed25519,rsa-sha2-512"), from the packet that it
 * begins every exchange of keys with, in the clear (RFC 4253 section 7.1), on a connection of its own. NULL
 * when it cannot be known; the caller frees. */
char *belay_transport_host_key_types(
    const belay_ssh_options *options, const belay_ssh_endpoint *endpoint, int64_t deadline_ms);

#endif
