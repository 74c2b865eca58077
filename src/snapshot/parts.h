/* What the parts of taking a snapshot share. Internal to src/snapshot; see snapshot.h.
 *
 *     plan (locks, tables; pg_dump begins) -> header, readme
 *         -> schema, rows, large objects, statistics (flow.h) -> sequences, script
 *
 * The coordinator has a connection of profile PINNED, in a read-only transaction whose snapshot is exported
 * to pg_dump and to the workers.
 */
#ifndef BELAY_SNAPSHOT_PARTS_H
#define BELAY_SNAPSHOT_PARTS_H

#include <jansson.h>
#include <stdatomic.h>

#include "archive/archive.h"
#include "archive/codec.h"
#include "snapshot/dump.h"
#include "snapshot/snapshot.h"

enum { BELAY_CHUNK_BYTES = 8 * 1024 * 1024 };

/* A table before it is read. */
typedef struct belay_planned {
    belay_table *table;
    const char *oid;
    char *folder;                    /* of its chunks below data/; in the arena */
    bool is_heap;                    /* PostgreSQL's own table access method */
    uint64_t block_count;            /* of the main fork, when it was locked */
    uint64_t total_bytes;            /* with TOAST */
    size_t member_count;             /* written so far; the writer's */
    atomic_uint_fast64_t read_bytes; /* raw, for the progress */
    atomic_size_t pieces_left;
    atomic_bool is_wanted; /* somebody waits for its lock: it is read first */
} belay_planned;

/* As the server said last. */
typedef struct belay_waiters {
    size_t at_holder; /* wait for a lock of the coordinator's connection */
    size_t unread;    /* tables that somebody waits for and that are not read yet */
} belay_waiters;

typedef struct belay_taking {
    const belay_snapshot_options *options;
    const char *id, *run_id;
    int64_t lock_wait_ms;
    belay_pg *pg;      /* while the flow runs, see its `is_lent` */
    belay_pg *watcher; /* watch.c's; NULL: not yet needed */
    belay_archive_writer *writer;
    belay_codec *codec;
    size_t jobs;
    int server_version;
    belay_arena *arena; /* of the manifest's texts */
    char *snapshot;     /* exported id */
    char *encoding;     /* of the database */
    char *description;  /* of the schema (pg/schema_hash.h) */
    bool plain_names;   /* pg/names.h */
    belay_dump_programs programs;
    belay_dump *dump;     /* begun when all is locked */
    atomic_bool given_up; /* by the flow, or in the end */
    belay_rows *large_object_ddl, *large_object_oids, *sequence_names, *closed_public;
    uint64_t *large_object_bytes; /* as many as oids; in the arena */
    size_t blob_count;            /* members of large objects; the writer's */
    belay_str frame;
    belay_table *tables;    /* in the arena, largest first */
    belay_planned *planned; /* as many */
    size_t table_count;
    json_t *header, *sequences, *large_objects;
    bool has_event_triggers;
    belay_list revisions;
    uint64_t rows, raw_bytes; /* of tables and large objects */
    belay_progress progress;
    belay_list told;               /* pids of sessions that wait for this one */
    int64_t watched_ms, looked_ms; /* of the last look, and of the last one that saw */
    belay_waiters waiters;
    atomic_bool any_wanted; /* maybe: a table with pieces that are not begun */
    int64_t started_ms;
} belay_taking;

/* sweep.c: removes what snapshots of this target that were killed left in the store. */
bool belay_taking_sweep(belay_taking *t, belay_store *store, belay_error *err);
/* plan.c: starts the transaction, locks what is dumped, begins the dump, fills the table list. */
bool belay_taking_plan(belay_taking *t, belay_error *err);
/* sequences.c. read: where they stand; right after the snapshot was exported. check: fails when one of them
 * got another name or was dropped since; `pg` is not in a transaction. */
bool belay_sequences_read(belay_taking *t, belay_error *err);
bool belay_sequences_check(const belay_taking *t, belay_pg *pg, belay_error *err);
/* lock_table.c: BELAY_E_PREFLIGHT where the server's lock table has no room for so many relations. */
bool belay_lock_table_check(belay_pg *pg, size_t relations, belay_error *err);
/* schema.c: begins pg_dump. */
bool belay_taking_dump(belay_taking *t, belay_error *err);
/* header.c: what header.json says, the version rows included. */
bool belay_taking_header(belay_taking *t, belay_error *err);
/* pieces.c: schema/, toc.json, data/, blobs/ with the statistics, blobs.json, sequences.json; the tables'
 * counts and hashes go to the table list. */
bool belay_taking_bulk(belay_taking *t, belay_error *err);
/* large_object_ddl.c: appends the DDL of large objects to the text of pre-data and its entries. Any thread.
 */
bool belay_taking_large_object_ddl(const belay_taking *t, belay_str *to, json_t *entries, belay_error *err);
/* watch.c: to be called several times per second while locks are held; asks the server once per second, more
 * often while somebody waits. Names who waits, and fills t->waiters and the tables' is_wanted;
 * BELAY_E_LOCK_TIMEOUT when somebody waited for too long. */
bool belay_taking_watch(belay_taking *t, belay_error *err);
/* readme.c: README.txt, the first member; script.c: restore.sh, which restores by hand. */
bool belay_taking_readme(belay_taking *t, belay_error *err);
bool belay_taking_script(belay_taking *t, belay_error *err);

/* As the options want it; the caller frees. */
belay_codec *belay_taking_codec(const belay_taking *t);
/* Compresses and adds a member. */
bool belay_taking_add(belay_taking *t, const char *member, const void *data, size_t size_bytes, uint64_t rows,
    belay_error *err);
bool belay_taking_add_json(belay_taking *t, const char *member, const json_t *json, belay_error *err);
/* What was read so far, for the progress. */
void belay_taking_advance(belay_taking *t, uint64_t bytes, uint64_t rows);
/* "schema.table", percent-encoded, at most 230 bytes: the folder of its chunks below data/. The caller frees.
 */
char *belay_taking_folder(const char *schema, const char *name);

/* Of the file as it lies in the store; 0 when there is none. */
uint64_t belay_snapshot_file_bytes(belay_store *store, const char *name);

#endif
