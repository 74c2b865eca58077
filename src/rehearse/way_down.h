/* The way back down of a plan that was applied: its steps in reverse order, version rows likewise. */
#ifndef BELAY_REHEARSE_WAY_DOWN_H
#define BELAY_REHEARSE_WAY_DOWN_H

#include "revision/revision.h"

/* From the last step down to, and without, the last one whose file has no downgrade section, whose id goes
 * to *ret_irreversible (NULL: all can go). `ret` borrows revisions and texts of `plan`. */
void belay_plan_way_down(const belay_plan *plan, belay_plan *ret, const char **ret_irreversible);
/* The last `count` steps of a plan, to go up again; borrows likewise. */
void belay_plan_tail(const belay_plan *plan, size_t count, belay_plan *ret);

#endif
