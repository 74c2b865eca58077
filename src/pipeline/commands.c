#include "pipeline/commands.h"

#include "util/process.h"

enum { COMMAND_TIMEOUT_MS = 10 * 60 * 1000 };

typedef struct story {
    belay_reporter *reporter;
    const char *what;
} story;

static void on_line(void *context, bool is_stderr, const char *line)
{
    (void)is_stderr;
    const story *s = context;
    belay_say(s->reporter, BELAY_INFO, "  %s: %s", s->what, line);
}

bool belay_run_host_command(const belay_host_command *command, const char *what, const char *folder,
    belay_reporter *reporter, belay_error *err)
{
    if (command->command == NULL)
        return true;
    if (command->hosts.count > 0) {
        belay_fail(err, BELAY_E_UNSUPPORTED,
            "%s is to run on host %s, and this version runs commands on this machine only", what,
            command->hosts.items[0]);
        return belay_error_hint(err, "take %s_on out and call ssh in the command itself", what);
    }
    belay_spawn how = {.shell = command->command, .folder = folder};
    story s = {reporter, what};
    int status = 0;
    if (!belay_process_run(&how, COMMAND_TIMEOUT_MS, NULL, NULL, on_line, &s, &status, err))
        return belay_error_prefix(err, "%s", what);
    if (status != 0)
        return belay_fail(
            err, BELAY_E_PROCESS, "%s ended with status %d: %s", what, status, command->command);
    return true;
}
