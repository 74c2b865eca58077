#include "remote/admit.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/str.h"

enum { ANCESTORS_MAX = 32 };

/* The inode of the socket whose own address is `peer` and whose other end is `local`; 0 when there is none of
 * this user. */
static unsigned long find_inode(const struct sockaddr_in *peer, const struct sockaddr_in *local)
{
    FILE *table = fopen("/proc/net/tcp", "re");
    unsigned long found = 0;
    char line[512];
    while (table != NULL && found == 0 && fgets(line, sizeof line, table) != NULL) {
        unsigned address, port, far_address, far_port, uid;
        unsigned long inode;
        /* Addresses as the kernel has them in memory, ports in host order. */
        if (sscanf(line, " %*d: %8X:%4X %8X:%4X %*X %*X:%*X %*X:%*X %*X %u %*d %lu", &address, &port,
                &far_address, &far_port, &uid, &inode) == 6 &&
            address == peer->sin_addr.s_addr && port == ntohs(peer->sin_port) &&
            far_address == local->sin_addr.s_addr && far_port == ntohs(local->sin_port) && uid == getuid())
            found = inode;
    }
    if (table != NULL)
        fclose(table);
    return found;
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    int parent = 0;
    const char *end = strrchr(text, ')'); /* of the name, which may hold anything */
    return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_own(pid_t pid)
{
    for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++, pid = parent_of(pid)) {
        if (pid == getpid())
            return true;
    }
    return false;
}

static bool has_open(const char *pid, const char *link)
{
    BELAY_AUTO(belay_free) char *folder = belay_format("/proc/%s/fd", pid);
    DIR *all = opendir(folder);
    bool found = false;
    for (struct dirent *entry; all != NULL && !found && (entry = readdir(all)) != NULL;) {
        char target[64];
        ssize_t length = readlinkat(dirfd(all), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        found = belay_equal(target, link);
    }
    if (all != NULL)
        closedir(all);
    return found;
}

bool belay_admit_own(int fd)
{
    struct sockaddr_in peer = {0}, local = {0};
    socklen_t peer_size = sizeof peer, local_size = sizeof local;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &local_size) != 0 || peer.sin_family != AF_INET)
        return false;
    unsigned long inode = find_inode(&peer, &local);
    DIR *all = inode == 0 ? NULL : opendir("/proc");
    BELAY_AUTO(belay_free) char *link = belay_format("socket:[%lu]", inode);
    bool own = false;
    for (struct dirent *entry; all != NULL && !own && (entry = readdir(all)) != NULL;) {
        if (isdigit((unsigned char)entry->d_name[0]) && is_own((pid_t)strtol(entry->d_name, NULL, 10)))
            own = has_open(entry->d_name, link);
    }
    if (all != NULL)
        closedir(all);
    return own;
}
