/* Reads the rows of a comparison: parts of tables, shared out to `jobs` threads with a connection each.
 *
 *     belay_compare_parts_add(&parts, part, bytes, heap)      for each table
 *     belay_compare_read(&reading, &parts, err)
 *     parts.items[i].got[side], .missing                      the parts of a table stand side by side
 *
 * Each side is a database; all its readers see the snapshot that `pg` exports, and pg's transaction stays
 * open meanwhile. The caller's thread reports progress. No thread and no session is left when
 * belay_compare_read returns. Internal to src/restore.
 */
#ifndef BELAY_RESTORE_COMPARE_ROWS_H
#define BELAY_RESTORE_COMPARE_ROWS_H

#include "restore/compare.h"
#include "restore/readback.h"

enum { BELAY_COMPARE_SIDES = 2 };

typedef struct belay_compare_part {
    belay_readback_part what; /* its select is the part's own */
    char *name;               /* "table s.t", for errors; owned */
    uint64_t bytes;           /* about; what is larger comes first */
    const belay_table *table; /* of a manifest; may be NULL */
    bool generated;           /* its generated columns */
    belay_readback_pages
        *pages; /* one for each side; the first part's, which the others of its table borrow */
    /* results */
    belay_readback got[BELAY_COMPARE_SIDES];
    char *missing; /* the server's message, where table or column is not there; owned */
} belay_compare_part;

typedef struct belay_compare_parts {
    belay_compare_part *items;
    size_t count, capacity;
} belay_compare_parts;
/* Adds the table in as many parts as its size calls for; takes `name` and what.select. `bytes`: of its rows,
 * about. */
void belay_compare_parts_add(belay_compare_parts *parts, belay_compare_part part, uint64_t bytes, bool heap);
void belay_compare_parts_done(belay_compare_parts *parts);
static inline void belay_compare_parts_done_p(belay_compare_parts *parts)
{
    belay_compare_parts_done(parts);
}

typedef struct belay_compare_side {
    const char *dbname;
    belay_pg *pg; /* in a REPEATABLE READ transaction */
} belay_compare_side;

typedef struct belay_compare_reading {
    const belay_compare_options *options; /* dialer, run_id, jobs, reporter */
    belay_compare_side sides[BELAY_COMPARE_SIDES];
    size_t side_count;
    uint64_t total_bytes; /* for the progress; 0: unknown */
} belay_compare_reading;
/* Blocks; ends on a stop request. */
bool belay_compare_read(const belay_compare_reading *reading, belay_compare_parts *parts, belay_error *err);

#endif
