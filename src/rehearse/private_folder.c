#include "rehearse/private_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/str.h"

static const char name_start[] = "belay-rehearse-";

static const char *temporary(void)
{
    const char *tmp = getenv("TMPDIR");
    return tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp;
}

/* Locked under another name first, so that no sweep finds it unlocked. */
static bool lock_folder(const char *folder, int *ret_lock, belay_error *err)
{
    BELAY_AUTO(belay_free) char *part = belay_path_join(folder, "owner.part");
    BELAY_AUTO(belay_free) char *owner = belay_path_join(folder, "owner");
    int lock = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return belay_fail_errno(err, errno, "cannot create %s", part);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0 || rename(part, owner) != 0) {
        belay_fail_errno(err, errno, "cannot lock %s", owner);
        close(lock);
        return false;
    }
    *ret_lock = lock;
    return true;
}

bool belay_private_folder_make(uid_t user, gid_t group, char **ret, int *ret_lock, belay_error *err)
{
    BELAY_AUTO(belay_free) char *folder = belay_format("%s/%sXXXXXX", temporary(), name_start);
    if (mkdtemp(folder) == NULL)
        return belay_fail_errno(err, errno, "cannot make a folder %s", folder);
    bool ok = lock_folder(folder, ret_lock, err);
    if (ok && user != geteuid() && chown(folder, user, group) != 0) {
        ok = belay_fail_errno(err, errno, "cannot give %s to user %lu", folder, (unsigned long)user);
        close(*ret_lock);
        *ret_lock = -1;
    }
    if (!ok) {
        belay_remove_tree(folder, NULL);
        return false;
    }
    *ret = belay_take(folder);
    return true;
}

static bool is_left_over(const char *folder, uid_t user)
{
    struct stat status;
    if (lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != user)
        return false;
    BELAY_AUTO(belay_free) char *owner = belay_path_join(folder, "owner");
    int lock = open(owner, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (lock < 0)
        return false;
    bool is_free = flock(lock, LOCK_EX | LOCK_NB) == 0;
    close(lock);
    return is_free;
}

void belay_private_folder_sweep(uid_t user, belay_reporter *reporter)
{
    DIR *all = opendir(temporary());
    const struct dirent *entry;
    while (all != NULL && (entry = readdir(all)) != NULL) {
        if (!belay_starts_with(entry->d_name, name_start))
            continue;
        BELAY_AUTO(belay_free) char *folder = belay_path_join(temporary(), entry->d_name);
        if (is_left_over(folder, user) && belay_remove_tree(folder, NULL))
            belay_say(
                reporter, BELAY_NOTICE, "removed %s, which a rehearsal that was killed left behind", folder);
    }
    if (all != NULL)
        closedir(all);
}
