#include "pipeline/journal_copy.h"

#include <pwd.h>

#include "pipeline/journal.h"
#include "util/file.h"

enum { PIECE_BYTES = 256 * 1024 };

struct belay_journal_copy {
    belay_store *copies; /* the store of them */
    char *target, *run_id, *path;
    belay_sink *sink; /* NULL: it could not be written */
};

static char *name_of(const char *target, const char *run_id)
{
    return belay_format("%s/runs/%s/journal.ndjson", target, run_id);
}

/* The caller frees; NULL: this user has no home. */
static char *state_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        return belay_format("%s/belay", state);
    if (home == NULL || home[0] != '/') {
        const struct passwd *user = getpwuid(getuid());
        home = user == NULL ? NULL : user->pw_dir;
    }
    return home == NULL || home[0] != '/' ? NULL : belay_format("%s/.local/state/belay", home);
}

/* *ret NULL: there are none, and none can be made. */
static void open_copies(bool existing_only, belay_store **ret)
{
    BELAY_AUTO(belay_free) char *folder = state_folder();
    const belay_store_options how = {.existing_only = existing_only};
    *ret = NULL;
    if (folder != NULL && !belay_store_open(folder, &how, ret, NULL))
        *ret = NULL;
}

/* ---- writing */

/* What the store has already, when this machine has not. */
static bool copy_from(belay_journal_copy *copy, belay_store *store, const char *name, uint64_t size_bytes)
{
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    BELAY_AUTO(belay_free) char *piece = belay_alloc(PIECE_BYTES);
    if (size_bytes == 0)
        return true;
    if (!store->open(store, name, &source, NULL))
        return false;
    for (uint64_t at = 0; at < size_bytes;) {
        size_t size = size_bytes - at < PIECE_BYTES ? (size_t)(size_bytes - at) : PIECE_BYTES;
        if (!source->read(source, at, piece, size, NULL) || !copy->sink->write(copy->sink, piece, size, NULL))
            return false;
        at += size;
    }
    return true;
}

/* The same bytes up to `size_bytes`? Both are at least as long. */
static bool same_beginning(belay_source *a, belay_source *b, uint64_t size_bytes, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *of_a = belay_alloc(PIECE_BYTES);
    BELAY_AUTO(belay_free) char *of_b = belay_alloc(PIECE_BYTES);
    *ret = true;
    for (uint64_t at = 0; *ret && at < size_bytes;) {
        size_t size = size_bytes - at < PIECE_BYTES ? (size_t)(size_bytes - at) : PIECE_BYTES;
        if (!a->read(a, at, of_a, size, err) || !b->read(b, at, of_b, size, err))
            return false;
        *ret = memcmp(of_a, of_b, size) == 0;
        at += size;
    }
    return true;
}

/* The copy of an earlier process on this machine, which is to be gone on with. */
static bool is_whole(belay_store *copies, belay_store *store, const char *name, uint64_t size_bytes)
{
    BELAY_AUTO(belay_source_close) belay_source *copy = NULL;
    BELAY_AUTO(belay_source_close) belay_source *there = NULL;
    bool same = false;
    return size_bytes > 0 && copies->open(copies, name, &copy, NULL) && copy->size_bytes == size_bytes &&
           store->open(store, name, &there, NULL) && there->size_bytes >= size_bytes &&
           same_beginning(copy, there, size_bytes, &same, NULL) && same;
}

static void give_up(belay_journal_copy *copy)
{
    belay_sink_close(belay_take(copy->sink));
}

belay_journal_copy *belay_journal_copy_open(
    belay_store *store, const char *target, const char *run_id, uint64_t size_bytes)
{
    belay_store *copies = NULL;
    if (store->is_remote)
        open_copies(false, &copies);
    if (copies == NULL)
        return NULL;
    BELAY_AUTO(belay_free) char *name = name_of(target, run_id);
    belay_journal_copy *copy = belay_alloc(sizeof *copy);
    copy->copies = copies;
    copy->target = belay_strdup(target);
    copy->run_id = belay_strdup(run_id);
    copy->path = belay_store_path(copies, name);
    if (is_whole(copies, store, name, size_bytes))
        copies->append(copies, name, &copy->sink, NULL);
    else if (copies->create(copies, name, &copy->sink, NULL) && !copy_from(copy, store, name, size_bytes))
        give_up(copy);
    return copy;
}

void belay_journal_copy_write(belay_journal_copy *copy, const char *text, size_t length, bool durable)
{
    if (copy == NULL || copy->sink == NULL)
        return;
    if (!copy->sink->write(copy->sink, text, length, NULL) ||
        (durable && !copy->sink->sync(copy->sink, NULL)))
        give_up(copy);
}

const char *belay_journal_copy_path(const belay_journal_copy *copy)
{
    return copy == NULL || copy->sink == NULL ? NULL : copy->path;
}

static void remove_copy(const belay_store *copies, const char *target, const char *run_id)
{
    BELAY_AUTO(belay_free) char *folder = belay_format("%s/%s/runs/%s", copies->url, target, run_id);
    belay_remove_tree(folder, NULL);
}

void belay_journal_copy_close(belay_journal_copy *copy, bool over)
{
    if (copy == NULL)
        return;
    give_up(copy);
    if (over)
        remove_copy(copy->copies, copy->target, copy->run_id);
    belay_store_free(copy->copies);
    free(copy->target);
    free(copy->run_id);
    free(copy->path);
    free(copy);
}

/* ---- catching up */

static bool append_rest(
    belay_store *store, const char *name, belay_source *copy, uint64_t from, belay_error *err)
{
    BELAY_AUTO(belay_free) char *piece = belay_alloc(PIECE_BYTES);
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    if (!store->append(store, name, &sink, err))
        return false;
    for (uint64_t at = from; at < copy->size_bytes;) {
        size_t size = copy->size_bytes - at < PIECE_BYTES ? (size_t)(copy->size_bytes - at) : PIECE_BYTES;
        if (!copy->read(copy, at, piece, size, err) || !sink->write(sink, piece, size, err))
            return false;
        at += size;
    }
    return sink->sync(sink, err);
}

/* One that is not in this store is another store's, whose target has the same name. */
static bool bring(
    belay_store *store, belay_store *copies, const char *target, const char *run_id, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = name_of(target, run_id);
    BELAY_AUTO(belay_source_close) belay_source *copy = NULL;
    BELAY_AUTO(belay_source_close) belay_source *there = NULL;
    belay_error why = {0};
    bool same = false, ended = false;
    if (!store->open(store, name, &there, &why)) {
        if (why.code != BELAY_E_NOT_FOUND && err != NULL)
            *err = why;
        return why.code == BELAY_E_NOT_FOUND;
    }
    if (!copies->open(copies, name, &copy, NULL))
        return true;
    bool behind = there->size_bytes < copy->size_bytes;
    if (behind && (!same_beginning(copy, there, there->size_bytes, &same, err) ||
                      (same && !append_rest(store, name, copy, there->size_bytes, err))))
        return false;
    if (!belay_journal_has_ended(store, target, run_id, &ended, err))
        return false;
    if (ended)
        remove_copy(copies, target, run_id);
    return true;
}

bool belay_journal_copies_catch_up(belay_store *store, const char *target, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *copies = NULL;
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    BELAY_AUTO(belay_free) char *folder = belay_format("%s/runs", target);
    if (store->is_remote)
        open_copies(true, &copies);
    if (copies == NULL || !copies->folders(copies, folder, &ids, NULL))
        return true;
    for (size_t i = 0; i < ids.count; i++) {
        if (!bring(store, copies, target, ids.items[i], err))
            return belay_error_prefix(err, "the copy of run %s's journal in %s", ids.items[i], copies->url);
    }
    return true;
}
