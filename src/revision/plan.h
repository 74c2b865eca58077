/* Inside of the revision folder: version rows while a plan is made. Rows are a set of revisions: those that
 * nothing applied stands above, by Revises or by Depends On. */
#ifndef BELAY_REVISION_PLAN_H
#define BELAY_REVISION_PLAN_H

#include "revision/graph.h"

/* Sorted ids of the rows, in the arena. */
const char **plan_rows(belay_arena *arena, const rev_list *rows, size_t *ret_count);
/* Changes the rows as the step does and notes the change in the step. BELAY_E_REVISION_RANGE when the rows do
 * not fit the step. */
bool rows_take_step(
    const belay_graph *graph, rev_list *rows, belay_step *step, belay_arena *arena, belay_error *err);

#endif
