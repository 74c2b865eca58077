/* Keys: indexes made beside each other before their constraints, foreign keys made NOT VALID before they are
 * validated. Internal to src/restore; see restore/work.h. */
#ifndef BELAY_RESTORE_WORK_KEYS_H
#define BELAY_RESTORE_WORK_KEYS_H

#include "restore/script.h"
#include "restore/tasks.h"

bool belay_work_key_index(belay_ddl *script, const belay_task *task, belay_error *err);
bool belay_work_key(belay_ddl *script, const belay_task *task, belay_error *err);
/* Those of the partitions of a partitioned table. Where one cannot have it, none gets it, and the table's own
 * key is added as if there had been no such task. */
bool belay_work_leaf_keys(
    belay_ddl *script, const belay_relations *relations, const belay_task *task, belay_error *err);
/* A key that the restored data violates is added NOT VALID, or left out where the server cannot have that:
 * task->text says so. */
bool belay_work_foreign_keys(belay_ddl *script, const belay_relations *relations, belay_task *const *tasks,
    size_t count, belay_error *err);
bool belay_work_validate(
    belay_ddl *script, const belay_relations *relations, belay_task *task, belay_error *err);

#endif
