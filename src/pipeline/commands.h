/* The user's shell commands (stop_command, start_command): run by sh, their output goes into the story.
 * Remote hosts need SSH, which this version refuses by name. */
#ifndef BELAY_PIPELINE_COMMANDS_H
#define BELAY_PIPELINE_COMMANDS_H

#include "config/target.h"
#include "report/reporter.h"

/* `what` names the command in messages ("stop_command"). BELAY_E_PROCESS when it fails. None given: true. */
bool belay_run_host_command(const belay_host_command *command, const char *what, const char *folder,
    belay_reporter *reporter, belay_error *err);

#endif
