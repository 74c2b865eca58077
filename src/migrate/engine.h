/* What applies migrations: the engine interface, and the native engine for SQL files.
 *
 * The pipeline knows engines only through this struct; an engine's constructor stands in a table by name
 * (engine.c). The native executor begins every transaction itself and refuses transaction control in files;
 * version row and ledger row commit with the step. Before each COMMIT of its own it records the transaction's
 * xid ("commit" intent, not synced where the ledger decides anyway).
 */
#ifndef BELAY_MIGRATE_ENGINE_H
#define BELAY_MIGRATE_ENGINE_H

#include <stdbool.h>

#include "config/target.h"
#include "migrate/version.h"
#include "pg/pg.h"
#include "report/recorder.h"
#include "report/reporter.h"
#include "revision/revision.h"

/* What became of the database, as far as the engine knows for sure. */
typedef enum belay_effect {
    BELAY_EFFECT_NONE,      /* every transaction is known to be aborted, or none was begun */
    BELAY_EFFECT_COMMITTED, /* something was committed */
    BELAY_EFFECT_UNKNOWN /* cannot be told here: a COMMIT without answer that pg_xact_status could not settle
                          */
} belay_effect;

typedef struct belay_apply {
    belay_dialer *dialer;
    const char *dbname; /* where to work: the private name while the gate is closed */
    const char *run_id; /* application_name of the work session, and in the ledger */
    const belay_target *target;
    belay_recorder *recorder; /* may be NULL */
    belay_reporter *reporter; /* may be NULL */
    /* Called right before each COMMIT (and each statement that commits by itself); false (with err) stops the
     * run: the keeper is gone. May be NULL. */
    bool (*may_commit)(void *context, belay_error *err);
    void *may_commit_context;
} belay_apply;

typedef struct belay_apply_result {
    belay_effect effect;
    size_t steps_done;     /* committed steps of the plan */
    belay_list done;       /* their revision ids, in order */
    char *failed_revision; /* NULL when all went well */
} belay_apply_result;
void belay_apply_result_done(belay_apply_result *result);

/* Every function is to be filled: nobody asks whether one is there. */
typedef struct belay_engine belay_engine;
struct belay_engine {
    const char *name;
    belay_graph *graph; /* of the SQL files; NULL: this engine has none */
    /* True when every transaction is the engine's own, so that `untouched` may be claimed. */
    bool owns_transactions;
    /* Current version rows and the steps to `to`; `downgrade` picks the direction. */
    bool (*heads)(belay_engine *self, belay_pg *pg, belay_list *ret, belay_error *err);
    bool (*plan)(belay_engine *self, const belay_list *heads, const char *to, bool downgrade, belay_plan *ret,
        belay_error *err);
    /* Reads what the plan would send, all of it: BELAY_E_MIGRATION_FILE for what this engine refuses to run.
     */
    bool (*check_plan)(belay_engine *self, const belay_plan *plan, belay_error *err);
    /* Could the engine write its records (version rows, ledger) there? Changes nothing. */
    bool (*check_records)(belay_engine *self, belay_pg *pg, belay_error *err);
    /* Drift and edited or deleted files; warnings into ret_warnings. */
    bool (*check)(belay_engine *self, belay_pg *pg, const belay_list *heads, belay_list *ret_warnings,
        belay_error *err);
    /* Runs the plan, and behind each upgrade step what checks it (the `verify` section), before the step is
     * recorded as reached; an answer of no fails the step. */
    bool (*apply)(belay_engine *self, const belay_apply *how, const belay_plan *plan, belay_apply_result *ret,
        belay_error *err);
    /* Runs the `verify` sections of these revisions, read-only and rolled back. An older revision's may speak
     * of what later ones changed, so only those of version rows must hold. */
    bool (*verify)(belay_engine *self, belay_pg *pg, const belay_list *revisions, belay_error *err);
    bool (*stamp)(belay_engine *self, belay_pg *pg, const belay_stamp *what, belay_error *err);
    void (*free)(belay_engine *self);
};

/* By the target's `engine`; loads the migration files. Unknown names are BELAY_E_CONFIG. */
bool belay_engine_open(const belay_target *target, belay_engine **ret, belay_error *err);
static inline void belay_engine_free(belay_engine *engine)
{
    if (engine != NULL)
        engine->free(engine);
}
BELAY_DEFINE_AUTO(belay_engine, belay_engine_free)
/* The version rows afterwards that the plan's upgrade steps put there. */
void belay_engine_reached(const belay_plan *plan, belay_list *ret);

#endif
