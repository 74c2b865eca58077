/* The name of this machine, for records of who did something. */
#ifndef BELAY_UTIL_HOST_NAME_H
#define BELAY_UTIL_HOST_NAME_H

enum { BELAY_HOST_NAME_SIZE = 256 };

/* As gethostname(2) has it, "unknown-host" when it has none. Thread-safe. */
void belay_host_name(char ret[static BELAY_HOST_NAME_SIZE]);

#endif
