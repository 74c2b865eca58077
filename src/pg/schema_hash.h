/* The canonical description of a database's schema, and its hash: what "drift" and "the schema equals" are
 * judged by.
 *
 * One line per object or column, sorted by bytes. Left out: owners, ACLs, OIDs, tablespaces, gaps that
 * dropped columns leave, members of extensions (the extension and its version stand for them), invalid
 * indexes (a dump leaves them out too), subscriptions, belay's own schema, and version tables (a table whose
 * only column is version_num, whatever its name). Definitions come from pg_get_*def under a pinned
 * search_path and are brought to the form that they have after a dump and restore (pg/schema_text.h), so that
 * a restored database compares equal.
 *
 * Any profile of connection, inside or outside of a transaction; settings are put back. Reads only. Blocking.
 */
#ifndef BELAY_PG_SCHEMA_HASH_H
#define BELAY_PG_SCHEMA_HASH_H

#include "pg/pg.h"

/* More connections than that are of no use to belay_schema_describe_on. */
enum { BELAY_SCHEMA_READERS = 4 };

/* Lines, each ended by a newline; ret is emptied first. Several servers' versions may word a line
 * differently: compare within one major version. */
bool belay_schema_describe(belay_pg *pg, belay_str *ret, belay_error *err);
/* The same, read through `count` connections to the database, at least one, at a time: a thread for each,
 * all ended when it returns. What they see of the database should be the same. */
bool belay_schema_describe_on(belay_pg *const *pgs, size_t count, belay_str *ret, belay_error *err);
/* SHA-256 of belay_schema_describe. */
bool belay_schema_hash(belay_pg *pg, char hex[static 65], belay_error *err);
/* "- line" for what only `before` has, "+ line" for what only `after` has, at most max_lines of them, then
 * "... and N more". NULL when they are equal. The caller frees. */
char *belay_schema_difference(const char *before, const char *after, size_t max_lines);

#endif
