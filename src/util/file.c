#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void belay_close_fd_p(int *fd)
{
    belay_close_fd(*fd);
    *fd = -1;
}

bool belay_write_all(int fd, const void *data, size_t size_bytes, const char *name, belay_error *err)
{
    const char *from = data;
    while (size_bytes > 0) {
        ssize_t done = write(fd, from, size_bytes);
        if (done < 0) {
            if (errno == EINTR)
                continue;
            return belay_fail_errno(err, errno, "cannot write %s", name);
        }
        from += done;
        size_bytes -= (size_t)done;
    }
    return true;
}

ssize_t belay_read_full(int fd, void *data, size_t size_bytes, const char *name, belay_error *err)
{
    char *to = data;
    size_t total = 0;
    while (total < size_bytes) {
        ssize_t got = read(fd, to + total, size_bytes - total);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            belay_fail_errno(err, errno, "cannot read %s", name);
            return -1;
        }
        if (got == 0)
            break;
        total += (size_t)got;
    }
    return (ssize_t)total;
}

bool belay_pread_exact(
    int fd, void *data, size_t size_bytes, uint64_t offset, const char *name, belay_error *err)
{
    char *to = data;
    while (size_bytes > 0) {
        ssize_t got = pread(fd, to, size_bytes, (off_t)offset);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return belay_fail_errno(err, errno, "cannot read %s", name);
        }
        if (got == 0)
            return belay_fail(err, BELAY_E_IO, "%s ends at byte %llu, %zu more were expected", name,
                (unsigned long long)offset, size_bytes);
        to += got;
        offset += (uint64_t)got;
        size_bytes -= (size_t)got;
    }
    return true;
}

bool belay_read_file(
    const char *path, size_t max_bytes, char **ret_text, size_t *ret_length, belay_error *err)
{
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            return belay_fail(err, BELAY_E_NOT_FOUND, "there is no file %s", path);
        return belay_fail_errno(err, errno, "cannot open %s", path);
    }
    struct stat st;
    if (fstat(fd, &st) != 0)
        return belay_fail_errno(err, errno, "cannot stat %s", path);
    if (S_ISDIR(st.st_mode))
        return belay_fail(err, BELAY_E_IO, "%s is a folder", path);
    if (st.st_size < 0 || (uint64_t)st.st_size > max_bytes)
        return belay_fail(err, BELAY_E_IO, "%s is larger than the limit of %zu bytes", path, max_bytes);
    size_t size = (size_t)st.st_size;
    BELAY_AUTO(belay_free) char *text = belay_try_alloc(size + 1, err);
    if (text == NULL)
        return false;
    ssize_t got = belay_read_full(fd, text, size, path, err);
    if (got < 0)
        return false;
    text[got] = '\0';
    if (ret_length != NULL)
        *ret_length = (size_t)got;
    *ret_text = belay_take(text);
    return true;
}

bool belay_sync_folder_of(const char *path, belay_error *err)
{
    BELAY_AUTO(belay_free) char *folder = belay_path_folder(path);
    BELAY_AUTO(belay_close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open folder %s", folder);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system without it */
        return belay_fail_errno(err, errno, "cannot sync folder %s", folder);
    return true;
}

bool belay_hold_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        /* The lowest that is free is this one; it is opened for what nobody does with it. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

static mode_t user_umask = 077;

void belay_keep_files_private(void)
{
    user_umask = umask(077);
}

mode_t belay_user_umask(void)
{
    return user_umask;
}

mode_t belay_user_mode(mode_t mode)
{
    return mode & ~user_umask;
}

bool belay_write_file_durably(
    const char *path, const void *data, size_t size_bytes, mode_t mode, belay_error *err)
{
    BELAY_AUTO(belay_free) char *part = belay_format("%s.part", path);
    BELAY_AUTO(belay_close_fd) int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot create %s", part);
    if (!belay_write_all(fd, data, size_bytes, part, err)) {
        unlink(part);
        return false;
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        int cause = errno;
        unlink(part);
        return belay_fail_errno(err, cause, "cannot sync %s", part);
    }
    if (rename(part, path) != 0) {
        int cause = errno;
        unlink(part);
        return belay_fail_errno(err, cause, "cannot rename %s to %s", part, path);
    }
    return belay_sync_folder_of(path, err);
}

/* Is it one already? Leaves mkdir's errno. */
static bool is_folder(const char *path)
{
    int cause = errno;
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    errno = cause;
    return folder;
}

bool belay_make_folders(const char *path, mode_t mode, belay_error *err)
{
    BELAY_AUTO(belay_free) char *copy = belay_strdup(path);
    for (char *slash = copy + 1; *copy != '\0'; slash++) {
        char c = *slash;
        if (c != '/' && c != '\0')
            continue;
        *slash = '\0';
        bool made = mkdir(copy, mode) == 0;
        if (made ? chmod(copy, mode) != 0 : !is_folder(copy))
            return belay_fail_errno(err, errno, "cannot create folder %s", copy);
        *slash = c;
        if (c == '\0')
            break;
    }
    return true;
}

bool belay_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

char *belay_path_join(const char *folder, const char *name)
{
    if (name[0] == '/' || folder == NULL || folder[0] == '\0')
        return belay_strdup(name);
    return belay_format("%s%s%s", folder, belay_ends_with(folder, "/") ? "" : "/", name);
}

char *belay_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return belay_strdup(".");
    return slash == path ? belay_strdup("/") : belay_strndup(path, (size_t)(slash - path));
}

const char *belay_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

bool belay_remove_tree(const char *path, belay_error *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return belay_fail_errno(err, errno, "cannot remove %s", path);
    return true;
}
