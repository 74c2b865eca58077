#include "store/sftp_parts.h"

enum { FULL_BYTES = 1024 * 1024 }; /* with less left than this, a disk counts as full */

char *sftp_path(const sftp_store *self, const char *name)
{
    bool ends = belay_ends_with(self->root, "/");
    return belay_format("%s%s%s", self->root, ends || *name == '\0' ? "" : "/", name);
}

bool sftp_free_space(sftp_store *self, sftp_connection *c, uint64_t *ret_bytes, belay_error *err)
{
    belay_sftp_answer answer;
    *ret_bytes = UINT64_MAX;
    if (!belay_sftp_can(c->sftp)->statvfs)
        return true;
    if (!sftp_await(c, belay_sftp_statvfs(c->sftp, self->root), &answer, err))
        return false;
    if (answer.kind != BELAY_SFTP_EXTENDED || !belay_sftp_free_bytes(answer.body, ret_bytes))
        *ret_bytes = UINT64_MAX;
    return true;
}

/* FAILURE says nothing; a store without room is the likeliest, and the one that can be told. */
static bool explain_failure(sftp_store *self, sftp_connection *c, const char *what, const char *name,
    const char *said, belay_error *err)
{
    uint64_t free_bytes = UINT64_MAX;
    bool told = sftp_free_space(self, c, &free_bytes, NULL) && free_bytes != UINT64_MAX;
    if (told && free_bytes < FULL_BYTES) {
        belay_fail(err, BELAY_E_NO_SPACE, "cannot %s %s/%s: no space is left over there", what,
            self->base.url, name);
        return belay_error_hint(
            err, "free space on the store's disk, or `belay prune`; then run the command again");
    }
    belay_fail(err, BELAY_E_IO, "cannot %s %s/%s: the server says: %s", what, self->base.url, name, said);
    return belay_error_hint(err, "%s",
        told ? "SFTP tells no more: look on that host at the folder's rights and the user's quota"
             : "SFTP tells no more: look on that host at the folder's rights, the disk and the user's quota");
}

bool sftp_fail(sftp_store *self, sftp_connection *c, const belay_sftp_answer *answer, const char *what,
    const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) char *raw = belay_strndup(answer->body.data, answer->body.length);
    BELAY_AUTO(belay_free) char *said = belay_printable(raw, "");
    const char *url = self->base.url;
    switch (answer->kind == BELAY_SFTP_STATUS ? answer->status : (uint32_t)BELAY_SFTP_BAD_MESSAGE) {
    case BELAY_SFTP_NO_SUCH_FILE:
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s/%s does not exist", url, name);
    case BELAY_SFTP_PERMISSION_DENIED:
        belay_fail(err, BELAY_E_IO, "cannot %s %s/%s: the server does not permit it", what, url, name);
        return belay_error_hint(
            err, "let that folder on %s belong to the user who logs in", belay_sftp_label(c->sftp));
    case BELAY_SFTP_NO_CONNECTION:
    case BELAY_SFTP_CONNECTION_LOST:
        return belay_fail(
            err, BELAY_E_SSH_LOST, "cannot %s %s/%s: the server says: %s", what, url, name, said);
    case BELAY_SFTP_UNSUPPORTED:
        return belay_fail(err, BELAY_E_UNSUPPORTED, "cannot %s %s/%s: the SFTP server knows no such request",
            what, url, name);
    case BELAY_SFTP_OK:
    case BELAY_SFTP_BAD_MESSAGE:
        return belay_fail(
            err, BELAY_E_IO, "cannot %s %s/%s: the SFTP server's answer is none", what, url, name);
    default:
        return explain_failure(self, c, what, name, *said == '\0' ? "Failure" : said, err);
    }
}

bool sftp_expect(sftp_store *self, sftp_connection *c, uint32_t id, belay_sftp_kind kind, const char *what,
    const char *name, belay_sftp_answer *ret, belay_error *err)
{
    if (!sftp_await(c, id, ret, err))
        return false;
    if (ret->kind != kind || (kind == BELAY_SFTP_STATUS && ret->status != BELAY_SFTP_OK))
        return sftp_fail(self, c, ret, what, name, err);
    return true;
}

bool sftp_expect_handle(sftp_store *self, sftp_connection *c, uint32_t id, const char *what, const char *name,
    char **ret, size_t *ret_length, belay_error *err)
{
    belay_sftp_answer answer;
    if (!sftp_expect(self, c, id, BELAY_SFTP_HANDLE, what, name, &answer, err))
        return false;
    free(*ret);
    *ret = belay_strndup(answer.body.data, answer.body.length);
    *ret_length = answer.body.length;
    return true;
}

/* The folders on the way, outermost first, then name itself. */
static void steps_of(const char *name, belay_list *ret)
{
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        belay_list_add_owned(ret, belay_strndup(name, (size_t)(slash - name)));
    belay_list_add(ret, name);
}

static bool fail_on_the_way(const sftp_store *self, const char *what, const char *name, const char *step,
    const belay_sftp_attributes *it, belay_error *err)
{
    bool link = S_ISLNK(it->mode);
    belay_fail(err, BELAY_E_IO, "cannot %s %s/%s: %s is %s", what, self->base.url, name, step,
        link ? "a link" : "no folder");
    return belay_error_hint(err, "links inside a store are not followed: replace it by the file or folder");
}

bool sftp_look(sftp_store *self, sftp_connection *c, const char *name, const char *what, sftp_sight *ret,
    belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list steps = {0};
    steps_of(name, &steps);
    BELAY_AUTO(belay_free) belay_sftp_answer *answers = belay_alloc(steps.count * sizeof *answers);
    uint32_t first = 0;
    for (size_t i = 0; i < steps.count; i++) {
        BELAY_AUTO(belay_free) char *path = sftp_path(self, steps.items[i]);
        uint32_t id = belay_sftp_lstat(c->sftp, path);
        first = i == 0 ? id : first;
    }
    if (!sftp_await_all(c, first, steps.count, answers, err))
        return false;
    *ret = (sftp_sight){0};
    for (size_t i = 0; i < steps.count; i++) {
        const belay_sftp_answer *one = &answers[i];
        bool last = i + 1 == steps.count;
        bool missing = one->kind == BELAY_SFTP_STATUS && one->status == BELAY_SFTP_NO_SUCH_FILE;
        if (missing) {
            ret->missing = true;
            ret->folder_missing = !last;
            return true;
        }
        if (one->kind != BELAY_SFTP_ATTRIBUTES)
            return sftp_fail(self, c, one, what, name, err);
        if (!last && !S_ISDIR(one->attributes.mode))
            return fail_on_the_way(self, what, name, steps.items[i], &one->attributes, err);
        ret->itself = one->attributes;
    }
    return true;
}

bool sftp_sync_folder_of(sftp_store *self, sftp_connection *c, const char *name, belay_error *err)
{
    const char *slash = strrchr(name, '/');
    BELAY_AUTO(belay_free) char *folder = belay_strndup(name, slash == NULL ? 0 : (size_t)(slash - name));
    BELAY_AUTO(belay_free) char *path = sftp_path(self, folder);
    belay_sftp_answer answer;
    if (!belay_sftp_can(c->sftp)->fsync)
        return true;
    if (!sftp_await(c, belay_sftp_open_file(c->sftp, path, BELAY_SFTP_READ), &answer, err))
        return false;
    if (answer.kind != BELAY_SFTP_HANDLE)
        return true; /* a server that opens files alone */
    uint32_t synced = belay_sftp_fsync(c->sftp, answer.body);
    belay_sftp_close_handle(c->sftp, answer.body);
    return sftp_await(c, synced, &answer, err);
}

/* Those that exist answer with FAILURE, like those that cannot be made: what came of it is looked at. */
static bool make_folders(sftp_store *self, sftp_connection *c, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list steps = {0};
    steps_of(name, &steps);
    size_t count = steps.count - 1;
    BELAY_AUTO(belay_free) belay_sftp_answer *answers = belay_alloc(steps.count * sizeof *answers);
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        BELAY_AUTO(belay_free) char *path = sftp_path(self, steps.items[i]);
        uint32_t id = belay_sftp_make_folder(c->sftp, path);
        first = i == 0 ? id : first;
    }
    if (!sftp_await_all(c, first, count, answers, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool made = answers[i].kind == BELAY_SFTP_STATUS && answers[i].status == BELAY_SFTP_OK;
        if (made && !sftp_sync_folder_of(self, c, steps.items[i], err))
            return false;
    }
    return true;
}

bool sftp_look_making(sftp_store *self, sftp_connection *c, const char *name, const char *what,
    sftp_sight *ret, belay_error *err)
{
    if (!sftp_look(self, c, name, what, ret, err))
        return false;
    if (!ret->folder_missing)
        return true;
    if (!make_folders(self, c, name, err) || !sftp_look(self, c, name, what, ret, err))
        return false;
    const belay_sftp_answer unmade = {.kind = BELAY_SFTP_STATUS,
        .status = BELAY_SFTP_FAILURE,
        .body = belay_span_of("its folder cannot be made")};
    return !ret->folder_missing || sftp_fail(self, c, &unmade, what, name, err);
}
