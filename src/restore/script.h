/* Runs the statements of TOC entries: many per transaction, within the server's lock table.
 *
 *     belay_ddl_begin(&script, prologue, err)    the section's settings
 *     belay_ddl_add(&script, entry, err)         runs a batch whenever one is full
 *     belay_ddl_flush(&script, err)
 *
 * A batch is sent in one round trip. When it fails it is rolled back and run again entry by entry, so that
 * the error names the entry. An entry that finds a name nowhere is tried again under the source's search_path
 * (restore/search_path.h). One connection, one thread.
 */
#ifndef BELAY_RESTORE_SCRIPT_H
#define BELAY_RESTORE_SCRIPT_H

#include "pg/pg.h"
#include "restore/toc.h"

typedef struct belay_ddl {
    belay_pg *pg;               /* of profile DATA */
    const belay_list *role_map; /* may be NULL */
    const json_t *extensions;   /* header.json's */
    const char *run_id;         /* each entry leaves its mark (restore/marks.h); NULL: none does */
    size_t sharers;             /* connections that do this side by side; 0: one */
    size_t batch_entries;       /* most entries per transaction */
    const belay_toc *toc;       /* for entries that lean on the source's search_path; NULL: none does */
    const char *tablespace;     /* in effect in the session */
    const char *access_method;
    const belay_toc_entry **batch;
    size_t batch_count;
} belay_ddl;

/* Asks the server for the size of its lock table, of which the sharers take their part. */
bool belay_ddl_init(belay_ddl *script, belay_pg *pg, belay_error *err);
bool belay_ddl_begin(belay_ddl *script, const char *prologue, belay_error *err);
bool belay_ddl_add(belay_ddl *script, const belay_toc_entry *entry, belay_error *err);
bool belay_ddl_flush(belay_ddl *script, belay_error *err);
/* One entry in a transaction of its own, after flushing. `suffix` (may be NULL) is put behind its first
 * statement. */
bool belay_ddl_run(belay_ddl *script, const belay_toc_entry *entry, const char *suffix, belay_error *err);
/* All of them in one transaction, or none. */
bool belay_ddl_try(belay_ddl *script, const belay_toc_entry *const *entries, size_t count, belay_error *err);
/* Some statements of an entry, or ones made from them, in a transaction that leaves the mark `key`. */
bool belay_ddl_run_as(belay_ddl *script, const belay_toc_entry *entry, const char *statements,
    const char *key, const char *note, belay_error *err);
/* Was it no fault of the statements: ended, cut off, or in somebody's way? Then they are not tried one by
 * one.
 */
bool belay_ddl_is_outside(const belay_error *err);
/* "entry 215", the key of its mark; the caller frees. */
char *belay_ddl_key(const belay_toc_entry *entry);
void belay_ddl_done(belay_ddl *script);
static inline void belay_ddl_done_p(belay_ddl *script)
{
    belay_ddl_done(script);
}

#endif
