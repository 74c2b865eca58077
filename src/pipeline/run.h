/* A run: one pass of the pipeline over a target, from lock to outcome. It owns a journal.
 *
 *   (lock) -> plan -> begin -> stage, stage, ... -> succeeded
 *                               |
 *                               v stage fails
 *                            assess -> untouched | restored | downgraded | stopped | needs_recovery
 *
 * Stages are one table per verb (stages.c, restore_run.c, replace.c): name, what it does, what undoes it, and
 * whether `recover` runs it again to complete a run that died after it was verified. A run belongs to one
 * thread.
 */
#ifndef BELAY_PIPELINE_RUN_H
#define BELAY_PIPELINE_RUN_H

#include "config/target.h"
#include "gate/followers.h"
#include "gate/gate.h"
#include "gate/keeper.h"
#include "migrate/engine.h"
#include "pipeline/journal.h"
#include "pipeline/outcome.h"
#include "remote/log_file.h"
#include "report/reporter.h"
#include "snapshot/snapshot.h"
#include "store/store.h"
#include "util/clock.h"

typedef struct belay_run_options {
    const belay_target *target;
    belay_dialer *dialer;
    belay_store *store;
    belay_reporter *reporter;
    const char *verb;        /* "deploy", "restore" */
    const char *to;          /* deploy: identifier, default head */
    const char *from;        /* restore: the target whose snapshots are meant; NULL: its own */
    belay_store *from_store; /* where those are; NULL: in `store` */
    /* recover: opens the store of another target's snapshots; *ret stays NULL where that is `store` itself */
    bool (*open_from)(void *context, const char *target, belay_store **ret, belay_error *err);
    void *open_from_context;
    /* deploy: after pull_command: is the configuration still what `target` was made of? NULL: not asked */
    bool (*same_config)(void *context, belay_error *err);
    void *same_config_context;
    bool yes;                    /* the person, or the script, said yes */
    bool create_roles;           /* restore: those that the server lacks */
    bool accept_loss;            /* --accept-loss, beside the target's key */
    bool keep;                   /* recover --keep: a person decided to keep what stands */
    uint64_t server_space_bytes; /* free on the server, as declared; 0: not */
    belay_followers followers;   /* what the user said about them */
    /* Asks the person at the terminal, who has to type `answer`; NULL: nobody is there. */
    bool (*confirm)(void *context, const char *question, const char *answer);
    void *confirm_context;
} belay_run_options;

enum { BELAY_STAGES_MAX = 24 };

typedef struct belay_stage_time {
    const char *name;
    const char *outcome; /* "ok", "failed" */
    double seconds;
} belay_stage_time;

typedef enum belay_progress_made {
    BELAY_MADE_PART,
    BELAY_MADE_LOADED, /* and compared, but neither migrated nor verified */
    BELAY_MADE_ALL
} belay_progress_made;

typedef struct belay_run {
    belay_run_options how;
    char id[BELAY_RUN_ID_SIZE];
    const char *dbname;     /* public name */
    belay_journal *journal; /* NULL before begin */
    belay_keeper *keeper;
    belay_gate gate;
    bool gate_known;           /* gate was initialised: the database exists */
    bool app_stopped;          /* start_command is due */
    belay_followers followers; /* the run's own copy of what was said; for recover, from the begin record */
    belay_list disabled;       /* subscriptions that are to be enabled again */
    bool resumed;              /* they were, once: what they wrote since is in this database only */
    belay_engine *engine;
    bool recovers;            /* by `belay recover`, of a run that another process began */
    belay_progress_made made; /* recover of a restore: how far the new database is already */
    belay_list from, to;      /* version rows before and wanted */
    belay_plan plan;
    belay_snapshot_info snapshot;        /* .id NULL: none */
    char twin[BELAY_DBNAME_SIZE];        /* "" none */
    char replacement[BELAY_DBNAME_SIZE]; /* what the way back prepared, before the swap */
    char kept[BELAY_DBNAME_SIZE];
    json_t *state;                 /* restore from another target: what it is given (pg/dbstate.h) */
    json_t *complete;              /* recover: of a restore that had loaded all, the record of that */
    json_t *loss_before;           /* row counters of before the gate was open (pipeline/loss.h) */
    json_t *invalid_before;        /* indexes and constraints that were invalid before */
    bool migrating;                /* the migrate stage was entered */
    bool delivered;                /* migrated, verified and open: what fails now is no reason to go back */
    bool undecided;                /* stopped by policy: a person decides, the run stays unfinished */
    bool unhealthy;                /* migrated and verified, but the health check failed */
    bool restoring;                /* unhealthy, and the restore was agreed to */
    json_t *evidence;              /* what the database was before migrating (pipeline/evidence.h) */
    unsigned long sessions_before; /* of the dialer's count, when sessions_known */
    bool sessions_known;
    char *known_by; /* untouched: how that is known */
    belay_apply_result applied;
    belay_str output;          /* of commands, not yet in the store (pipeline/commands.h) */
    size_t output_room;        /* bytes that may follow */
    belay_log_mark *log_marks; /* of target->logs, before the application started; NULL: not looked at */
    belay_stage_time stages[BELAY_STAGES_MAX];
    size_t stage_count;
    belay_outcome outcome;
    belay_error error; /* what made it fail; code NONE otherwise */
} belay_run;

void belay_run_init(belay_run *run, const belay_run_options *how);
/* Frees; opens nothing, drops nothing. */
void belay_run_done(belay_run *run);
static inline void belay_run_done_p(belay_run *run)
{
    belay_run_done(run);
}

/* Takes the lock (wait_ms: how long to poll), or joins run `id`'s recovery under the same lock. */
bool belay_run_lock(belay_run *run, int64_t wait_ms, belay_error *err);
/* Opens the journal and writes the begin record. */
bool belay_run_begin(belay_run *run, json_t *details, belay_error *err);
/* The run's journal is open: should the lock be lost, and be had again, the run goes on only when nobody took
 * it over meanwhile. */
void belay_run_guard(belay_run *run);
/* Writes the end record and report.json, tells the outcome; returns the exit status. */
int belay_run_end(belay_run *run);
/* The answer of CONTRACT.md, new reference. */
json_t *belay_run_json(const belay_run *run);

typedef bool belay_stage_function(belay_run *run, belay_error *err);
typedef struct belay_stage {
    const char *name;
    belay_stage_function *run;
    bool (*wanted)(const belay_run *run); /* NULL: always */
    /* Takes back what `run` did outside of a transaction, or nothing when it did nothing: also of another
     * process, as far as the journal told. NULL: there is nothing to take back. */
    belay_stage_function *undo;
    bool completes; /* comes after the verdict, so that recover runs it again; doing it twice does no harm */
} belay_stage;
/* All of a table, until the first that fails. */
bool belay_run_stages(belay_run *run, const belay_stage *table, size_t count, belay_error *err);
/* The undo of every stage, the last first, until one fails. */
bool belay_run_undo(belay_run *run, const belay_stage *table, size_t count, belay_error *err);
/* The stages that complete a verified run. */
bool belay_run_complete(belay_run *run, const belay_stage *table, size_t count, belay_error *err);

/* The store that run->snapshot is in. */
static inline belay_store *belay_run_snapshot_store(const belay_run *run)
{
    return run->how.from_store != NULL ? run->how.from_store : run->how.store;
}

/* Where the target's database is now: its private name while the gate is closed. */
const char *belay_run_dbname(const belay_run *run);
/* A work connection to it; application_name is the run's id. */
bool belay_run_connect(
    belay_run *run, const char *dbname, belay_pg_profile profile, belay_pg **ret, belay_error *err);
belay_recorder *belay_run_recorder(belay_run *run);
/* The engine's apply in database `dbname`; the keeper has to agree to each COMMIT. */
bool belay_run_apply(
    belay_run *run, const char *dbname, const belay_plan *plan, belay_apply_result *ret, belay_error *err);
/* The server's system identifier; NULL when it cannot be read. The caller frees. */
char *belay_run_server(const belay_run *run);

#endif
