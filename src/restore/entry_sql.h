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
/* "ALTER TABLE ... VALIDATE CONSTRAINT ..." of an FK CONSTRAINT; NULL when not understood. The caller frees.
 */
char *belay_entry_validate(const belay_toc_entry *entry);
bool belay_entry_is_not_valid(const belay_toc_entry *entry);

#endif
