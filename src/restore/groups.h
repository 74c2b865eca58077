/* Which entries of the schema section may be made by several connections at the same time
 * (restore/pre_data.h). Reads a toc, changes nothing. Any thread.
 */
#ifndef BELAY_RESTORE_GROUPS_H
#define BELAY_RESTORE_GROUPS_H

#include "restore/toc.h"

typedef struct belay_groups {
    size_t first;    /* where the first table stands: nothing before it belongs to a group */
    size_t *entries; /* numbers of entries, group by group, each in the snapshot's order */
    size_t *group;   /* as many: equal for those of one group */
    size_t count;
} belay_groups;

/* Of entries up to `end`. */
void belay_groups_find(const belay_toc *toc, size_t end, belay_groups *ret);
/* How many of them, from number `from` on, a transaction of about `most` entries takes: whole groups. */
size_t belay_groups_cut(const belay_groups *groups, size_t from, size_t most);
void belay_groups_done(belay_groups *groups);
static inline void belay_groups_done_p(belay_groups *groups)
{
    belay_groups_done(groups);
}

#endif
