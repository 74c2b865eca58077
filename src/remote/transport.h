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
/* Of a connection that ended before anything was said: how the ProxyCommand ended, if it was one, replaces
 * err (BELAY_E_SSH). Waits for it a second. */
void belay_transport_explain(
    belay_transport *transport, const belay_ssh_endpoint *endpoint, belay_error *err);
void belay_transport_close(belay_transport *transport);

#endif
