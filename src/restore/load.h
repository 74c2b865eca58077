/* Puts the rows, sequence positions and large objects of a snapshot into a database that has its pre-data.
 *
 * Each table is one transaction: truncated there, so that COPY can freeze its rows, and loaded chunk by chunk
 * as the archive gives them. One loader per connection; several may work on different tables.
 */
#ifndef BELAY_RESTORE_LOAD_H
#define BELAY_RESTORE_LOAD_H

#include "archive/archive.h"
#include "archive/codec.h"
#include "pg/pg.h"
#include "report/reporter.h"
#include "restore/toc.h"

typedef struct belay_loader {
    belay_pg *pg; /* of profile DATA */
    belay_archive *archive;
    const belay_toc *toc;
    belay_codec *codec;
    bool plain_names; /* pg/names.h */
    belay_reporter *reporter;
    belay_progress progress;
    int64_t started_ms;
} belay_loader;

/* Sets client_encoding back to the database's, which the schema section may have changed. */
bool belay_loader_init(belay_loader *loader, belay_error *err);
/* BELAY_E_ARCHIVE when the server counts other rows than the manifest. */
bool belay_load_table(belay_loader *loader, const belay_table *table, belay_error *err);
/* sequences.json */
bool belay_load_sequences(belay_loader *loader, belay_error *err);
/* blobs.json: creates those that the schema section did not, writes their bytes. */
bool belay_load_large_objects(belay_loader *loader, belay_error *err);
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
