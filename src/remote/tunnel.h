/* Connections to the far side over one SSH session: direct-tcpip channels (RFC 4254 section 7.2), pumped by
 * one thread.
 *
 *   client fd <-> buffers <-> channel <-> session <-> sshd <-> host:port as the SSH server sees it
 *
 * The thread owns the session. When the session is lost every client's connection ends, and the next one that
 * comes makes a new session; so who uses a tunnel sees what he sees when a server's network goes away. Any
 * thread may call; the tunnel must outlive its clients.
 */
#ifndef BELAY_REMOTE_TUNNEL_H
#define BELAY_REMOTE_TUNNEL_H

#include "pg/dialer.h"
#include "remote/session.h"

typedef struct belay_tunnel belay_tunnel;

/* Connects and logs in before it returns. The login is copied. */
bool belay_tunnel_open(const belay_ssh_options *options, belay_tunnel **ret, belay_error *err);
/* Ends every connection and waits for the thread: at most a second. */
void belay_tunnel_close(belay_tunnel *tunnel);
BELAY_DEFINE_AUTO(belay_tunnel, belay_tunnel_close)

/* A connected socket whose other end is host:port on the far side; the caller closes it. What keeps the far
 * end from being reached comes as an error here. */
bool belay_tunnel_connect(belay_tunnel *tunnel, const char *host, int port, int *ret_fd, belay_error *err);

/* A dialer for belay_pg_open and for children: the target's keywords, with the tunnel's local end for host
 * and port. Opens the tunnel at the first address that it is asked for. `info` and `login` are borrowed. */
typedef struct belay_tunnel_dialer {
    belay_dialer base;
    const belay_conninfo *info;
    const belay_ssh_login *login;
    pthread_mutex_t mutex;
    struct belay_tunnel_end *end; /* NULL before the first address */
} belay_tunnel_dialer;
void belay_tunnel_dialer_init(
    belay_tunnel_dialer *dialer, const belay_conninfo *info, const belay_ssh_login *login);
void belay_tunnel_dialer_done(belay_tunnel_dialer *dialer);

#endif
