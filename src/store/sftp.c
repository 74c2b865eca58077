#include "store/sftp.h"

#include <ctype.h>

#include "store/sftp_parts.h"

enum { HELD_S = 15 * 60 };

/* ---- the URL */

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* %20 and the like. */
static char *decoded(const char *text)
{
    char *path = belay_strdup(text), *to = path;
    for (const char *at = text; *at != '\0'; at++) {
        bool escape = at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);
        if (escape && memcmp(at + 1, "00", 2) != 0) { /* no path has a NUL: %00 stays as it is */
            *to++ = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return path;
}

/* "/~/x" is x in the folder where the server begins. The caller frees. */
static char *root_of(const char *path)
{
    BELAY_AUTO(belay_free) char *whole = decoded(path);
    for (size_t length = strlen(whole); length > 1 && whole[length - 1] == '/'; length--)
        whole[length - 1] = '\0';
    if (belay_equal(whole, "/~"))
        return belay_strdup(".");
    return belay_starts_with(whole, "/~/") ? belay_strdup(whole + 3) : belay_take(whole);
}

static bool parse(const char *url, char **ret_address, char **ret_root, belay_error *err)
{
    const char *rest = url + strlen("sftp://");
    size_t length = strcspn(rest, "/");
    const char *at = memrchr(rest, '@', length);
    if (at != NULL && memchr(rest, ':', (size_t)(at - rest)) != NULL) {
        belay_fail(err, BELAY_E_CONFIG, "the URL of the store has a password in it");
        return belay_error_hint(err,
            "take it out, and set ssh_password of the store, or better let it log in with a key (ssh_key)");
    }
    if (length == 0 || rest[length] == '\0') {
        belay_fail(err, BELAY_E_CONFIG, "%s has no %s", url, length == 0 ? "host" : "path");
        return belay_error_hint(
            err, "a store on another host is sftp://user@host/path, or sftp://user@host/~/path");
    }
    *ret_address = belay_strndup(rest, length);
    *ret_root = root_of(rest + length);
    return true;
}

/* ---- operations on names */

typedef struct renaming {
    const char *from, *to;
    char *from_path, *to_path;
    bool sent;           /* a request to rename: it may have been carried out, or may be still */
    sftp_sight original; /* what had the old name before the first such request */
} renaming;

/* Without posix-rename the name has to be free first. */
static bool free_name(
    sftp_store *self, sftp_connection *c, const char *path, const char *name, belay_error *err)
{
    belay_sftp_answer answer;
    if (!sftp_await(c, belay_sftp_remove(c->sftp, path), &answer, err))
        return false;
    return (answer.kind == BELAY_SFTP_STATUS &&
               (answer.status == BELAY_SFTP_OK || answer.status == BELAY_SFTP_NO_SUCH_FILE)) ||
           sftp_fail(self, c, &answer, "replace", name, err);
}

static bool is_original(const renaming *names, const sftp_sight *sight)
{
    const belay_sftp_attributes *was = &names->original.itself, *is = &sight->itself;
    return !sight->missing && (!was->has_size || !is->has_size || was->size_bytes == is->size_bytes) &&
           (!was->has_time || !is->has_time || was->modified_utc == is->modified_utc);
}

/* What came of a request whose answer was lost, or which found the names changed: *ret_done when the file has
 * its new name. A plain rename is a link and the end of the old name, and can stop between them; the name was
 * free before it, so what has it is never removed: a request that is carried out late would then take away
 * the other name, too. */
static bool look_what_came(
    sftp_store *self, sftp_connection *c, const renaming *names, bool *ret_done, belay_error *err)
{
    sftp_sight from = {0}, to = {0};
    *ret_done = false;
    if (!sftp_look(self, c, names->from, "rename", &from, err) ||
        !sftp_look(self, c, names->to, "rename a file to", &to, err))
        return false;
    if (from.missing && is_original(names, &to)) {
        *ret_done = true;
        return true;
    }
    if (from.missing)
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s/%s does not exist", self->base.url, names->from);
    if (to.missing || belay_sftp_can(c->sftp)->posix_rename)
        return true;
    *ret_done = is_original(names, &to);
    if (*ret_done)
        return free_name(self, c, names->from_path, names->from, err);
    belay_fail(err, BELAY_E_IO, "somebody else has written to %s/%s meanwhile", self->base.url, names->to);
    return belay_error_hint(err, "see who works in that store at the same time, and run the command again");
}

static bool look_first(sftp_store *self, sftp_connection *c, renaming *names, belay_error *err)
{
    sftp_sight to = {0};
    if (!sftp_look(self, c, names->from, "rename", &names->original, err) ||
        !sftp_look_making(self, c, names->to, "rename a file to", &to, err))
        return false;
    if (names->original.missing)
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s/%s does not exist", self->base.url, names->from);
    return belay_sftp_can(c->sftp)->posix_rename || to.missing ||
           free_name(self, c, names->to_path, names->to, err);
}

/* The new name may stand already when this one comes, of an earlier request that was carried out late. */
static bool ask_to_rename(sftp_store *self, sftp_connection *c, renaming *names, belay_error *err)
{
    belay_sftp_answer answer;
    bool again = names->sent, done = false;
    names->sent = true;
    uint32_t id = belay_sftp_can(c->sftp)->posix_rename
                      ? belay_sftp_replace(c->sftp, names->from_path, names->to_path)
                      : belay_sftp_rename(c->sftp, names->from_path, names->to_path);
    if (!sftp_await(c, id, &answer, err))
        return false;
    if (answer.kind == BELAY_SFTP_STATUS && answer.status == BELAY_SFTP_OK)
        return true;
    belay_error why = {0};
    sftp_fail(self, c, &answer, "rename", names->from, &why);
    if (again && !look_what_came(self, c, names, &done, err))
        return false;
    if (!done && err != NULL)
        *err = why;
    return done;
}

static bool rename_once(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    renaming *names = context;
    bool done = false;
    bool looked = names->sent ? look_what_came(self, c, names, &done, err) : look_first(self, c, names, err);
    return looked && (done || ask_to_rename(self, c, names, err)) &&
           sftp_sync_folder_of(self, c, names->to, err) && sftp_sync_folder_of(self, c, names->from, err);
}

static bool store_rename(belay_store *base, const char *from, const char *to, belay_error *err)
{
    sftp_store *self = (sftp_store *)base;
    if (!belay_store_check_name(from, err) || !belay_store_check_name(to, err))
        return false;
    BELAY_AUTO(belay_free) char *from_path = sftp_path(self, from);
    BELAY_AUTO(belay_free) char *to_path = sftp_path(self, to);
    renaming names = {.from = from, .to = to, .from_path = from_path, .to_path = to_path};
    if (sftp_run(self, &(sftp_want){0}, rename_once, &names, err))
        return true;
    if (names.sent && err != NULL && (err->code == BELAY_E_SSH_LOST || err->code == BELAY_E_SSH))
        belay_error_detail(err, "whether %s/%s was renamed to %s was not found out", base->url, from, to);
    return false;
}

static bool remove_once(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    const char *name = context;
    sftp_sight sight;
    belay_sftp_answer answer;
    BELAY_AUTO(belay_free) char *path = sftp_path(self, name);
    if (!sftp_look(self, c, name, "remove", &sight, err))
        return false;
    if (sight.missing)
        return true;
    if (!sftp_await(c, belay_sftp_remove(c->sftp, path), &answer, err))
        return false;
    if (answer.kind != BELAY_SFTP_STATUS ||
        (answer.status != BELAY_SFTP_OK && answer.status != BELAY_SFTP_NO_SUCH_FILE))
        return sftp_fail(self, c, &answer, "remove", name, err);
    return sftp_sync_folder_of(self, c, name, err);
}

static bool store_remove(belay_store *base, const char *name, belay_error *err)
{
    return belay_store_check_name(name, err) &&
           sftp_run((sftp_store *)base, &(sftp_want){0}, remove_once, (void *)(uintptr_t)name, err);
}

/* ---- is it held */

/* The server's clock shows in what it writes: a file of a moment, under a name that the next snapshot would
 * sweep. */
static bool read_clock(sftp_store *self, sftp_connection *c, const char *name, belay_error *err)
{
    char id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(id);
    const char *slash = strrchr(name, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash + 1 - name);
    BELAY_AUTO(belay_free) char *probe = belay_format("%.*s%s.clock.part", (int)length, name, id);
    BELAY_AUTO(belay_free) char *path = sftp_path(self, probe);
    BELAY_AUTO(belay_free) char *handle = NULL;
    size_t handle_length = 0;
    belay_sftp_answer answer;
    uint32_t opened =
        belay_sftp_open_file(c->sftp, path, BELAY_SFTP_WRITE | BELAY_SFTP_CREATE | BELAY_SFTP_EXCLUSIVE);
    if (!sftp_expect_handle(self, c, opened, "create", probe, &handle, &handle_length, err))
        return false;
    uint32_t looked = belay_sftp_fstat(c->sftp, (belay_span){handle, handle_length});
    belay_sftp_close_handle(c->sftp, (belay_span){handle, handle_length});
    uint32_t removed = belay_sftp_remove(c->sftp, path);
    bool told = sftp_expect(self, c, looked, BELAY_SFTP_ATTRIBUTES, "look at", probe, &answer, err);
    int64_t clock = told && answer.attributes.has_time ? answer.attributes.modified_utc : 0;
    if (!told || clock == 0 || !sftp_await(c, removed, &answer, err))
        return false;
    pthread_mutex_lock(&self->mutex);
    self->clock_ahead_s = clock - (int64_t)belay_now_utc();
    self->clock_known = true;
    pthread_mutex_unlock(&self->mutex);
    return true;
}

typedef struct holding {
    const char *name;
    bool held;
} holding;

static bool look_held(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    holding *h = context;
    sftp_sight sight;
    if (!sftp_look(self, c, h->name, "look at", &sight, err))
        return false;
    h->held = false;
    if (sight.missing || !S_ISREG(sight.itself.mode))
        return true;
    h->held = true;
    pthread_mutex_lock(&self->mutex);
    bool known = self->clock_known;
    pthread_mutex_unlock(&self->mutex);
    if (!sight.itself.has_time || (!known && !read_clock(self, c, h->name, err)))
        return false;
    pthread_mutex_lock(&self->mutex);
    int64_t there_now = (int64_t)belay_now_utc() + self->clock_ahead_s;
    pthread_mutex_unlock(&self->mutex);
    h->held = there_now - sight.itself.modified_utc < HELD_S;
    return true;
}

/* What cannot be known counts as held. */
static bool store_is_held(belay_store *base, const char *name)
{
    holding h = {.name = name, .held = true};
    return !belay_store_check_name(name, NULL) ||
           !sftp_run((sftp_store *)base, &(sftp_want){0}, look_held, &h, NULL) || h.held;
}

static bool ask_space(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    return sftp_free_space(self, c, context, err);
}

static bool store_free_space(belay_store *base, uint64_t *ret_bytes, belay_error *err)
{
    return sftp_run((sftp_store *)base, &(sftp_want){0}, ask_space, ret_bytes, err);
}

static void store_free(belay_store *base)
{
    sftp_store *self = (sftp_store *)base;
    sftp_close_all(self);
    belay_ssh_login_done(&self->login);
    pthread_mutex_destroy(&self->mutex);
    pthread_cond_destroy(&self->given_back);
    free(self->root);
    free(base->url);
    free(self);
}

/* ---- opening */

static bool is_status(const belay_sftp_answer *answer, uint32_t status)
{
    return answer->kind == BELAY_SFTP_STATUS && answer->status == status;
}

/* `denied`: the folder on the way there that the server did not let belay make; NULL: none. */
static bool fail_no_root(
    const sftp_store *self, const sftp_connection *c, const char *denied, belay_error *err)
{
    const char *label = belay_sftp_label(c->sftp);
    if (denied != NULL)
        belay_fail(err, BELAY_E_IO, "there is no folder %s on %s, and the server does not permit to make %s",
            self->root, label, denied);
    else
        belay_fail(err, BELAY_E_NOT_FOUND, "the folder %s on %s is not there, and cannot be made", self->root,
            label);
    return belay_error_hint(err,
        "is the path right? `sftp` shows what is there; let the folder belong to the user who logs in, or "
        "name one below the own folder of that user: sftp://%s/~/PATH",
        label);
}

static bool make_root(sftp_store *self, sftp_connection *c, belay_error *err)
{
    belay_sftp_answer made, answer;
    BELAY_AUTO(belay_free) char *denied = NULL;
    for (const char *slash = strchr(self->root + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        BELAY_AUTO(belay_free) char *part = belay_strndup(self->root, (size_t)(slash - self->root));
        if (!sftp_await(c, belay_sftp_make_folder(c->sftp, part), &made, err))
            return false;
        if (denied == NULL && is_status(&made, BELAY_SFTP_PERMISSION_DENIED))
            denied = belay_take(part);
    }
    if (!sftp_await(c, belay_sftp_make_folder(c->sftp, self->root), &made, err))
        return false;
    if (is_status(&made, BELAY_SFTP_NO_SUCH_FILE))
        return fail_no_root(self, c, denied, err);
    if (!is_status(&made, BELAY_SFTP_OK) && !sftp_fail(self, c, &made, "make the folder of", "", err))
        return false;
    return sftp_await(c, belay_sftp_stat(c->sftp, self->root), &answer, err);
}

typedef struct finding {
    bool existing_only, found;
} finding;

/* The store's own path may have links. */
static bool find_root(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err)
{
    (void)tries;
    finding *f = context;
    belay_sftp_answer answer;
    if (!sftp_await(c, belay_sftp_stat(c->sftp, self->root), &answer, err))
        return false;
    f->found = answer.kind == BELAY_SFTP_ATTRIBUTES;
    if (f->found && answer.attributes.has_mode && !S_ISDIR(answer.attributes.mode)) {
        belay_fail(
            err, BELAY_E_IO, "%s on %s is a file, and no folder", self->root, belay_sftp_label(c->sftp));
        return belay_error_hint(err, "name another path in the url of the store");
    }
    if (f->found)
        return true;
    if (answer.kind != BELAY_SFTP_STATUS || answer.status != BELAY_SFTP_NO_SUCH_FILE)
        return sftp_fail(self, c, &answer, "open", "", err);
    return f->existing_only || make_root(self, c, err);
}

static sftp_store *new_store(const char *url, const belay_store_options *options)
{
    sftp_store *store = belay_alloc(sizeof *store);
    store->base = (belay_store){.url = belay_strdup(url),
        .is_remote = true,
        .create = sftp_create,
        .append = sftp_append,
        .open = sftp_open_source,
        .rename = store_rename,
        .remove = store_remove,
        .list = sftp_list,
        .folders = sftp_folders,
        .is_held = store_is_held,
        .free_space = store_free_space,
        .free = store_free};
    if (options != NULL && options->login != NULL)
        belay_ssh_login_copy(&store->login, options->login);
    free(belay_take(store->login.address));
    store->retry_ms = options != NULL && options->retry_ms > 0 ? options->retry_ms : SFTP_RETRY_MS;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->given_back, NULL);
    return store;
}

bool belay_store_open_sftp(
    const char *url, const belay_store_options *options, belay_store **ret, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *opened = NULL;
    BELAY_AUTO(belay_free) char *address = NULL;
    BELAY_AUTO(belay_free) char *root = NULL;
    if (!parse(url, &address, &root, err))
        return false;
    sftp_store *store = new_store(url, options);
    opened = &store->base;
    store->login.address = belay_take(address);
    store->root = belay_take(root);
    finding f = {.existing_only = options != NULL && options->existing_only};
    if (!sftp_run(store, &(sftp_want){0}, find_root, &f, err))
        return belay_error_prefix(err, "the store %s", url);
    if (!store->can.fsync)
        opened->caveat =
            "its SFTP server has no fsync@openssh.com: what it has acknowledged may be lost when "
            "that host crashes";
    *ret = f.found || !f.existing_only ? belay_take(opened) : NULL;
    return true;
}
