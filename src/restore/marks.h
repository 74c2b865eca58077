/* What a restore has done, kept in the half-made database itself, so that it can go on after a crash or a cut
 * connection and loads nothing twice.
 *
 *     belay_marks_create(pg, run, snapshot, err)      once the schema section is complete
 *     a transaction: rows or statements; belay_marks_insert(...); COMMIT
 *     belay_marks_read(pg, run, &marks, err)          what is done
 *     belay_marks_drop(run)                           at the end, before the schema is compared
 *
 * They lie in a schema named after the run. A mark commits with what it stands for, and its key is unique: a
 * second transaction of the same work fails. Marks of unlogged tables lie in an unlogged table, which a crash
 * of the server empties together with those. Keys are ASCII: members of the archive, numbers of entries.
 */
#ifndef BELAY_RESTORE_MARKS_H
#define BELAY_RESTORE_MARKS_H

#include "pg/pg.h"

typedef struct belay_marks belay_marks;
void belay_marks_free(belay_marks *marks);
BELAY_DEFINE_AUTO(belay_marks, belay_marks_free)

bool belay_marks_create(belay_pg *pg, const char *run_id, const char *snapshot_id, belay_error *err);
/* *ret is NULL when the database has no marks of that run. */
bool belay_marks_read(belay_pg *pg, const char *run_id, belay_marks **ret, belay_error *err);
/* Those of a database in which everything is done: any mark is found, with an empty note. */
belay_marks *belay_marks_of_whole(void);
bool belay_marks_are_of_whole(const belay_marks *marks);
/* Were they begun for that snapshot? */
bool belay_marks_are_of(const belay_marks *marks, const char *snapshot_id);
/* Has the server crashed since: are the unlogged tables empty, and the marks of their rows gone with them? */
bool belay_marks_saw_crash(const belay_marks *marks);
/* The marks' reader has seen to it. */
bool belay_marks_settle_crash(belay_pg *pg, const char *run_id, belay_error *err);
/* The note of a mark, "" when it has none; NULL when there is no such mark. `marks` may be NULL: none. */
const char *belay_marks_find(const belay_marks *marks, const char *key);
/* Adds the notes of marks whose key begins so, but empty ones. */
void belay_marks_notes(const belay_marks *marks, const char *prefix, belay_list *ret);
/* The statement that makes one; `note` may be NULL. The caller frees. */
char *belay_marks_insert(const char *run_id, bool unlogged, const char *key, const char *note);
/* The statement that drops all of them. The caller frees. */
char *belay_marks_drop(const char *run_id);

#endif
