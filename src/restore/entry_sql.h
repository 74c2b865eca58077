/* What the statements of an entry say: which tables they touch, and a key taken apart into its index and the
 * constraint upon it.
 *
 * pg_dump writes every name qualified, in one way; what is not recognised is said to be so, and is then run
 * as it stands, alone. Any thread.
 */
#ifndef BELAY_RESTORE_ENTRY_SQL_H
#define BELAY_RESTORE_ENTRY_SQL_H

#include "restore/relations.h"
#include "restore/toc.h"

/* The table that an INDEX, CONSTRAINT, STATISTICS or FK CONSTRAINT is of; BELAY_NO_RELATION when not known.
 */
long belay_entry_table(const belay_toc_entry *entry, const belay_relations *relations);
/* The table that an FK CONSTRAINT refers to. */
long belay_entry_referenced(const belay_toc_entry *entry, const belay_relations *relations);
/* "CREATE UNIQUE INDEX ..." and "ALTER TABLE ... USING INDEX ..." instead of the first statement of a
 * CONSTRAINT; false where that cannot be (exclusion, WITHOUT OVERLAPS, not understood). The caller frees. */
bool belay_entry_split_key(const belay_toc_entry *entry, char **ret_index, char **ret_constraint);
/* "ALTER TABLE ONLY t <what> c" of an FK CONSTRAINT c, for `what` as "VALIDATE CONSTRAINT"; t is its own
 * table, or `table` (quoted) when that is not NULL. NULL when not understood. The caller frees. */
char *belay_entry_alter(const belay_toc_entry *entry, const char *table, const char *what);
/* The statement that adds such a key to `table` instead; as above. */
char *belay_entry_add_to(const belay_toc_entry *entry, const char *table);
bool belay_entry_is_not_valid(const belay_toc_entry *entry);
bool belay_entry_is_enforced(const belay_toc_entry *entry);
/* Have two of them the same columns and the same columns referred to? */
bool belay_entry_is_same_reference(const belay_toc_entry *a, const belay_toc_entry *b);
/* Have two constraints the same name? */
bool belay_entry_is_same_name(const belay_toc_entry *a, const belay_toc_entry *b);

#endif
