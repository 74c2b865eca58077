/* The rows of chosen tables: into tables of the same names in another schema, and read back from there.
 * Internal to src/restore; see restore/beside.h. */
#ifndef BELAY_RESTORE_BESIDE_ROWS_H
#define BELAY_RESTORE_BESIDE_ROWS_H

#include "archive/archive.h"
#include "pg/pg.h"
#include "report/reporter.h"
#include "restore/beside_plan.h"

typedef struct belay_beside_rows {
    belay_pg *pg; /* in the transaction, client_encoding that of the snapshot */
    belay_archive *archive;
    const belay_beside_plan *plan;
    const char *schema; /* where the tables are */
    const char *path;   /* as in restore/beside_ddl.h */
    bool plain_names;   /* pg/names.h */
    belay_reporter *reporter;
    belay_list *warnings;     /* added to */
    uint64_t rows, raw_bytes; /* loaded */
} belay_beside_rows;

bool belay_beside_load(belay_beside_rows *rows, belay_error *err);
/* BELAY_E_COMPARE names the first table whose rows are others than the manifest's. Generated columns that are
 * others are warned of: the server computes them by what their functions are now. */
bool belay_beside_compare(belay_beside_rows *rows, belay_error *err);
/* Is the table of the manifest one of the chosen? */
bool belay_beside_has(const belay_beside_plan *plan, const char *schema, const char *name);

#endif
