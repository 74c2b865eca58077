/* Files: every write is complete or an error, every publication is durable.
 *
 * Publication of a file:   name.part --written, fsynced--> renamed to name --folder fsynced--> published
 * The same order as PostgreSQL's durable_rename. All descriptors are O_CLOEXEC. Blocking; any thread.
 */
#ifndef BELAY_UTIL_FILE_H
#define BELAY_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "util/error.h"
#include "util/str.h"

static inline void belay_close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}
void belay_close_fd_p(int *fd); /* for BELAY_AUTO(belay_close_fd) int fd = -1 */

bool belay_write_all(int fd, const void *data, size_t size_bytes, const char *name, belay_error *err);
/* Reads up to size_bytes (short only at the end of the file). -1 on error. */
ssize_t belay_read_full(int fd, void *data, size_t size_bytes, const char *name, belay_error *err);
/* Exactly size_bytes at offset; a shorter file is BELAY_E_IO. */
bool belay_pread_exact(
    int fd, void *data, size_t size_bytes, uint64_t offset, const char *name, belay_error *err);
/* A whole file, at most max_bytes; NUL-terminated; the caller frees. BELAY_E_NOT_FOUND when there is none. */
bool belay_read_file(
    const char *path, size_t max_bytes, char **ret_text, size_t *ret_length, belay_error *err);
/* Descriptors 0 to 2 that whoever started the program had closed: they fail as closed ones do, and no file or
 * connection is opened in their place, where what is printed would go into it. Once, before anything is
 * opened. False where that fails, without a place to say it. */
bool belay_hold_standard_files(void);
/* Sets the umask to 077 and remembers the one that it replaces. Once, before any thread: start-up does it. */
void belay_keep_files_private(void);
mode_t belay_user_umask(void); /* the one that was replaced; 077 before */
/* The mode as the user's own umask leaves it: for the project's files, which belong to the user. */
mode_t belay_user_mode(mode_t mode);
/* Writes path.part, fsyncs, renames, fsyncs the folder. The mode is taken as it is, without the umask. */
bool belay_write_file_durably(
    const char *path, const void *data, size_t size_bytes, mode_t mode, belay_error *err);
/* Makes what was created, renamed or removed beside it durable. */
bool belay_sync_folder_of(const char *path, belay_error *err);
/* Those that are missing get the mode as it is, without the umask. */
bool belay_make_folders(const char *path, mode_t mode, belay_error *err);
bool belay_file_exists(const char *path);
/* folder + "/" + name, or name alone when it is absolute; the caller frees. */
char *belay_path_join(const char *folder, const char *name);
/* Everything up to the last slash ("." when there is none); the caller frees. */
char *belay_path_folder(const char *path);
const char *belay_path_base(const char *path);
/* Removes a folder and all below it; missing is fine. Does not follow links. */
bool belay_remove_tree(const char *path, belay_error *err);

#endif
