/* The user's shell commands of a run (pull_command, stop_command, start_command): on this machine or on the
 * hosts that the target names (remote/hosts.h), each for at most command_timeout.
 *
 * What they say goes into the story as it comes, and into <store>/<target>/runs/<run-id>/commands.log: lines
 * of time, host (this machine: "-"), command and text, at most 1 MiB in a run.
 */
#ifndef BELAY_PIPELINE_COMMANDS_H
#define BELAY_PIPELINE_COMMANDS_H

#include "pipeline/run.h"

/* `what` names the command in messages ("stop_command"). goes_on: with the other hosts when it failed on one.
 * BELAY_E_PROCESS when it ends with another status than 0 or by a signal. None given: true. */
bool belay_run_command(
    belay_run *run, const belay_host_command *command, const char *what, bool goes_on, belay_error *err);
/* Writes what was said before the run had its journal, and with it its folder. */
void belay_run_keep_output(belay_run *run);

#endif
