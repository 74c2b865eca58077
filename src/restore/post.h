/* Runs the post-data section of a snapshot: indexes, constraints, triggers, ..., then materialized views,
 * ANALYZE, foreign keys, event triggers. A materialized view that finds another one empty is filled after it.
 *
 * A foreign key that the restored data violates is added NOT VALID and reported; where the server cannot have
 * it NOT VALID (partitioned tables before version 18), it is left out and reported, with what depends on it.
 */
#ifndef BELAY_RESTORE_POST_H
#define BELAY_RESTORE_POST_H

#include "report/reporter.h"
#include "restore/schedule.h"
#include "restore/script.h"

typedef struct belay_post_options {
    belay_reporter *reporter;
    bool empty; /* there are no rows: nothing is computed from them, and there is nothing to analyze */
} belay_post_options;

/* `script` stands in the data's database; warnings are added to ret_warnings. */
bool belay_restore_post(belay_ddl *script, const belay_toc *toc, const belay_post_options *options,
    belay_list *ret_warnings, belay_error *err);

#endif
