/* Start-up order only; the program is in src/cli. */
#include <stdio.h>
#include <sys/resource.h>

#include "cli/commands.h"
#include "util/file.h"
#include "util/stop.h"

int main(int argc, char **argv)
{
    belay_error err = {0};
    if (!belay_hold_standard_files())
        return BELAY_EXIT_FAILED;
    belay_keep_files_private();                     /* snapshots and journals are nobody else's business */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* no core file holds a password */
    if (!belay_stop_install(&err)) {
        fprintf(stderr, "belay: %s\n", err.message);
        return BELAY_EXIT_FAILED;
    }
    return belay_cli_main(argc, argv);
}
