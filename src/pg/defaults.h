/* What libpq itself would take for keywords that a conninfo leaves open. Where no thread is named, main
 * thread only: looks at, and for a moment changes, the environment. Of host and hostaddr a later source adds
 * neither when an earlier one has named either. */
#ifndef BELAY_PG_DEFAULTS_H
#define BELAY_PG_DEFAULTS_H

#include "pg/dialer.h"

/* Adds the keywords of an entry of pg_service.conf that info has none of. BELAY_E_CONFIG when there is no
 * such entry. */
bool belay_conninfo_add_service(belay_conninfo *info, const char *service, belay_error *err);
/* Adds the entry that PGSERVICE names, if info has no service; fills host, hostaddr, port, dbname and user,
 * where open, with what libpq would use (PGHOST, PGDATABASE, the user's name); and sslmode, if it is not
 * libpq's own default. BELAY_E_CONFIG when there is no such entry. */
bool belay_conninfo_add_defaults(belay_conninfo *info, belay_error *err);
/* Takes PGSERVICE from this process and its children where the connection has a service of its own: dialers
 * tell libpq of none (pg/dialer.h), and it would take that of the environment instead. Before the first
 * connection. */
void belay_conninfo_forget_service(const belay_conninfo *info);
/* Adds the password that libpq would use for `host` (a name, an address, or the folder of a socket) and
 * `port`: PGPASSWORD's, or that of the password file. True when there is one. Any thread; connects to
 * nothing. */
bool belay_conninfo_add_password(belay_conninfo *info, const char *host, int port);
/* The keyword that an environment variable of libpq stands for ("PGHOST" -> "host"); NULL when none. The
 * caller frees. */
char *belay_conninfo_keyword_of(const char *variable);

#endif
