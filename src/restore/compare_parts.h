/* The parts of a comparison that are not rows of tables. Internal to src/restore; see restore/compare.h. */
#ifndef BELAY_RESTORE_COMPARE_PARTS_H
#define BELAY_RESTORE_COMPARE_PARTS_H

#include "pg/schema_hash.h"
#include "restore/compare.h"
#include "restore/readback.h"
#include "util/hash.h"

typedef struct belay_comparison {
    const belay_compare_options *options;
    belay_archive *archive;
    const belay_manifest *manifest;
    belay_pg *pg; /* in the one transaction; client_encoding UTF8 */
    /* More of them where nobody else changes the database: they describe the schema together. */
    belay_pg *helpers[BELAY_SCHEMA_READERS - 1];
    size_t helper_count;
    bool plain_names;
    belay_compare_differences *ret;
    char schema_hash[BELAY_SHA256_HEX_SIZE]; /* of the database as it is; "": not taken */
} belay_comparison;

/* Takes the text. */
void belay_compare_note(belay_comparison *c, char *text);
void belay_compare_note_difference(belay_compare_differences *differences, char *text);
/* Notes what differs of a table, or of all partitions that share its root. `missing`: why it could not be
 * read back, else NULL. */
bool belay_compare_note_table(const belay_manifest *manifest, const belay_table *table, bool generated,
    const belay_readback *got, const char *missing, belay_compare_differences *to, belay_error *err);
/* "...: expected n rows, got m", where the sums are not equal. */
void belay_compare_note_sums(
    belay_compare_differences *to, const char *what, const belay_rowsum *expected, const belay_rowsum *got);
/* Is the table compared with an earlier one of the manifest, whose root it shares? */
bool belay_compare_is_with_earlier(const belay_manifest *manifest, size_t number);
/* Each: false when it could not be compared. */
bool belay_compare_schema(belay_comparison *c, belay_error *err);
bool belay_compare_sequences(belay_comparison *c, belay_error *err);
/* A share of the large objects; the first also compares their number. */
bool belay_compare_large_objects(belay_comparison *c, size_t part, size_t parts, belay_error *err);

#endif
