/* The search_path for what leans on one.
 *
 * A restore runs with an empty search_path, as pg_dump's statements want it (CVE-2018-1058). A function that
 * an index, a check, a generated column or a materialized view calls may name things without their schema,
 * and worked at the source only because of the search_path there. What fails for that reason is tried once
 * more under the source's: the database's own setting, then all other schemas of the snapshot, since roles
 * may have had paths of their own.
 */
#ifndef BELAY_RESTORE_SEARCH_PATH_H
#define BELAY_RESTORE_SEARCH_PATH_H

#include "restore/toc.h"

/* The statement that sets the path, until the transaction ends when `local`; with its semicolon. The caller
 * frees. */
char *belay_search_path_sql(const belay_toc *toc, bool local);

#endif
