#include "remote/ssh.h"

belay_ssh_library ssh;

static const char *const names[] = {BELAY_SSH_FUNCTIONS(BELAY_LIBRARY_NAME)};
_Static_assert(sizeof ssh == sizeof names, "pointers alone");

static belay_library library = {.soname = BELAY_SONAME_LIBSSH2,
    .package = "libssh2-1",
    .names = names,
    .count = BELAY_COUNT(names),
    .functions = &ssh,
    .mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int init_status;

static void init(void)
{
    init_status = ssh.libssh2_init(0);
}

bool belay_ssh_load(belay_error *err)
{
    if (!belay_library_load(&library, err))
        return false;
    pthread_once(&once, init);
    return init_status == 0 ||
           belay_fail(err, BELAY_E_INTERNAL, "libssh2 cannot be initialised (%d)", init_status);
}
