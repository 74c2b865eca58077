/* What a snapshot says besides its data: header.json, and toc.json with the SQL of both schema sections cut
 * into statements.
 *
 *     belay_toc_read(archive, &toc, err)
 *     for each toc->entries: belay_ddl_run(script, entry)      (restore/script.h)
 *
 * SET default_tablespace and default_table_access_method, which pg_dump writes between entries, are taken
 * out and kept per entry, so that entries may run in any order and on any connection. A toc is read-only
 * after reading, owns its memory, and may be read by several threads.
 */
#ifndef BELAY_RESTORE_TOC_H
#define BELAY_RESTORE_TOC_H

#include <jansson.h>

#include "archive/archive.h"
#include "util/str.h"

typedef struct belay_toc_entry {
    long id;
    const char *type; /* "TABLE", "FK CONSTRAINT", ... */
    const char *schema, *name;
    const long *depends;
    size_t depends_count;
    const char *const *statements;
    size_t statement_count;
    const char *tablespace;    /* the SET statement in effect, NULL: none seen yet */
    const char *access_method; /* likewise */
} belay_toc_entry;

typedef struct belay_toc {
    belay_arena *arena;
    json_t *header;
    json_t *document;         /* toc.json */
    belay_toc_entry *entries; /* pre-data first, each section in pg_dump's order */
    size_t count;
    size_t pre_count;
    const char *pre_prologue, *post_prologue; /* SET statements at the head of each section */
} belay_toc;

/* BELAY_E_ARCHIVE for what does not fit together, BELAY_E_FORMAT for a format that this belay cannot read. */
bool belay_toc_read(belay_archive *archive, belay_toc **ret, belay_error *err);
/* header.json alone; new reference. */
bool belay_header_read(belay_archive *archive, json_t **ret, belay_error *err);
void belay_toc_free(belay_toc *toc);
BELAY_DEFINE_AUTO(belay_toc, belay_toc_free)
/* "FK CONSTRAINT public.orders orders_customer_fkey", for messages; the caller frees. */
char *belay_toc_label(const belay_toc_entry *entry);
/* NULL when the TOC has none of that type and name. */
const belay_toc_entry *belay_toc_find(
    const belay_toc *toc, const char *type, const char *schema, const char *name);

#endif
