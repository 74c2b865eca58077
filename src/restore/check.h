/* What is wrong with putting a snapshot into a server, as far as it can be known before anything is created.
 *
 * One table of checks (check.c), each of which adds findings named "snapshot_..." to a report: is the server
 * not older, does it offer the extensions, has it the roles; and, with `rights`, may this role create what
 * the snapshot holds, and give it to its owners. The rights are left out on the way back of a failed deploy:
 * pre-flight asked for them, and what the server then says counts more than what is computed here. One
 * thread.
 *
 * To add a check: a function, a line in the table, and one in docs/preflight.md (a test compares).
 */
#ifndef BELAY_RESTORE_CHECK_H
#define BELAY_RESTORE_CHECK_H

#include "report/checks.h"
#include "restore/restore.h"
#include "restore/toc.h"

void belay_restore_look(
    const belay_restore_options *options, const belay_toc *toc, bool rights, belay_check_report *ret);
/* The roles that the snapshot's objects name, and its database-level state where that is applied: as role_map
 * makes them. */
void belay_restore_wanted_roles(const belay_restore_options *options, const belay_toc *toc, belay_list *ret);
/* The names of the checks; NULL beyond the last. */
const char *belay_restore_check_name(size_t index);

#endif
