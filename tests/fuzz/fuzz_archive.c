/* Any bytes as a snapshot's file, and, behind members that are whole, as its manifest with a locator that
 * fits. Whatever is taken for a snapshot must be readable to its last member. */
#include "support/forge.h"

#include "archive/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A store of one object in memory. */
typedef struct memory_store {
    belay_store base;
    const char *data;
    size_t size_bytes;
} memory_store;

typedef struct memory_source {
    belay_source base;
    const memory_store *store;
} memory_source;

static bool source_read(belay_source *base, uint64_t offset, void *to, size_t size_bytes, belay_error *err)
{
    const memory_store *store = ((memory_source *)base)->store;
    if (offset > store->size_bytes || size_bytes > store->size_bytes - offset)
        return belay_fail(err, BELAY_E_IO, "the file ends before byte %llu", (unsigned long long)offset);
    memcpy(to, store->data + offset, size_bytes);
    return true;
}

static void source_close(belay_source *base)
{
    free(base);
}

static bool store_open(belay_store *base, const char *name, belay_source **ret, belay_error *err)
{
    (void)name;
    (void)err;
    memory_source *source = belay_alloc(sizeof *source);
    source->store = (const memory_store *)base;
    source->base = (belay_source){source->store->size_bytes, source_read, source_close};
    *ret = &source->base;
    return true;
}

static void read_all(belay_archive *archive)
{
    const belay_manifest *m = belay_archive_manifest(archive);
    for (size_t i = 0; i < m->member_count; i++) {
        BELAY_AUTO(belay_free) char *content = NULL;
        size_t size = 0;
        if (!belay_archive_read_decoded(archive, m->members[i].name, &content, &size, NULL))
            abort();
    }
}

static void try_file(const char *data, size_t size)
{
    memory_store store = {{.url = "memory", .open = store_open}, data, size};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    belay_error err = {0};
    bool ok = belay_archive_open(&store.base, "dev/x.tar", &archive, &err) &&
              belay_archive_verify(archive, 1, NULL, &err);
    if (ok)
        read_all(archive);
    else if (err.message[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MEMBERS_BYTES = 4 * BELAY_TAR_BLOCK };
    static const char members[MEMBERS_BYTES];
    BELAY_AUTO(belay_str_done) belay_str file = BELAY_STR_INIT;
    try_file((const char *)data, size);
    belay_str_append_n(&file, members, sizeof members);
    forge_tail(&file, (const char *)data, size);
    try_file(file.data, file.length);
    return 0;
}
