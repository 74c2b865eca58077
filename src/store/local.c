#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/file.h"

/* Every name is reached component by component with O_NOFOLLOW from the store's folder, so that a link in a
 * store cannot lead out of it. The store's own path may be a link. */

typedef struct local_store {
    belay_store base;
    int root_fd;
} local_store;

typedef struct local_sink {
    belay_sink base;
    int fd;
    int folder_fd;
    bool appends;
    bool folder_synced;
    uint64_t own_bytes;                  /* appends: the file's size, as long as nobody else writes to it */
    uint64_t written_bytes, begun_bytes; /* begun: the disk has been told to write them */
    char *path;
} local_sink;

/* So little is left for the sync at the end. */
#define WRITE_BEHIND_BYTES ((uint64_t)16 * 1024 * 1024)

typedef struct local_source {
    belay_source base;
    int fd;
    char *path;
} local_source;

static bool fail_at(const belay_store *store, const char *what, const char *name, belay_error *err)
{
    int saved = errno;
    if (saved == ENOENT)
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s/%s does not exist", store->url, name);
    belay_fail_errno(err, saved, "cannot %s %s/%s", what, store->url, name);
    if (saved == ELOOP || saved == ENOTDIR)
        return belay_error_hint(
            err, "links inside a store are not followed: replace it by the file or folder");
    return false;
}

/* Opens the folder that holds name's last component; folders are made when `make`. -1 with errno. */
static int open_folder_of(local_store *self, const char *name, bool make, const char **ret_base)
{
    int fd = fcntl(self->root_fd, F_DUPFD_CLOEXEC, 0);
    const char *part = name;
    for (const char *slash; fd >= 0 && (slash = strchr(part, '/')) != NULL; part = slash + 1) {
        BELAY_AUTO(belay_free) char *folder = belay_strndup(part, (size_t)(slash - part));
        int unmade = make && mkdirat(fd, folder, 0700) != 0 ? errno : 0;
        if (make && unmade == 0)
            fsync(fd);
        int next = openat(fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int saved = next < 0 && errno == ENOENT && unmade != 0 ? unmade : errno; /* why it is missing */
        close(fd);
        errno = saved;
        fd = next;
    }
    *ret_base = part;
    return fd;
}

static int open_in(local_store *self, const char *name, int flags, int *ret_folder_fd)
{
    const char *base = NULL;
    int folder = open_folder_of(self, name, (flags & O_CREAT) != 0, &base);
    if (folder < 0)
        return -1;
    int fd = openat(folder, base, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    int saved = errno;
    if (fd >= 0 && ret_folder_fd != NULL)
        *ret_folder_fd = folder;
    else
        close(folder);
    errno = saved;
    return fd;
}

/* The disk works while rows are read. No promise: whether it succeeds is said by the sync, which
 * SYNC_FILE_RANGE_WRITE alone takes no error from (sync_file_range(2)). */
static void write_behind(local_sink *self)
{
    uint64_t waiting = self->written_bytes - self->begun_bytes;
    if (self->appends || waiting < WRITE_BEHIND_BYTES)
        return;
    sync_file_range(self->fd, (off_t)self->begun_bytes, (off_t)waiting, SYNC_FILE_RANGE_WRITE);
    self->begun_bytes = self->written_bytes;
}

/* A write that failed may have left a part. */
static bool check_own(local_sink *self, belay_error *err)
{
    struct stat status;
    if (fstat(self->fd, &status) != 0)
        return belay_fail_errno(err, errno, "cannot look at %s", self->path);
    if ((uint64_t)status.st_size > self->own_bytes)
        return belay_store_fail_not_own(self->path, err);
    self->own_bytes = (uint64_t)status.st_size;
    return true;
}

static bool sink_write(belay_sink *base, const void *data, size_t size_bytes, belay_error *err)
{
    local_sink *self = (local_sink *)base;
    if (self->appends && !check_own(self, err))
        return false;
    self->own_bytes += size_bytes;
    if (!belay_write_all(self->fd, data, size_bytes, self->path, err) ||
        (self->appends && !check_own(self, err)))
        return false;
    self->written_bytes += size_bytes;
    write_behind(self);
    return true;
}

static bool sink_sync(belay_sink *base, belay_error *err)
{
    local_sink *self = (local_sink *)base;
    if ((self->appends ? fdatasync(self->fd) : fsync(self->fd)) != 0)
        return belay_fail_errno(err, errno, "cannot sync %s", self->path);
    /* The name of a new file must survive a crash as its bytes do. EINVAL: a file system without it. */
    if (!self->folder_synced && fsync(self->folder_fd) != 0 && errno != EINVAL)
        return belay_fail_errno(err, errno, "cannot sync the folder of %s", self->path);
    self->folder_synced = true;
    if (!self->appends)
        posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED);
    return true;
}

static void sink_close(belay_sink *base)
{
    local_sink *self = (local_sink *)base;
    close(self->fd);
    close(self->folder_fd);
    free(self->path);
    free(self);
}

static bool open_sink(belay_store *base, const char *name, int flags, belay_sink **ret, belay_error *err)
{
    if (!belay_store_check_name(name, err))
        return false;
    int folder_fd = -1;
    int fd = open_in((local_store *)base, name, O_WRONLY | O_CREAT | flags, &folder_fd);
    if (fd < 0)
        return fail_at(base, "create", name, err);
    if ((flags & O_TRUNC) != 0)
        flock(fd, LOCK_EX | LOCK_NB); /* is_held; a file system without locks does without */
    struct stat status = {0};
    fstat(fd, &status);
    local_sink *sink = belay_alloc(sizeof *sink);
    *sink = (local_sink){.base = {sink_write, sink_sync, sink_close},
        .fd = fd,
        .folder_fd = folder_fd,
        .appends = (flags & O_APPEND) != 0,
        .own_bytes = (uint64_t)status.st_size,
        .path = belay_store_path(base, name)};
    *ret = &sink->base;
    return true;
}

static bool store_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    return open_sink(base, name, O_TRUNC, ret, err);
}

static bool store_append(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    return open_sink(base, name, O_APPEND, ret, err);
}

static bool source_read(belay_source *base, uint64_t offset, void *data, size_t size_bytes, belay_error *err)
{
    local_source *self = (local_source *)base;
    return belay_pread_exact(self->fd, data, size_bytes, offset, self->path, err);
}

static void source_close(belay_source *base)
{
    local_source *self = (local_source *)base;
    close(self->fd);
    free(self->path);
    free(self);
}

static bool store_open(belay_store *base, const char *name, belay_source **ret, belay_error *err)
{
    if (!belay_store_check_name(name, err))
        return false;
    /* O_NONBLOCK: a FIFO in the store must not hang the reader. */
    BELAY_AUTO(belay_close_fd) int fd = open_in((local_store *)base, name, O_RDONLY | O_NONBLOCK, NULL);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail_at(base, "open", name, err);
    if (!S_ISREG(status.st_mode))
        return belay_fail(err, BELAY_E_IO, "%s/%s is not a regular file", base->url, name);
    local_source *source = belay_alloc(sizeof *source);
    *source = (local_source){.base = {(uint64_t)status.st_size, source_read, source_close},
        .fd = fd,
        .path = belay_store_path(base, name)};
    fd = -1;
    *ret = &source->base;
    return true;
}

static bool rename_between(int from_fd, const char *from, int to_fd, const char *to)
{
    if (renameat(from_fd, from, to_fd, to) != 0)
        return false;
    if (fsync(to_fd) != 0 && errno != EINVAL)
        return false;
    return fsync(from_fd) == 0 || errno == EINVAL;
}

static bool store_rename(belay_store *base, const char *from, const char *to, belay_error *err)
{
    if (!belay_store_check_name(from, err) || !belay_store_check_name(to, err))
        return false;
    const char *from_base = NULL, *to_base = NULL;
    BELAY_AUTO(belay_close_fd) int from_fd = open_folder_of((local_store *)base, from, false, &from_base);
    if (from_fd < 0)
        return fail_at(base, "rename", from, err);
    BELAY_AUTO(belay_close_fd) int to_fd = open_folder_of((local_store *)base, to, true, &to_base);
    if (to_fd < 0)
        return fail_at(base, "rename a file to", to, err);
    if (!rename_between(from_fd, from_base, to_fd, to_base))
        return fail_at(base, "rename", from, err);
    return true;
}

static bool store_remove(belay_store *base, const char *name, belay_error *err)
{
    if (!belay_store_check_name(name, err))
        return false;
    const char *last = NULL;
    BELAY_AUTO(belay_close_fd) int folder = open_folder_of((local_store *)base, name, false, &last);
    if (folder < 0 && errno == ENOENT)
        return true;
    if (folder < 0 || (unlinkat(folder, last, 0) != 0 && errno != ENOENT))
        return fail_at(base, "remove", name, err);
    if (fsync(folder) != 0 && errno != EINVAL)
        return fail_at(base, "sync the folder of", name, err);
    return true;
}

static void add_entry(belay_store_listing *listing, const char *name, const struct stat *status)
{
    listing->items = belay_realloc_array(listing->items, listing->count + 1, sizeof *listing->items);
    listing->items[listing->count++] =
        (belay_store_entry){belay_strdup(name), (uint64_t)status->st_size, (int64_t)status->st_mtime};
}

/* Takes fd. Only what lies on the way to, or below, prefix is visited. */
static bool walk(const belay_store *store, int fd, const char *path, const char *prefix,
    belay_store_listing *listing, belay_error *err)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        fail_at(store, "list", path, err);
        close(fd);
        return false;
    }
    bool ok = true;
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(folder)) != NULL;) {
        if (belay_equal(entry->d_name, ".") || belay_equal(entry->d_name, ".."))
            continue;
        BELAY_AUTO(belay_free) char *name = belay_format("%s%s%s", path, path[0] ? "/" : "", entry->d_name);
        size_t common = strlen(name) < strlen(prefix) ? strlen(name) : strlen(prefix);
        struct stat status;
        if (strncmp(name, prefix, common) != 0 ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* elsewhere, or removed meanwhile */
        if (S_ISREG(status.st_mode) && belay_starts_with(name, prefix))
            add_entry(listing, name, &status);
        if (!S_ISDIR(status.st_mode))
            continue;
        int next = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next >= 0)
            ok = walk(store, next, name, prefix, listing, err);
        else if (errno != ENOENT)
            ok = fail_at(store, "list", name, err);
    }
    if (ok && errno != 0)
        ok = errno == ENOENT || fail_at(store, "list", path, err);
    closedir(folder);
    return ok;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const belay_store_entry *)a)->name, ((const belay_store_entry *)b)->name);
}

static bool store_list(belay_store *base, const char *prefix, belay_store_listing *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing found = {0};
    int fd = openat(((local_store *)base)->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_at(base, "list", "", err);
    if (!walk(base, fd, "", prefix == NULL ? "" : prefix, &found, err))
        return false;
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, compare_entries);
    *ret = found;
    found = (belay_store_listing){0};
    return true;
}

/* A link is no folder, since it is not followed. */
static bool is_folder(int parent_fd, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(parent_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static bool store_folders(belay_store *base, const char *name, belay_list *ret, belay_error *err)
{
    const char *last = NULL;
    BELAY_AUTO(belay_close_fd) int parent = open_folder_of((local_store *)base, name, false, &last);
    int fd = parent < 0 ? -1 : openat(parent, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        bool missing = errno == ENOENT;
        if (fd >= 0)
            close(fd);
        return missing || fail_at(base, "list", name, err);
    }
    for (struct dirent *entry; (errno = 0, entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && is_folder(fd, entry))
            belay_list_add(ret, entry->d_name);
    }
    bool ok = errno == 0 || fail_at(base, "list", name, err);
    closedir(folder);
    belay_list_sort(ret);
    return ok;
}

static bool store_is_held(belay_store *base, const char *name)
{
    BELAY_AUTO(belay_close_fd) int fd = open_in((local_store *)base, name, O_RDONLY | O_NONBLOCK, NULL);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static bool store_free_space(belay_store *base, uint64_t *ret_bytes, belay_error *err)
{
    struct statvfs status;
    if (fstatvfs(((local_store *)base)->root_fd, &status) != 0)
        return belay_fail_errno(err, errno, "cannot ask for the free space of %s", base->url);
    *ret_bytes = (uint64_t)status.f_bavail * (uint64_t)status.f_frsize;
    return true;
}

static void store_free(belay_store *base)
{
    local_store *self = (local_store *)base;
    close(self->root_fd);
    free(base->url);
    free(self);
}

bool belay_store_open_local(const char *url, belay_store **ret, belay_error *err)
{
    if (url[0] == '\0')
        return belay_fail(err, BELAY_E_CONFIG, "the store has an empty path");
    if (!belay_make_folders(url, 0700, err))
        return false;
    int fd = open(url, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open the store %s", url);
    local_store *store = belay_alloc(sizeof *store);
    store->base = (belay_store){.url = belay_strdup(url),
        .create = store_create,
        .append = store_append,
        .open = store_open,
        .rename = store_rename,
        .remove = store_remove,
        .list = store_list,
        .folders = store_folders,
        .is_held = store_is_held,
        .free_space = store_free_space,
        .free = store_free};
    store->root_fd = fd;
    *ret = &store->base;
    return true;
}
