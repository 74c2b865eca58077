/* The container: a POSIX (pax) tar written front to back by one thread, read at offsets by many.
 *
 *   writer: create --add, any number--> --finish (manifest.json, locator, end blocks, sync)--> name.part
 *           name.part --belay_archive_publish--> name
 *   reader: open (locator -> manifest, both checked) --> read a member, verify all
 *
 * Member names: README.txt, header.json, schema/pre-data.sql.zst, data/<schema>.<table>/<n>.copy.zst,
 * sequences.json, blobs/<n>.zst, schema/post-data.sql.zst, schema/description.txt.zst, toc.json,
 * manifest.json, locator. Components are percent-encoded, so that no name needs quoting or leaves its folder;
 * a reader refuses others. The locator is the last member, 512 bytes of content with magic, offset, length
 * and SHA-256 of manifest.json; it is found at a fixed distance from the end of the file. A member is added
 * whole, from memory: a tar entry needs its size first.
 */
#ifndef BELAY_ARCHIVE_ARCHIVE_H
#define BELAY_ARCHIVE_ARCHIVE_H

#include "archive/manifest.h"
#include "report/reporter.h"
#include "store/store.h"

/* What the schema hash in header.json is made of (pg/schema_hash.h). */
#define BELAY_MEMBER_DESCRIPTION "schema/description.txt.zst"

/* What the names of the planner's statistics begin with; 1.zst, 2.zst, ... follow. They lie where readers
 * that know nothing of them take any name. */
#define BELAY_MEMBERS_STATISTICS "blobs/statistics-"

typedef struct belay_archive_writer belay_archive_writer;
/* Whether libarchive is there (util/library.h); creating a writer asks too. */
bool belay_archive_can_write(belay_error *err);
/* Starts name + ".part" in the store. */
bool belay_archive_create(belay_store *store, const char *name, belay_archive_writer **ret, belay_error *err);
/* `raw_bytes`, `rows`: for the manifest. Content is stored as it is given (compress before, archive/codec.h).
 */
bool belay_archive_add(belay_archive_writer *writer, const char *member, const void *data, size_t size_bytes,
    uint64_t raw_bytes, uint64_t rows, belay_error *err);
/* Members are filled in from what was added; the rest of the manifest comes from the caller. Syncs. */
bool belay_archive_finish(belay_archive_writer *writer, const belay_manifest *rest, belay_error *err);
/* Removes the .part of an unfinished writer; a finished one stays. */
void belay_archive_writer_free(belay_archive_writer *writer);
BELAY_DEFINE_AUTO(belay_archive_writer, belay_archive_writer_free)
/* Re-reads name.part byte for byte from the medium (belay_archive_verify), then renames it to name durably.
 */
bool belay_archive_publish(
    belay_store *store, const char *name, int jobs, belay_reporter *reporter, belay_error *err);

typedef struct belay_archive belay_archive;
/* BELAY_E_SIGNATURE when the store wants a signature (store/store.h) and the file has none that counts. */
bool belay_archive_open(belay_store *store, const char *name, belay_archive **ret, belay_error *err);
/* The same whoever wrote it: for lists, which use nothing of what it holds. */
bool belay_archive_peek(belay_store *store, const char *name, belay_archive **ret, belay_error *err);
void belay_archive_close(belay_archive *archive);
BELAY_DEFINE_AUTO(belay_archive, belay_archive_close)
const belay_manifest *belay_archive_manifest(const belay_archive *archive);
/* The stored content of a member, its SHA-256 checked over header, content and padding. The caller frees. Any
 * thread. */
bool belay_archive_read(
    belay_archive *archive, const belay_member *member, void **ret, size_t *ret_size, belay_error *err);
/* The same by name; BELAY_E_ARCHIVE when missing. `ret_member` may be NULL. */
bool belay_archive_read_stored(belay_archive *archive, const char *name, const belay_member **ret_member,
    void **ret, size_t *ret_size, belay_error *err);
/* By name, decoded when it ends in .zst; NUL-terminated; BELAY_E_ARCHIVE when missing. The caller frees. Any
 * thread. */
bool belay_archive_read_decoded(
    belay_archive *archive, const char *member, char **ret, size_t *ret_size, belay_error *err);
/* Every byte of the file: members cover it without gap or overlap, headers parse, names are what they should
 * be, SHA-256 of each span, every zstd frame decodes completely to raw_bytes, row counts, end blocks are
 * zero, the locator is last. The first fault is named with member and offset (BELAY_E_ARCHIVE).
 * `jobs` threads share the members, 0: one per core; each holds one member in memory. */
bool belay_archive_verify(belay_archive *archive, int jobs, belay_reporter *reporter, belay_error *err);

/* Percent-encodes all but [A-Za-z0-9_-] (and "." inside, never leading). The caller frees. */
char *belay_member_encode(const char *component);

#endif
