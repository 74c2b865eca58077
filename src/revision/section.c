/* The hash of a section, and of a file: the same whether the file was checked out with LF or CRLF. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "revision/revision.h"
#include "util/file.h"

enum { CHUNK_BYTES = 64 * 1024 };

/* Feeds text without the CR of a CRLF; *cr: a CR is held back from the chunk before. */
static void feed(belay_sha256 *hash, const char *text, size_t length, bool *cr)
{
    if (*cr && length > 0 && text[0] != '\n')
        belay_sha256_update(hash, "\r", 1);
    if (length > 0)
        *cr = false;
    for (size_t at = 0; at < length;) {
        const char *found = memchr(text + at, '\r', length - at);
        size_t end = found == NULL ? length : (size_t)(found - text);
        belay_sha256_update(hash, text + at, end - at);
        at = end + 1;
        if (found == NULL)
            break;
        if (end + 1 == length)
            *cr = true;
        else if (text[end + 1] != '\n')
            belay_sha256_update(hash, "\r", 1);
    }
}

static bool hash_part(
    int fd, const belay_section *section, const char *path, belay_sha256 *hash, belay_error *err)
{
    static _Thread_local char buffer[CHUNK_BYTES];
    bool cr = false;
    for (uint64_t done = 0; done < section->length;) {
        uint64_t left = section->length - done;
        size_t size = left < sizeof buffer ? (size_t)left : sizeof buffer;
        if (!belay_pread_exact(fd, buffer, size, section->offset + done, path, err))
            return false;
        feed(hash, buffer, size, &cr);
        done += size;
    }
    if (cr)
        belay_sha256_update(hash, "\r", 1);
    return true;
}

bool belay_section_hash(const belay_revision *revision, const belay_section *section,
    char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    BELAY_AUTO(belay_close_fd) int fd = open(revision->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open %s", revision->path);
    if (!hash_part(fd, section, revision->path, hash, err))
        return false;
    belay_sha256_finish(hash, hex);
    return true;
}

bool belay_migration_file_hash(const char *path, char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    static const char bom[] = "\xEF\xBB\xBF";
    char front[3];
    struct stat status;
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open %s", path);
    ssize_t got = belay_read_full(fd, front, sizeof front, path, err);
    if (got < 0)
        return false;
    if (fstat(fd, &status) != 0)
        return belay_fail_errno(err, errno, "cannot read %s", path);
    uint64_t skip = got == sizeof front && memcmp(front, bom, sizeof front) == 0 ? sizeof front : 0;
    const belay_section whole = {.offset = skip, .length = (uint64_t)status.st_size - skip};
    if (!hash_part(fd, &whole, path, hash, err))
        return false;
    belay_sha256_finish(hash, hex);
    return true;
}
