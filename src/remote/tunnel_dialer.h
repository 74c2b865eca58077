/* A dialer that reaches the target's server through a tunnel, for belay_pg_open and for children.
 *
 * The local end is a unix socket in a folder of mode 0700 under TMPDIR. libpq speaks no TLS over unix
 * sockets: where the target's sslmode demands it (require, verify-ca, verify-full) the local end is a port on
 * 127.0.0.1 instead, which lets in only belay itself and its children (by /proc/net/tcp and /proc/PID/fd),
 * and `host` stays the server's own name, so that its certificate is checked for that. Any thread asks for
 * addresses; the tunnel is opened by the first who does.
 */
#ifndef BELAY_REMOTE_TUNNEL_DIALER_H
#define BELAY_REMOTE_TUNNEL_DIALER_H

#include "config/target.h"
#include "pg/dialer.h"
#include "remote/tunnel.h"

typedef struct belay_tunnel_dialer {
    belay_dialer base;
    const belay_conninfo *info;   /* borrowed */
    const belay_ssh_login *login; /* borrowed */
    pthread_mutex_t mutex;
    belay_tunnel *tunnel; /* NULL before the first address */
    char *folder;         /* of the socket; NULL: it is a port */
    char *host;           /* of the server, as the SSH server sees it */
    int port;             /* likewise */
    int local_port;
} belay_tunnel_dialer;

void belay_tunnel_dialer_init(
    belay_tunnel_dialer *dialer, const belay_conninfo *info, const belay_ssh_login *login);
void belay_tunnel_dialer_done(belay_tunnel_dialer *dialer);

#endif
