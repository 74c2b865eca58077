/* What libpq itself would take for keywords that a conninfo leaves open. Main thread only: looks at, and for
 * a moment changes, the environment. */
#ifndef BELAY_PG_DEFAULTS_H
#define BELAY_PG_DEFAULTS_H

#include "pg/dialer.h"

/* Adds host, hostaddr, port, user, password and dbname of an entry of pg_service.conf, where info has none.
 * BELAY_E_CONFIG when there is no such entry. */
bool belay_conninfo_add_service(belay_conninfo *info, const char *service, belay_error *err);
/* Fills dbname and user, where open, with what libpq would use (PGDATABASE, PGSERVICE, PGUSER, the user's
 * name). */
bool belay_conninfo_add_defaults(belay_conninfo *info, belay_error *err);
/* The keyword that an environment variable of libpq stands for ("PGHOST" -> "host"); NULL when none. The
 * caller frees. */
char *belay_conninfo_keyword_of(const char *variable);

#endif
