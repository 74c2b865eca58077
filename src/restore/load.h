/* Puts the rows, sequence positions and large objects of a snapshot into a database that has its pre-data.
 *
 * A table that one stream loads is one transaction: truncated there, so that COPY can freeze its rows. Chunks
 * that several streams load are a transaction each. Each transaction leaves its mark (restore/marks.h). One
 * loader per connection and thread; several may work on different tables, and on chunks of one.
 */
#ifndef BELAY_RESTORE_LOAD_H
#define BELAY_RESTORE_LOAD_H

#include <stdatomic.h>

#include "archive/archive.h"
#include "archive/codec.h"
#include "pg/pg.h"
#include "restore/marks.h"
#include "restore/toc.h"

/* What all loaders of a restore share: bytes and rows that are in, and whether to end. */
typedef struct belay_load_count {
    atomic_uint_fast64_t bytes, rows;
    atomic_bool abort;
} belay_load_count;

/* A table to load, and the key of its mark: a whole table's, the chunks' are their members' names. */
typedef struct belay_load_job {
    const belay_table *table;
    const char *key;
    bool freeze; /* it may be truncated first, which lets COPY freeze its rows */
    bool unlogged;
} belay_load_job;

typedef struct belay_loader {
    belay_pg *pg; /* of profile DATA */
    belay_archive *archive;
    const char *run_id;       /* of the marks; NULL: none are left */
    const belay_marks *marks; /* of an attempt before; NULL: none */
    belay_load_count *count;
    const belay_toc *toc; /* for rows whose checks lean on the source's search_path; NULL: none do */
    belay_codec *codec;
    char *encoding;   /* the database's */
    bool plain_names; /* pg/names.h */
} belay_loader;

bool belay_loader_init(belay_loader *loader, belay_error *err);
/* Sets client_encoding to the database's, which statements of the schema section change: before rows. */
bool belay_loader_to_rows(belay_loader *loader, belay_error *err);
/* Loads several small tables in one transaction, or one of any size. BELAY_E_ARCHIVE when the server counts
 * other rows than the manifest. */
bool belay_load_tables(belay_loader *loader, const belay_load_job *jobs, size_t count, belay_error *err);
/* One chunk in a transaction of its own, plainly. */
bool belay_load_chunk(belay_loader *loader, const belay_load_job *job, size_t chunk, belay_error *err);
/* sequences.json */
bool belay_load_sequences(belay_loader *loader, belay_error *err);
/* load_objects.c, blobs.json: creates those that the schema section did not, writes their bytes. They are cut
 * into batches, always the same; every `parts`-th of those, from number `part` on, each in a transaction that
 * leaves its mark. */
bool belay_load_large_objects(belay_loader *loader, size_t part, size_t parts, belay_error *err);
/* Fails when something else did, or a stop is requested. */
bool belay_loader_check_stop(const belay_loader *loader, belay_error *err);
/* In the transaction under way. */
bool belay_loader_leave_mark(belay_loader *loader, bool unlogged, const char *key, belay_error *err);
void belay_loader_done(belay_loader *loader);
static inline void belay_loader_done_p(belay_loader *loader)
{
    belay_loader_done(loader);
}
/* A JSON member as a document; *ret is NULL when the archive has no such member. New reference. */
bool belay_load_json(belay_archive *archive, const char *member, json_t **ret, belay_error *err);
/* The qualified and quoted name of an entry of sequences.json; the caller frees. */
bool belay_sequence_name(const json_t *sequence, char **ret, belay_error *err);

#endif
