/* Reads a table back as the snapshot read it, and sums its rows.
 *
 * One row is one CopyData message; the header and trailer of the binary format are left out of the sum.
 */
#ifndef BELAY_RESTORE_READBACK_H
#define BELAY_RESTORE_READBACK_H

#include "archive/manifest.h"
#include "pg/pg.h"
#include "util/hash.h"

typedef struct belay_readback {
    belay_rowsum sum;
    uint64_t bytes; /* received, header and trailer left out */
} belay_readback;

/* `copy`: a COPY ... TO STDOUT. */
bool belay_readback_copy(belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err);
/* The same under the database's own search_path, after the server did not find a name that planning the COPY
 * needs: a function's text in an index or in statistics may have it without its schema. Starts anew. In an
 * open transaction the path stays until that ends, or is rolled back to a savepoint. */
bool belay_readback_by_path(
    belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err);
/* Pages from..end of a heap; end 0: no end, and from 0: the whole table. */
typedef struct belay_page_range {
    uint64_t from, end;
} belay_page_range;

/* COPY TO of the table (of its root, when it has one): its columns, or its generated ones. The caller frees.
 */
char *belay_readback_statement(
    const belay_table *table, bool generated, bool plain_names, belay_page_range range);

#endif
