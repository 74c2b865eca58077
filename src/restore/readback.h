/* Reads tables back as the snapshot read them, and sums their rows.
 *
 *     BELAY_AUTO(belay_free) char *select = belay_readback_select(table, false, plain_names);
 *     const belay_readback_part part = {.select = select, .format = table->format, .parts = 1};
 *     belay_readback_read(&reader, &part, &got, &missing, err)
 *
 * One row is one CopyData message; the header and trailer of the binary format are left out of the sum. A
 * reader belongs to one thread. The calls block; they end on a stop request.
 */
#ifndef BELAY_RESTORE_READBACK_H
#define BELAY_RESTORE_READBACK_H

#include <stdatomic.h>

#include "archive/manifest.h"
#include "pg/pg.h"
#include "util/hash.h"

typedef struct belay_readback {
    belay_rowsum sum;
    uint64_t bytes; /* received, header and trailer left out */
} belay_readback;

void belay_readback_merge(belay_readback *to, const belay_readback *from);
/* `copy`: a COPY ... TO STDOUT. */
bool belay_readback_copy(belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err);

/* How many pages a heap had when the first of its parts was read. All parts of a table in one database share
 * it, so that their ranges meet even where VACUUM cuts off the table's end between two of them. Any thread.
 */
typedef struct belay_readback_pages {
    atomic_uint_fast64_t known; /* the number + 1; 0: nobody asked yet */
} belay_readback_pages;

/* Rows to be read: all of them, or one of several ranges of a heap's pages. */
typedef struct belay_readback_part {
    const char *select; /* "SELECT columns FROM ONLY table" */
    const char *filter; /* a condition; NULL: none */
    const char *format; /* of COPY: "binary" or "text" */
    size_t part, parts;
    uint32_t oid;                /* of the heap; with several parts only, like what follows */
    belay_readback_pages *pages; /* borrowed */
} belay_readback_part;

/* The table's columns, or its generated ones; of its root, when it has one. The caller frees. */
char *belay_readback_select(const belay_table *table, bool generated, bool plain_names);
/* The COPY TO of all that the part's table has. The caller frees. */
char *belay_readback_statement(const belay_readback_part *part);
/* In how many parts a table of that size is best read. Only a heap can be cut. */
size_t belay_readback_parts(uint64_t bytes, bool heap);

typedef struct belay_row_reader {
    belay_pg *pg;      /* of profile DATA, outside of a transaction */
    const char *begin; /* "BEGIN ...;": begins the transaction of each part */
    const char *path;  /* "SET LOCAL search_path ...;": for the server plans with functions of indexes and of
                          statistics, whose text may have names without their schema */
} belay_row_reader;

/* Reads one part in a transaction of its own. *ret_missing is the server's message where a name is missing
 * under the reader's path too (table or column are not there), else NULL; owned. */
bool belay_readback_read(const belay_row_reader *reader, const belay_readback_part *part, belay_readback *ret,
    char **ret_missing, belay_error *err);

#endif
