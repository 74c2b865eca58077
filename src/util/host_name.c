#include "util/host_name.h"

#include <stdio.h>
#include <unistd.h>

void belay_host_name(char ret[static BELAY_HOST_NAME_SIZE])
{
    ret[BELAY_HOST_NAME_SIZE - 1] = '\0'; /* which gethostname leaves out when it cuts */
    if (gethostname(ret, BELAY_HOST_NAME_SIZE - 1) != 0 || ret[0] == '\0')
        snprintf(ret, BELAY_HOST_NAME_SIZE, "unknown-host");
}
