/* manifest.json: what a snapshot holds, every member with place, sizes and SHA-256, every table with rows and
 * row hash. JSON keys equal the field names here.
 *
 *     belay_manifest_read(text, length, &manifest, err)   from JSON; BELAY_E_ARCHIVE says what is wrong
 *     belay_manifest_find(manifest, "toc.json")           a member by name, in logarithmic time
 *
 * All that a manifest points at belongs to its arena. It is read-only after reading, and any number of
 * threads may look at it then.
 */
#ifndef BELAY_ARCHIVE_MANIFEST_H
#define BELAY_ARCHIVE_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/hash.h"
#include "util/mem.h"

enum { BELAY_FORMAT_VERSION = 1 };

typedef struct belay_member {
    const char *name;
    uint64_t offset;       /* of its first tar header (pax headers included) */
    uint64_t data_offset;  /* of its first content byte */
    uint64_t stored_bytes; /* content as stored */
    uint64_t span_bytes;   /* header to padding, all of it */
    uint64_t raw_bytes;    /* content decoded; equals stored_bytes when not compressed */
    uint64_t rows;         /* for data chunks */
    const char *sha256;    /* of the whole span: headers, content, padding */
} belay_member;

typedef struct belay_table {
    const char *schema;
    const char *name;
    const char *format;         /* "binary" or "text" */
    const char *const *columns; /* as copied, in order; generated ones are left out */
    size_t column_count;
    uint64_t rows;
    uint64_t raw_bytes;
    const char *row_hash;         /* 32 hex digits, see util/hash.h */
    const char *const *generated; /* stored generated columns */
    size_t generated_count;
    const char *generated_hash; /* NULL without such columns */
    const char *filter;         /* WHERE condition of an extension's configuration table, NULL: all rows */
    const char *root_schema;    /* load through and compare at this partition root; NULL: the table itself */
    const char *root_name;
    const char *const *chunks; /* member names */
    size_t chunk_count;
} belay_table;

typedef struct belay_manifest {
    belay_arena *arena;
    int format_version;
    const char *id;
    const char *target;
    const char *created_at; /* UTC */
    int server_version;
    const char *const *revisions; /* version rows */
    size_t revision_count;
    double seconds;
    uint64_t raw_bytes;
    uint64_t rows;
    const belay_member *members;
    size_t member_count;
    const belay_member *const *by_name; /* the members sorted by name, after reading */
    const belay_table *tables;
    size_t table_count;
} belay_manifest;

bool belay_manifest_read(const char *json_text, size_t length, belay_manifest **ret, belay_error *err);
void belay_manifest_free(belay_manifest *manifest);
BELAY_DEFINE_AUTO(belay_manifest, belay_manifest_free)
json_t *belay_manifest_to_json(const belay_manifest *manifest); /* new reference */
/* Of a manifest that was read; the first of that name, borrowed; NULL when there is none. */
const belay_member *belay_manifest_find(const belay_manifest *manifest, const char *name);

#endif
