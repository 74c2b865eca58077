/* Takes a snapshot: DDL by pg_dump and data by COPY under one exported snapshot, into an archive in a store.
 *
 * README.txt is the first member, restore.sh the last before the manifest (docs/snapshot-format.md).
 * toc.json (written here, read by src/restore): {"entries": [{"id": dump id, "section": "pre" | "post",
 * "type": "TABLE", "schema", "name", "owner", "depends": [ids], "start": byte offset in the decoded section's
 * SQL, "length": bytes}]}, in pg_dump's order. sequences.json: [{"schema", "name", "last_value",
 * "is_called"}]. blobs.json: [{"oid", "bytes", "chunks": [members]}] (owners, ACLs and comments of large
 * objects come in the TOC).
 * header.json: {"format_version", "belay_version", "id", "target", "created_at", "server_version",
 * "server_version_text", "system_identifier", "timeline", "database": <pg/dbstate.h>, "revisions": [...],
 * "version_table": {"schema", "name"}, "extensions": [{"name", "version", "schema"}], "roles": [...],
 * "schema_hash"}
 */
#ifndef BELAY_SNAPSHOT_SNAPSHOT_H
#define BELAY_SNAPSHOT_SNAPSHOT_H

#include "config/target.h"
#include "pg/pg.h"
#include "pg/schema_hash.h"
#include "report/recorder.h"
#include "report/reporter.h"
#include "store/store.h"

typedef struct belay_snapshot_options {
    belay_dialer *dialer;
    const char *dbname;      /* as reachable now (the private name behind the gate) */
    const char *public_name; /* recorded as the database's name */
    const belay_target *target;
    const char *run_id;   /* application_name of its sessions */
    const char *id;       /* NULL: made here */
    int level;            /* zstd; 0: 1 */
    bool look_far;        /* archive/codec.h */
    int64_t lock_wait_ms; /* for ACCESS SHARE; 0: 10 s */
    belay_recorder *recorder;
    belay_reporter *reporter;
} belay_snapshot_options;

typedef struct belay_snapshot_info {
    char *id;
    char *name; /* in the store: "<target>/<id>.tar", or ".tar.age" when it is encrypted */
    char *path; /* as a person would open it */
    char *target;
    char *created_at;
    belay_list revisions;
    const char *state; /* "verified", "proven", "damaged", or "encrypted": no key here opens it, so that only
                          its id, time and size are known */
    char *proven_at;   /* NULL */
    double proof_seconds; /* what the proof took; 0: not proven */
    uint64_t bytes, raw_bytes, rows, tables;
    double seconds;
} belay_snapshot_info;
void belay_snapshot_info_done(belay_snapshot_info *info);
static inline void belay_snapshot_info_done_p(belay_snapshot_info *info)
{
    belay_snapshot_info_done(info);
}

/* Writes, syncs, reads back, publishes. On failure no file is left. */
bool belay_snapshot_take(
    const belay_snapshot_options *options, belay_store *store, belay_snapshot_info *ret, belay_error *err);

/* Has the server's lock table room for a snapshot of the connection's database? Where not, BELAY_E_PREFLIGHT
 * with the setting that makes it so. */
bool belay_snapshot_check_lock_table(belay_pg *pg, belay_error *err);

/* Newest first. Unknown files are ignored, unreadable snapshots are listed with state "damaged" or
 * "encrypted".
 */
bool belay_snapshot_list(
    belay_store *store, const char *target, belay_snapshot_info **ret, size_t *ret_count, belay_error *err);
void belay_snapshot_list_free(belay_snapshot_info *infos, size_t count);
/* The newest that is not damaged; *ret_found false when there is none. */
bool belay_snapshot_newest(
    belay_store *store, const char *target, belay_snapshot_info *ret, bool *ret_found, belay_error *err);
/* The file called `name` and what belongs to it, proof and signature, which go first: killed in between, it
 * leaves a snapshot that is found, and so removed, again. */
bool belay_snapshot_remove(belay_store *store, const char *name, belay_error *err);
/* What a run left behind that was ended while it wrote this snapshot: the unfinished file, and a signature
 * that was there before the name. */
bool belay_snapshot_remove_part(belay_store *store, const char *target, const char *id, belay_error *err);
/* By id or unique prefix, in any target's folder unless `target` is given. */
bool belay_snapshot_find(
    belay_store *store, const char *target, const char *id, belay_snapshot_info *ret, belay_error *err);
/* <target>/<id>.proof.json: {"proven_at", "seconds"}. */
bool belay_snapshot_mark_proven(
    belay_store *store, const belay_snapshot_info *info, double seconds, belay_error *err);

#endif
