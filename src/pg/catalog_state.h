/* The state of a database's own catalogues: is its schema, down to owners, rights, comments, files of tables
 * and invalid indexes, exactly what it was a while ago?
 *
 * For one and the same database only (OIDs count); pg/schema_hash.h compares a database with its restored
 * copy. What vacuum and analyze write does not count, nor do temporary tables. Catalogues that the role may
 * not read are left out. Reads only; blocking; PINNED profile.
 */
#ifndef BELAY_PG_CATALOG_STATE_H
#define BELAY_PG_CATALOG_STATE_H

#include <jansson.h>

#include "pg/pg.h"

/* {"pg_class": "rows sum", ...}, new reference. */
bool belay_catalog_state(belay_pg *pg, json_t **ret, belay_error *err);
/* Names of the catalogues that differ, "pg_class, pg_index"; NULL when none does. The caller frees. */
char *belay_catalog_difference(const json_t *before, const json_t *after);

#endif
