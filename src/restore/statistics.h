/* The planner's statistics that a snapshot holds, by table: lines of JSON (docs/snapshot-format.md).
 *
 * From PostgreSQL 18 on a server takes them over. All of them are in memory, a few kilobytes for each column
 * that was ever analyzed. Read-only after reading; any thread.
 */
#ifndef BELAY_RESTORE_STATISTICS_H
#define BELAY_RESTORE_STATISTICS_H

#include "archive/archive.h"
#include "pg/pg.h"

typedef struct belay_statistics belay_statistics;
void belay_statistics_free(belay_statistics *statistics);
BELAY_DEFINE_AUTO(belay_statistics, belay_statistics_free)

/* Can that server take them over? */
bool belay_statistics_wanted(belay_pg *pg);
/* *ret is NULL when the snapshot has none. Lines that are no JSON are left out. */
bool belay_statistics_read(belay_archive *archive, belay_statistics **ret, belay_error *err);
/* The lines of a table as one array, in ASCII; NULL when there are none of its columns. The caller frees. */
char *belay_statistics_of(const belay_statistics *statistics, const char *schema, const char *name);

#endif
