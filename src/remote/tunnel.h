/* Connections to the far side over one SSH session: direct-tcpip channels (RFC 4254 section 7.2), pumped by
 * one thread.
 *
 *   client's socket <-> buffers <-> channel <-> session <-> sshd <-> host:port as the SSH server sees it
 *
 * The thread owns the session. When the session is lost every client's connection ends, and the next one that
 * comes makes a new session, as does one whose opening shows that it is lost; so who uses a tunnel sees what
 * he sees when a server's network goes away. A stop request ends nothing here: what has to be put back needs
 * the way. Memory: at most 2 MiB of what the far side sent ahead, and 320 KiB, for each connection. Any
 * thread may call; the tunnel outlives its clients.
 */
#ifndef BELAY_REMOTE_TUNNEL_H
#define BELAY_REMOTE_TUNNEL_H

#include "remote/session.h"

typedef struct belay_tunnel belay_tunnel;

/* Connects and logs in before it returns. The login is copied. */
bool belay_tunnel_open(const belay_ssh_options *options, belay_tunnel **ret, belay_error *err);
/* Ends every connection and waits for the thread. NULL is fine. */
void belay_tunnel_close(belay_tunnel *tunnel);
BELAY_DEFINE_AUTO(belay_tunnel, belay_tunnel_close)

/* In all of these `host` may also be the absolute path of a unix socket over there (OpenSSH's
 * direct-streamlocal); the port is not looked at then. */

/* A connected socket whose other end is host:port on the far side; the caller closes it. What keeps the far
 * end from being reached comes as an error here. */
bool belay_tunnel_connect(belay_tunnel *tunnel, const char *host, int port, int *ret_fd, belay_error *err);

/* Whom a connection to a listening socket comes from: may he go through? */
typedef bool belay_tunnel_admit(int client_fd);
/* Everything that connects to the socket goes to host:port; the tunnel closes it. One for each tunnel, before
 * its first client. */
bool belay_tunnel_listen(belay_tunnel *tunnel, int listen_fd, belay_tunnel_admit *admit, const char *host,
    int port, belay_error *err);
/* "host:port", or the socket's path, for messages. */
void belay_tunnel_far_end_text(const char *host, int port, char *ret, size_t size_bytes);
/* Why the last connection to the listening socket came to nothing. False when there was none. */
bool belay_tunnel_last_fault(belay_tunnel *tunnel, belay_error *ret);

#endif
