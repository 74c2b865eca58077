/* Where snapshots and journals live, behind function pointers: local folders, and folders of SFTP servers.
 *
 * Names are relative to the store: "<target>/<id>.tar", "<target>/runs/<run-id>/journal.ndjson". A name that
 * ends in ".part" is unfinished. Names never hold "..", a leading slash or NUL (checked here). Blocking. A
 * belay_store may be used by several threads; a sink by one at a time; any number of threads may read one
 * source at once.
 *
 * Life of a published object:
 *   create(name.part) --write, sync--> re-read by the caller through open --rename--> name
 *                     \--given up: remove(name.part)
 */
#ifndef BELAY_STORE_STORE_H
#define BELAY_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/target.h"
#include "util/error.h"
#include "util/mem.h"
#include "util/str.h"

typedef struct belay_store belay_store;
typedef struct belay_sink belay_sink;
typedef struct belay_source belay_source;

struct belay_sink {
    bool (*write)(belay_sink *self, const void *data, size_t size_bytes, belay_error *err);
    bool (*sync)(
        belay_sink *self, belay_error *err); /* durable, and dropped from the page cache where that exists */
    void (*close)(belay_sink *self);         /* frees; what was written stays */
};

struct belay_source {
    uint64_t size_bytes;
    /* Exactly size_bytes at offset; any thread. */
    bool (*read)(belay_source *self, uint64_t offset, void *data, size_t size_bytes, belay_error *err);
    void (*close)(belay_source *self); /* frees */
};

typedef struct belay_store_entry {
    char *name; /* relative to the store */
    uint64_t size_bytes;
    int64_t modified_utc; /* seconds */
} belay_store_entry;

typedef struct belay_store_listing {
    belay_store_entry *items;
    size_t count;
} belay_store_listing;

struct belay_store {
    char *url;            /* as a person would write it */
    uint64_t bytes_per_s; /* most that goes to or from it (store/rate.h); 0: no limit */
    bool is_remote;       /* on another host: it may be out of reach when this one is not */
    const char *caveat;   /* what it cannot promise, in words; NULL: nothing */
    bool (*create)(belay_store *self, const char *name, belay_sink **ret, belay_error *err); /* truncates */
    bool (*append)(belay_store *self, const char *name, belay_sink **ret,
        belay_error *err); /* creates, appends, alone */
    bool (*open)(
        belay_store *self, const char *name, belay_source **ret, belay_error *err); /* BELAY_E_NOT_FOUND */
    bool (*rename)(belay_store *self, const char *from, const char *to, belay_error *err); /* durable */
    bool (*remove)(belay_store *self, const char *name, belay_error *err); /* missing is fine */
    /* Entries below prefix, at any depth, sorted by name. */
    bool (*list)(belay_store *self, const char *prefix, belay_store_listing *ret, belay_error *err);
    /* Names of the folders in `folder`, sorted, without looking into them; a missing folder has none. */
    bool (*folders)(belay_store *self, const char *folder, belay_list *ret, belay_error *err);
    /* May what `source` (opened under `name`) holds be used? It is read as a whole. BELAY_E_SIGNATURE when it
     * must be signed and is not. NULL: everything may. */
    bool (*trust)(belay_store *self, const char *name, belay_source *source, belay_error *err);
    /* A sink of `create` writes to it now, in whatever process; where the kernel tells, those of dead ones
     * are forgotten at once, else (store/sftp.h) a while later. */
    bool (*is_held)(belay_store *self, const char *name);
    /* Free bytes for this user; UINT64_MAX when unknown. */
    bool (*free_space)(belay_store *self, uint64_t *ret_bytes, belay_error *err);
    void (*free)(belay_store *self);
};

typedef struct belay_store_options {
    const belay_ssh_login *login; /* for sftp://, which has the address; NULL: as the user's ssh does */
    bool existing_only;           /* *ret NULL, and true: nothing was ever stored there */
    int64_t retry_ms;             /* how long a connection that was lost is tried again; 0: two minutes */
} belay_store_options;
/* Picks the implementation by URL: a path, file:// or sftp://. Makes the folder (0700) unless existing_only.
 * options NULL: none. */
bool belay_store_open(
    const char *url, const belay_store_options *options, belay_store **ret, belay_error *err);
/* For sinks of `append`: the file has more than what was there when it was opened and what this sink wrote.
 * A write fails with it when that is so before it or right after it; nothing of what the other one wrote is
 * overwritten. BELAY_E_LOCKED; returns false. */
bool belay_store_fail_not_own(const char *path, belay_error *err);
static inline void belay_store_free(belay_store *store)
{
    if (store != NULL)
        store->free(store);
}
BELAY_DEFINE_AUTO(belay_store, belay_store_free)
static inline void belay_sink_close(belay_sink *sink)
{
    if (sink != NULL)
        sink->close(sink);
}
BELAY_DEFINE_AUTO(belay_sink, belay_sink_close)
static inline void belay_source_close(belay_source *source)
{
    if (source != NULL)
        source->close(source);
}
BELAY_DEFINE_AUTO(belay_source, belay_source_close)

/* Full path or URL of a name, for messages; the caller frees. */
char *belay_store_path(const belay_store *store, const char *name);
/* A whole small object; NUL-terminated; the caller frees. */
bool belay_store_read_all(
    belay_store *store, const char *name, size_t max_bytes, char **ret, size_t *ret_size, belay_error *err);
/* create name.part, write, sync, rename. */
bool belay_store_write_all(
    belay_store *store, const char *name, const void *data, size_t size_bytes, belay_error *err);
void belay_store_listing_done(belay_store_listing *listing);
static inline void belay_store_listing_done_p(belay_store_listing *listing)
{
    belay_store_listing_done(listing);
}
bool belay_store_check_name(const char *name, belay_error *err);

#endif
