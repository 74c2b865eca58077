/* Keys: indexes made beside each other before their constraints, foreign keys made NOT VALID before they are
 * validated. Internal to src/restore; see restore/work.h. */
#ifndef BELAY_RESTORE_WORK_KEYS_H
#define BELAY_RESTORE_WORK_KEYS_H

#include "restore/script.h"
#include "restore/tasks.h"

bool belay_work_key_index(belay_ddl *script, const belay_task *task, belay_error *err);
bool belay_work_key(belay_ddl *script, const belay_task *task, belay_error *err);
/* A key that the restored data violates is added NOT VALID, or left out where the server cannot have that:
 * task->text says so. */
bool belay_work_foreign_keys(belay_ddl *script, belay_task *const *tasks, size_t count, belay_error *err);
bool belay_work_validate(belay_ddl *script, belay_task *task, belay_error *err);

#endif
