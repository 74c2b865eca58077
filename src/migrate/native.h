/* The native engine's executor. Internal to src/migrate.
 *
 *   group: consecutive steps in one transaction, each with its `verify` section
 *     --ok--> COMMIT in one trip with version and ledger rows
 *     --55P03, 40P01--> ROLLBACK, pause, again (a few times)
 *     --error--> ROLLBACK
 *
 * A `Transaction: no` step is a group by itself (statements.c).
 */
#ifndef BELAY_MIGRATE_NATIVE_H
#define BELAY_MIGRATE_NATIVE_H

#include "migrate/blocker.h"
#include "migrate/engine.h"
#include "migrate/script.h"
#include "migrate/session.h"

enum { BELAY_LOCK_ATTEMPTS = 5 };

typedef struct belay_native_step {
    const belay_step *step;
    belay_script script;
    long long statements;
    char upgrade_sha256[BELAY_SHA256_HEX_SIZE];
    char downgrade_sha256[BELAY_SHA256_HEX_SIZE];
    char file_sha256[BELAY_SHA256_HEX_SIZE];
} belay_native_step;

typedef struct belay_native_run {
    const belay_apply *how;
    const belay_plan *plan;
    belay_apply_result *result;
    belay_native_step *steps; /* as many as the plan has */
    belay_session session;
    belay_blocker *blocker;
    char *located;    /* version table, quoted */
    belay_list heads; /* version rows as they must be now */
} belay_native_run;

bool belay_native_apply(
    const belay_apply *how, const belay_plan *plan, belay_apply_result *ret, belay_error *err);

/* belay_engine.check_plan */
bool belay_native_check_plan(belay_engine *self, const belay_plan *plan, belay_error *err);
/* The `verify` sections of these revisions, each in a transaction of its own. */
bool belay_native_verify(
    const belay_graph *graph, belay_pg *pg, const belay_list *revisions, belay_error *err);

/* For statements.c */
bool belay_native_begin(belay_native_run *run, char **ret_xid, belay_error *err);
/* Appends version and ledger rows of the step and makes run->heads what they will be. */
void belay_native_step_sql(
    belay_native_run *run, const belay_native_step *step, int64_t duration_ms, belay_str *to);
/* belay_apply.may_commit */
bool belay_native_may_commit(const belay_native_run *run, belay_error *err);
/* Sends `sql` and COMMIT; settles a lost answer. */
bool belay_native_commit(
    belay_native_run *run, const char *sql, const char *xid, size_t first, size_t end, belay_error *err);
/* After a lock error: names the blocker in err, waits a moment; false when it was the last attempt. */
bool belay_native_lock_pause(belay_native_run *run, int attempt, belay_error *err);
/* The step's `verify` section, behind its last statement: in the step's transaction (`last`: of its steps),
 * or behind a step without one. */
bool belay_native_check_step(
    belay_native_run *run, const belay_native_step *step, bool last, belay_error *err);
bool belay_native_check_statements(belay_native_run *run, const belay_native_step *step, belay_error *err);
/* Statement hooks that keep the blocker's watcher informed; context is the run. */
bool belay_native_before(void *context, const belay_piece *statement, bool *ret_skip, belay_error *err);
/* A step without a transaction. */
bool belay_statements_apply(belay_native_run *run, size_t index, belay_error *err);

#endif
