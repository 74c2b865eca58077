/* What the parts of taking a snapshot share. Internal to src/snapshot; see snapshot.h.
 *
 *     plan (locks, tables) -> header, readme -> schema -> rows -> large objects, sequences -> script
 *
 * One connection of profile PINNED, in one read-only transaction whose snapshot is exported to pg_dump. Its
 * client_encoding is UTF8 for names and texts, the database's own while rows are copied, so that their bytes
 * pass unconverted.
 */
#ifndef BELAY_SNAPSHOT_PARTS_H
#define BELAY_SNAPSHOT_PARTS_H

#include <jansson.h>

#include "archive/archive.h"
#include "archive/codec.h"
#include "snapshot/snapshot.h"

enum { BELAY_CHUNK_BYTES = 16 * 1024 * 1024 };

typedef struct belay_taking {
    const belay_snapshot_options *options;
    const char *id, *run_id;
    int64_t lock_wait_ms;
    belay_pg *pg;
    belay_archive_writer *writer;
    belay_codec *codec;
    belay_arena *arena;   /* of the manifest's texts */
    char *snapshot;       /* exported id */
    char *encoding;       /* of the database */
    char *description;    /* of the schema (pg/schema_hash.h) */
    bool plain_names;     /* pg/names.h */
    belay_str raw, frame; /* reused from chunk to chunk */
    belay_table *tables;  /* in the arena, largest first */
    size_t table_count;
    json_t *header, *sequences, *large_objects;
    bool has_event_triggers;
    belay_list revisions;
    uint64_t rows, raw_bytes; /* of tables and large objects */
    belay_progress progress;
    int64_t started_ms;
} belay_taking;

/* sweep.c: removes what snapshots of this target that were killed left in the store. */
bool belay_taking_sweep(belay_taking *t, belay_store *store, belay_error *err);
/* plan.c: starts the transaction, locks what is dumped, fills the table list. */
bool belay_taking_plan(belay_taking *t, belay_error *err);
/* header.c: what header.json says, the version rows included. */
bool belay_taking_header(belay_taking *t, belay_error *err);
/* schema.c: schema/pre-data.sql.zst, schema/post-data.sql.zst, toc.json. */
bool belay_taking_schema(belay_taking *t, belay_error *err);
/* large_object_ddl.c: appends the DDL of large objects to the text of pre-data and its entries. */
bool belay_taking_large_object_ddl(belay_taking *t, belay_str *to, json_t *entries, belay_error *err);
/* data.c: the rows of all tables; row counts and hashes go to the table list. */
bool belay_taking_rows(belay_taking *t, belay_error *err);
/* extras.c: sequences.json; blobs.json and blobs/. */
bool belay_taking_sequences(belay_taking *t, belay_error *err);
bool belay_taking_large_objects(belay_taking *t, belay_error *err);
/* readme.c: README.txt, the first member; script.c: restore.sh, which restores by hand. */
bool belay_taking_readme(belay_taking *t, belay_error *err);
bool belay_taking_script(belay_taking *t, belay_error *err);

/* Compresses and adds a member. */
bool belay_taking_add(belay_taking *t, const char *member, const void *data, size_t size_bytes, uint64_t rows,
    belay_error *err);
bool belay_taking_add_json(belay_taking *t, const char *member, const json_t *json, belay_error *err);
/* What was read so far, for the progress. */
void belay_taking_advance(belay_taking *t, uint64_t bytes, uint64_t rows);
/* "schema.table", percent-encoded, at most 230 bytes: the folder of its chunks below data/. The caller frees.
 */
char *belay_taking_folder(const char *schema, const char *name);

#endif
