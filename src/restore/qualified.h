/* Qualified names in the statements that pg_dump writes (which qualifies every relation), and the same
 * statements with some relations moved to another schema.
 *
 * A name is given as a key, quoted and qualified: "public"."orders". What is called like a function is none,
 * nor is a collation; a type may be: a table's name is that of its rows' type too, but an index or a sequence
 * may share its name with another type, so that they are looked for only where no type can stand. Any thread.
 */
#ifndef BELAY_RESTORE_QUALIFIED_H
#define BELAY_RESTORE_QUALIFIED_H

#include "util/str.h"

/* Adds the keys of all qualified names, in their order, as often as they stand there. */
void belay_qualified_collect(const char *sql, belay_list *ret);
/* The statement with the schema of each relation in `names` replaced, and of each in `keys` where it stands
 * in a literal of type regclass. The caller frees. */
char *belay_qualified_move(
    const char *sql, const belay_list *names, const belay_list *keys, const char *schema);
/* The name in a key, without its schema and unquoted; the caller frees. */
char *belay_qualified_name(const char *key);
/* The schema of a key. */
char *belay_qualified_schema(const char *key);

#endif
