/* A private PostgreSQL server of the machine's own, in a temporary folder, reached over a unix socket only.
 *
 *   none --start--> initdb --> running --stop (or the death of belay)--> gone, folder removed
 *
 * The postmaster is a child that dies with belay. initdb refuses root, so under root the server runs as the
 * user postgres, or nobody. Its superuser has the name that start gets, without a password. Blocking; one
 * thread.
 */
#ifndef BELAY_REHEARSE_PRIVATE_SERVER_H
#define BELAY_REHEARSE_PRIVATE_SERVER_H

#include "pg/dialer.h"
#include "report/reporter.h"
#include "util/mem.h"

typedef struct belay_private_server belay_private_server;
/* `major`: 14, 15, ... BELAY_E_PREFLIGHT when no such server is installed here. */
bool belay_private_server_start(
    int major, const char *superuser, belay_reporter *reporter, belay_private_server **ret, belay_error *err);
/* Ends it at once; what it held is gone. NULL is fine. */
void belay_private_server_stop(belay_private_server *server);
BELAY_DEFINE_AUTO(belay_private_server, belay_private_server_stop)
belay_dialer *belay_private_server_dialer(belay_private_server *server); /* valid while it runs */

#endif
