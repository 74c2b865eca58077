/* Whether a restore can go on in a database that an attempt before it, or a process that is dead, left
 * half-made.
 *
 *   opened, marks of this run and snapshot --the server did not crash since--> go on with what has no mark
 *                                          --it crashed: unlogged tables are empty, their marks are gone-->
 *          they are loaded again, where that is possible--> go on
 *   no marks, and all was done before they were dropped --unlogged tables are not empty--> compare once more
 *   anything else: begin again
 *
 * Not possible where rows would meet what comes after them: keys to other tables, triggers, row security; or
 * where a table is loaded through its root, whose other partitions have their rows still; or where an
 * extension put rows of its own into it.
 */
#ifndef BELAY_RESTORE_RESUME_H
#define BELAY_RESTORE_RESUME_H

#include "restore/restore.h"

typedef enum belay_resumed {
    BELAY_RESUMED_NOT,   /* it cannot be gone on with */
    BELAY_RESUMED_PART,  /* the marks say what is done */
    BELAY_RESUMED_WHOLE, /* all of it is loaded, and the marks are gone */
} belay_resumed;

/* `unmarks`: all was loaded, and the marks' drop was begun. *ret_pg: a connection to it, of profile DATA;
 * NULL when it cannot be gone on with: *ret_why says why then, to be freed. False when it cannot be known,
 * since the server is not there. */
bool belay_resume(const belay_restore_options *options, belay_archive *archive, bool unmarks,
    belay_resumed *ret, belay_pg **ret_pg, char **ret_why, belay_error *err);

/* Was the connection cut, or the server gone or starting? */
bool belay_resume_is_cut(const belay_error *err);
/* Was no connection to be had, since a limit of the server, the database or the role is reached? */
bool belay_resume_is_crowded(const belay_error *err);

#endif
