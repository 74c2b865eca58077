#include "store/store.h"

#include "store/local.h"
#include "store/sftp.h"
#include "util/file.h"

/* Kinds of stores by the scheme of their URL; a plain path has none. */
typedef struct store_kind {
    const char *scheme;
    bool (*open)(const char *url, const belay_store_options *options, belay_store **ret, belay_error *err);
} store_kind;

static bool open_path(
    const char *path, const belay_store_options *options, belay_store **ret, belay_error *err)
{
    if (options != NULL && options->existing_only && !belay_file_exists(path)) {
        *ret = NULL;
        return true;
    }
    return belay_store_open_local(path, ret, err);
}

static bool open_file_url(
    const char *url, const belay_store_options *options, belay_store **ret, belay_error *err)
{
    return open_path(url + strlen("file://"), options, ret, err);
}

static const store_kind kinds[] = {
    {"file://", open_file_url},
    {"sftp://", belay_store_open_sftp},
};

bool belay_store_open(
    const char *url, const belay_store_options *options, belay_store **ret, belay_error *err)
{
    for (size_t i = 0; i < BELAY_COUNT(kinds); i++) {
        if (belay_starts_with(url, kinds[i].scheme))
            return kinds[i].open(url, options, ret, err);
    }
    const char *scheme_end = strstr(url, "://");
    if (scheme_end != NULL) {
        belay_fail(err, BELAY_E_CONFIG, "no kind of store is called \"%.*s\"", (int)(scheme_end - url), url);
        return belay_error_hint(err, "a store is a path on this machine, or sftp://user@host/path");
    }
    return open_path(url, options, ret, err);
}

bool belay_store_check_name(const char *name, belay_error *err)
{
    const char *fault = NULL;
    if (name[0] == '\0')
        fault = "is empty";
    else if (name[0] == '/')
        fault = "begins with a slash";
    for (const char *part = name; fault == NULL && part != NULL;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
            fault = "has an empty, \".\" or \"..\" component";
        part = part[length] == '/' ? part + length + 1 : NULL;
    }
    for (const char *c = name; fault == NULL && *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            fault = "has a control character";
    }
    if (fault != NULL)
        return belay_fail(err, BELAY_E_IO, "not a name for a file in a store: it %s", fault);
    return true;
}

bool belay_store_fail_not_own(const char *path, belay_error *err)
{
    belay_fail(err, BELAY_E_LOCKED, "somebody else has written to %s meanwhile", path);
    return belay_error_hint(err, "was the run recovered by another belay? See `belay runs`; this one changes "
                                 "nothing more");
}

char *belay_store_path(const belay_store *store, const char *name)
{
    return belay_format("%s/%s", store->url, name);
}

bool belay_store_read_all(
    belay_store *store, const char *name, size_t max_bytes, char **ret, size_t *ret_size, belay_error *err)
{
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    if (!store->open(store, name, &source, err))
        return false;
    if (source->size_bytes > max_bytes)
        return belay_fail(err, BELAY_E_IO, "%s/%s has more than %zu bytes", store->url, name, max_bytes);
    size_t size = (size_t)source->size_bytes;
    BELAY_AUTO(belay_free) char *data = belay_try_alloc(size + 1, err);
    if (data == NULL || !source->read(source, 0, data, size, err))
        return false;
    data[size] = '\0';
    *ret = belay_take(data);
    if (ret_size != NULL)
        *ret_size = size;
    return true;
}

static bool write_part(
    belay_store *store, const char *part, const void *data, size_t size_bytes, belay_error *err)
{
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    return store->create(store, part, &sink, err) && sink->write(sink, data, size_bytes, err) &&
           sink->sync(sink, err);
}

bool belay_store_write_all(
    belay_store *store, const char *name, const void *data, size_t size_bytes, belay_error *err)
{
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", name);
    if (write_part(store, part, data, size_bytes, err) && store->rename(store, part, name, err))
        return true;
    store->remove(store, part, NULL);
    return false;
}

void belay_store_listing_done(belay_store_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->items[i].name);
    free(listing->items);
    *listing = (belay_store_listing){0};
}
