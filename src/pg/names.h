/* Names of tables and columns in COPY statements, whatever the connection's client_encoding is.
 *
 * The manifest's names are UTF-8; COPY runs with client_encoding set to the database's own, so that data
 * passes unconverted. Names with other than ASCII characters are then written as U&"..." with escapes. Any
 * thread.
 */
#ifndef BELAY_PG_NAMES_H
#define BELAY_PG_NAMES_H

#include "util/str.h"

/* NAMEDATALEN - 1: the server cuts longer ones, with no more than a notice. */
enum { BELAY_NAME_MAX_BYTES = 63 };

/* `plain`: the encoding is UTF8 or SQL_ASCII, and names can go as they are. The callers free. */
char *belay_name_ident(const char *name, bool plain);
char *belay_name_qualified(const char *schema, const char *name, bool plain);
/* "a, b"; "" for none. */
char *belay_name_columns(const char *const *columns, size_t count, bool plain);
/* "orders.lines" and the like, as a person types it in SQL: each part quoted only where it has to be. The
 * caller frees. */
char *belay_name_typed(const char *schema, const char *name);
bool belay_name_plain(const char *encoding);

#endif
