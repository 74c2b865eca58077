/* Compares any database with the manifest of a snapshot, as one read-only transaction sees it.
 *
 * Tables: rows and row hashes, generated columns apart, partitions of a root that they were loaded through
 * together. Sequences: "at least" - a position may have moved on, never back. Large objects: number, sizes
 * and bytes. Schema: the canonical description's hash (within one major version of the server, since another
 * words it differently); with `restored`, foreign keys that the data violates count as equal.
 *
 *     belay_compare_differences differences = {0};
 *     belay_compare_database(&options, archive, &differences, err)   false: could not be compared
 *     if (differences.count > 0) ...
 */
#ifndef BELAY_RESTORE_COMPARE_H
#define BELAY_RESTORE_COMPARE_H

#include "archive/archive.h"
#include "pg/pg.h"
#include "report/reporter.h"

typedef struct belay_compare_options {
    belay_dialer *dialer;
    const char *dbname;
    const char *run_id; /* application_name */
    int jobs;           /* connections that read rows; 0: one per core */
    bool skip_ledger;   /* leave out schema "belay" */
    bool skip_sequences;
    bool skip_large_objects;
    bool skip_schema;
    bool exact_sequences; /* positions must be equal: did a run that failed use any? */
    bool restored;        /* by belay_restore_into, which may have left keys NOT VALID or out */
    const belay_list
        *role_map; /* with `restored`: what roles of policies and user mappings became; may be NULL */
    belay_reporter *reporter;
} belay_compare_options;

typedef struct belay_compare_differences {
    belay_list texts;         /* the first few, as a person reads them */
    size_t count;             /* all of them */
    uint64_t rows, raw_bytes; /* read */
    double seconds;
} belay_compare_differences;
void belay_compare_differences_done(belay_compare_differences *differences);
static inline void belay_compare_differences_done_p(belay_compare_differences *differences)
{
    belay_compare_differences_done(differences);
}

/* True when the comparison could be made; what differs is in *ret. Blocking; 1 + `jobs`
 * connections. */
bool belay_compare_database(const belay_compare_options *options, belay_archive *archive,
    belay_compare_differences *ret, belay_error *err);
/* The rows of options->dbname against those of its twin `twin` (CREATE DATABASE ... TEMPLATE), which must
 * allow connections: every table and materialized view but belay's own, large objects, and sequences "at
 * least". The catalogues are taken for equal (pg/catalog_state.h). Both databases are read, so nothing that
 * could have been written is left out. Of the options dbname, dialer, run_id, jobs and reporter count. True
 * when the comparison could be made. Blocking; 1 + `jobs` connections to each. */
bool belay_compare_twin(
    const belay_compare_options *options, const char *twin, belay_compare_differences *ret, belay_error *err);

#endif
