/* Rights that the owners of objects need only while they are made.
 *
 * ALTER ... OWNER TO asks, of anyone but a superuser, that the new owner may create in the schema (for a
 * publication: in the database). A snapshot's own GRANTs come later, and the owner may have lost the right
 * long ago. So it is lent before and taken back after:
 *
 *     belay_lend_to_owners(&lend, entries, count, err)    before the first of them runs
 *     belay_lend_take_back(&lend, err)                    before the snapshot's rights are granted
 *
 * Nothing is lent by a superuser, nor to who has the right already. One connection, one thread.
 */
#ifndef BELAY_RESTORE_LEND_H
#define BELAY_RESTORE_LEND_H

#include "pg/pg.h"
#include "restore/toc.h"

typedef struct belay_lend {
    belay_pg *pg;
    const belay_list *role_map; /* may be NULL */
    const char *run_id;         /* each loan leaves a mark (restore/marks.h), "lent N"; NULL: none does */
    belay_list back;            /* statements that take back what was lent */
} belay_lend;

/* The schemas must exist. */
bool belay_lend_to_owners(belay_lend *lend, const belay_toc_entry *entries, size_t count, belay_error *err);
/* Twice does no harm. */
bool belay_lend_take_back(belay_lend *lend, belay_error *err);
void belay_lend_done(belay_lend *lend);
static inline void belay_lend_done_p(belay_lend *lend)
{
    belay_lend_done(lend);
}

#endif
