/* Who is at the other end of a connection over loopback: belay itself or a child of it, or somebody else.
 *
 * The kernel names the socket's inode for each end (proc(5), /proc/net/tcp); the process that has it open is
 * found in /proc/PID/fd, and its ancestors in /proc/PID/stat. Linux. Any thread. */
#ifndef BELAY_REMOTE_ADMIT_H
#define BELAY_REMOTE_ADMIT_H

#include <stdbool.h>

/* `fd` is what accept gave, over IPv4. False also when it cannot be known. */
bool belay_admit_own(int fd);

#endif
