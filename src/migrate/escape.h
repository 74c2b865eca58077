/* Ways out of a transaction: what lets a statement do something that its rollback does not undo, because
 * another session, a program or a background worker does it and commits by itself.
 *
 * Read from the text of the migrations: words such as dblink, COPY ... PROGRAM, CREATE EXTENSION, LANGUAGE,
 * LOAD, wherever they stand (function bodies and strings too). Too many are found rather than too few; the
 * way out is then looked after (pipeline/assess.h). SQL that is put together from pieces at run time hides
 * from it.
 */
#ifndef BELAY_MIGRATE_ESCAPE_H
#define BELAY_MIGRATE_ESCAPE_H

#include "revision/revision.h"
#include "util/str.h"

typedef struct belay_escapes {
    belay_list by_session; /* what can only act through a client session in the database */
    belay_list by_worker;  /* what may start background workers, or write around transactions */
} belay_escapes;
void belay_escapes_done(belay_escapes *escapes);
static inline void belay_escapes_done_p(belay_escapes *escapes)
{
    belay_escapes_done(escapes);
}

/* One statement; `where` begins what is noted ("3f2a9c1b"). Pure. */
void belay_escapes_scan(const char *sql, const char *where, belay_escapes *ret);
/* The sections that the plan would run. Reads the files; blocking. */
bool belay_plan_escapes(const belay_plan *plan, belay_escapes *ret, belay_error *err);
/* Is the extension, or the library of C functions, known to do nothing of that kind? "pgcrypto", "hstore". */
bool belay_extension_is_harmless(const char *name);
/* Does it act through client sessions only? "dblink", "plpython3u". */
bool belay_extension_is_session(const char *name);

#endif
