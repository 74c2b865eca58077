/* Many folders are read at once, and several times each: over a long line the round trips count, not the
 * bytes. */
#include "store/sftp_parts.h"

enum { AT_ONCE = 32, READS_AT_ONCE = 4, COUNT_BYTES = 4 };

typedef enum phase { FREE, OPENING, READING } phase;

/* A folder that is read now. */
typedef struct reading {
    phase phase;
    char *name; /* "" for the store itself */
    char *handle;
    size_t handle_length;
    uint32_t opening;
    uint32_t reads[READS_AT_ONCE]; /* 0: none */
    bool ended;
} reading;

typedef struct walk {
    sftp_store *store;
    sftp_connection *c;
    const char *prefix;
    belay_store_listing *listing; /* NULL: the folders' names alone are wanted, of the first folder */
    belay_list *folders;
    belay_list ahead; /* folders that are still to be read */
    size_t next;
    belay_list unsure; /* names whose kind the server left out */
    reading readings[AT_ONCE];
} walk;

static void walk_done_p(walk *w)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        free(w->readings[i].name);
        free(w->readings[i].handle);
    }
    belay_list_done(&w->ahead);
    belay_list_done(&w->unsure);
}

static void add_entry(belay_store_listing *listing, const char *name, const belay_sftp_attributes *it)
{
    if ((listing->count & (listing->count - 1)) == 0) /* at powers of two */
        listing->items = belay_realloc_array(
            listing->items, listing->count == 0 ? 1 : listing->count * 2, sizeof *listing->items);
    listing->items[listing->count++] =
        (belay_store_entry){belay_strdup(name), it->size_bytes, it->modified_utc};
}

/* On the way to prefix, or below it. */
static bool is_wanted(const walk *w, const char *name)
{
    size_t length = strlen(name), prefix_length = strlen(w->prefix);
    return strncmp(name, w->prefix, length < prefix_length ? length : prefix_length) == 0;
}

static void see(walk *w, const char *name, const belay_sftp_attributes *it)
{
    if (w->listing == NULL) {
        const char *slash = strrchr(name, '/');
        if (S_ISDIR(it->mode))
            belay_list_add(w->folders, slash == NULL ? name : slash + 1);
    } else if (S_ISDIR(it->mode)) {
        belay_list_add(&w->ahead, name);
    } else if (S_ISREG(it->mode) && belay_starts_with(name, w->prefix)) {
        add_entry(w->listing, name, it);
    }
}

static void see_names(walk *w, const reading *r, belay_span body)
{
    belay_sftp_attributes it;
    belay_span entry;
    if (body.length < COUNT_BYTES)
        return;
    body = (belay_span){body.data + COUNT_BYTES, body.length - COUNT_BYTES};
    while (belay_sftp_take_name(&body, &entry, &it)) {
        bool hidden = w->listing == NULL && entry.length > 0 && entry.data[0] == '.';
        if (hidden || belay_span_equals(entry, ".") || belay_span_equals(entry, "..") ||
            memchr(entry.data, '/', entry.length) != NULL || memchr(entry.data, '\0', entry.length) != NULL)
            continue;
        BELAY_AUTO(belay_free)
        char *name =
            belay_format("%s%s%.*s", r->name, *r->name == '\0' ? "" : "/", (int)entry.length, entry.data);
        if (!is_wanted(w, name))
            continue;
        if (it.has_mode && it.has_size && it.has_time)
            see(w, name, &it);
        else
            belay_list_add(&w->unsure, name);
    }
}

static void begin(walk *w)
{
    for (size_t i = 0; i < AT_ONCE && w->next < w->ahead.count; i++) {
        reading *r = &w->readings[i];
        if (r->phase != FREE)
            continue;
        *r = (reading){.phase = OPENING, .name = belay_strdup(w->ahead.items[w->next++])};
        BELAY_AUTO(belay_free) char *path = sftp_path(w->store, r->name);
        r->opening = belay_sftp_open_folder(w->c->sftp, path);
    }
}

static belay_span handle_of(const reading *r)
{
    return (belay_span){r->handle, r->handle_length};
}

static void end(walk *w, reading *r)
{
    belay_sftp_close_handle(w->c->sftp, handle_of(r));
    free(r->name);
    free(r->handle);
    *r = (reading){0};
}

static bool opened(walk *w, reading *r, const belay_sftp_answer *answer, belay_error *err)
{
    if (answer->kind == BELAY_SFTP_STATUS && answer->status == BELAY_SFTP_NO_SUCH_FILE) {
        free(r->name); /* removed meanwhile */
        *r = (reading){0};
        return true;
    }
    if (answer->kind != BELAY_SFTP_HANDLE)
        return sftp_fail(w->store, w->c, answer, "list", r->name, err);
    r->handle = belay_strndup(answer->body.data, answer->body.length);
    r->handle_length = answer->body.length;
    r->phase = READING;
    for (size_t i = 0; i < READS_AT_ONCE; i++)
        r->reads[i] = belay_sftp_read_folder(w->c->sftp, handle_of(r));
    return true;
}

static bool was_read(walk *w, reading *r, size_t at, const belay_sftp_answer *answer, belay_error *err)
{
    bool eof = answer->kind == BELAY_SFTP_STATUS && answer->status == BELAY_SFTP_EOF;
    r->reads[at] = 0;
    if (answer->kind == BELAY_SFTP_NAMES)
        see_names(w, r, answer->body);
    else if (!eof)
        return sftp_fail(w->store, w->c, answer, "list", r->name, err);
    r->ended = r->ended || eof;
    if (!r->ended)
        r->reads[at] = belay_sftp_read_folder(w->c->sftp, handle_of(r));
    for (size_t i = 0; i < READS_AT_ONCE; i++) {
        if (r->reads[i] != 0)
            return true;
    }
    end(w, r);
    return true;
}

static bool take(walk *w, const belay_sftp_answer *answer, belay_error *err)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        reading *r = &w->readings[i];
        if (r->phase == OPENING && r->opening == answer->id)
            return opened(w, r, answer, err);
        for (size_t j = 0; r->phase == READING && j < READS_AT_ONCE; j++) {
            if (r->reads[j] == answer->id)
                return was_read(w, r, j, answer, err);
        }
    }
    bool ok = true; /* nobody waits for it any more: a handle was closed */
    sftp_stream_take(&w->c->stream, answer, &ok);
    return true;
}

static bool is_busy(const walk *w)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (w->readings[i].phase != FREE)
            return true;
    }
    return false;
}

static bool go(walk *w, belay_error *err)
{
    for (begin(w); is_busy(w); begin(w)) {
        belay_sftp_answer answer;
        if (!belay_sftp_next(w->c->sftp, belay_now_ms() + SFTP_ANSWER_MS, &answer, err) ||
            !take(w, &answer, err))
            return false;
    }
    return true;
}

/* One after the other: OpenSSH's server always says it. */
static bool look_at_unsure(walk *w, belay_error *err)
{
    for (size_t i = 0; i < w->unsure.count; i++) {
        sftp_sight sight;
        if (!sftp_look(w->store, w->c, w->unsure.items[i], "list", &sight, err))
            return false;
        if (!sight.missing)
            see(w, w->unsure.items[i], &sight.itself);
    }
    belay_list_done(&w->unsure);
    w->unsure = (belay_list){0};
    return w->next == w->ahead.count || (go(w, err) && look_at_unsure(w, err));
}

/* Is it a folder that can be read? */
static bool is_folder(walk *w, const char *name, bool *ret, belay_error *err)
{
    sftp_sight sight = {0};
    *ret = true;
    if (*name == '\0')
        return true;
    if (!sftp_look(w->store, w->c, name, "list", &sight, err))
        return false;
    *ret = !sight.missing && S_ISDIR(sight.itself.mode);
    return true;
}

typedef struct wish {
    const char *prefix;
    const char *folder; /* to begin with */
    belay_store_listing *listing;
    belay_list *folders;
} wish;

static bool list_once(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    const wish *wanted = context;
    BELAY_AUTO(walk_done)
    walk w = {.store = self,
        .c = c,
        .prefix = wanted->prefix,
        .listing = wanted->listing,
        .folders = wanted->folders};
    bool there = false;
    if (wanted->listing != NULL)
        belay_store_listing_done(wanted->listing);
    else
        belay_list_done(wanted->folders);
    if (!is_folder(&w, wanted->folder, &there, err))
        return false;
    if (!there)
        return true;
    belay_list_add(&w.ahead, wanted->folder);
    return go(&w, err) && look_at_unsure(&w, err);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const belay_store_entry *)a)->name, ((const belay_store_entry *)b)->name);
}

bool sftp_list(belay_store *base, const char *prefix, belay_store_listing *ret, belay_error *err)
{
    const char *slash = prefix == NULL ? NULL : strrchr(prefix, '/');
    BELAY_AUTO(belay_free)
    char *folder = belay_strndup(prefix == NULL ? "" : prefix, slash == NULL ? 0 : (size_t)(slash - prefix));
    BELAY_AUTO(belay_store_listing_done) belay_store_listing found = {0};
    wish wanted = {.prefix = prefix == NULL ? "" : prefix, .folder = folder, .listing = &found};
    if ((*folder != '\0' && !belay_store_check_name(folder, err)) ||
        !sftp_run((sftp_store *)base, &(sftp_want){0}, list_once, &wanted, err))
        return false;
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, compare_entries);
    *ret = found;
    found = (belay_store_listing){0};
    return true;
}

bool sftp_folders(belay_store *base, const char *name, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    wish wanted = {.prefix = "", .folder = name, .folders = &found};
    if (!belay_store_check_name(name, err) ||
        !sftp_run((sftp_store *)base, &(sftp_want){0}, list_once, &wanted, err))
        return false;
    belay_list_sort(&found);
    for (size_t i = 0; i < found.count; i++)
        belay_list_add(ret, found.items[i]);
    return true;
}
