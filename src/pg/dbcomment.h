/* belay's mark in a database's comment: one last line behind what the user wrote.
 *
 *     <the user's comment, if any>
 *     belay: {"run": "20251104T123400Z-3f2a9c", "name": "bank", "state": "gate", ...}
 *
 * It says what the database is to belay, so that a run can be recovered from another machine, and is taken
 * off when the gate opens. The user's own text comes back byte for byte. Thread-safe: no shared state.
 */
#ifndef BELAY_PG_DBCOMMENT_H
#define BELAY_PG_DBCOMMENT_H

#include <jansson.h>

/* comment NULL: the database has none. The caller frees. */
char *belay_dbcomment_add(const char *comment, const json_t *mark);
/* Takes the mark off: *ret_comment is the user's text (NULL: none; the caller frees), *ret_mark the mark
 * (NULL: there is none; a new reference). Either may be NULL when it is not wanted. */
void belay_dbcomment_split(const char *comment, char **ret_comment, json_t **ret_mark);

#endif
