/* The version table (Alembic's: one row per head, column version_num varchar(32)) and belay's ledger (schema
 * "belay").
 *
 * Reads work without either table. Writes happen inside of the caller's transaction unless said otherwise.
 */
#ifndef BELAY_MIGRATE_VERSION_H
#define BELAY_MIGRATE_VERSION_H

#include <stdbool.h>

#include "pg/pg.h"
#include "revision/revision.h"
#include "util/str.h"

typedef struct belay_version_table {
    const char *schema; /* NULL: found on, or created in, the first schema of the search_path (connection of
                           profile USER) */
    const char *name;   /* "alembic_version" */
} belay_version_table;

/* Version rows, sorted; none when there is no table. The connection's profile must be USER when schema is
 * NULL. */
bool belay_version_read(
    belay_pg *pg, const belay_version_table *table, belay_list *ret_heads, belay_error *err);
/* The table's schema.name, quoted where it has to be, NULL (true returned) when there is none. The caller
 * frees. */
bool belay_version_locate(belay_pg *pg, const belay_version_table *table, char **ret, belay_error *err);
/* Could version table and ledger be created, or written where they are? Changes nothing. BELAY_E_CONFIG or
 * BELAY_E_PERMISSION with what to type. */
bool belay_version_check(belay_pg *pg, const belay_version_table *table, belay_error *err);
/* Creates version table and ledger where missing (belay's own objects never count as a change by the run).
 * Own transaction. */
bool belay_version_prepare(belay_pg *pg, const belay_version_table *table, belay_error *err);
typedef struct belay_stamp {
    const char *const *heads;
    size_t head_count;
    const char *reason; /* "stamp", "restore" */
    const char *run_id;
    bool (*may_commit)(void *context, belay_error *err); /* as belay_apply's */
    void *may_commit_context;
    const char
        *schema_hash; /* of the database (pg/schema_hash.h), which no stamp changes; NULL: it is taken */
    bool sparing;     /* without heads, a database that has no version table is left as it is */
} belay_stamp;
/* Makes the version rows exactly `heads`, in one transaction of its own, with a ledger row that says why. */
bool belay_version_stamp(
    belay_pg *pg, const belay_version_table *table, const belay_stamp *what, belay_error *err);
/* Appends the CREATE TABLE that Alembic would send; `located` is quoted. */
void belay_version_create_sql(belay_str *to, const char *located, bool unless_there);
/* Appends the statements that take `step`'s rows out and put its rows in. */
void belay_version_step_sql(belay_str *to, const char *located, const belay_step *step);

typedef struct belay_ledger_row {
    const char *run_id;
    const char *reason;       /* upgrade, downgrade, stamp, restore */
    const char *revision;     /* NULL for stamps */
    const char *const *heads; /* version rows afterwards */
    size_t head_count;
    const char *upgrade_sha256, *downgrade_sha256, *file_sha256; /* NULL or "": unknown */
    long long statements, duration_ms;                           /* -1: unknown */
} belay_ledger_row;
/* Appends the INSERT of a ledger row. */
void belay_ledger_row_sql(belay_str *to, const belay_ledger_row *row);

/* Checks the applied files against the ledger: an upgrade section edited after it was applied
 * (BELAY_E_APPLIED_EDITED), a file deleted (BELAY_E_APPLIED_DELETED); warnings (edited downgrade or comment)
 * go to ret_warnings. Revisions without a ledger row (applied by Alembic) pass. */
bool belay_ledger_check(belay_pg *pg, const belay_graph *graph, const belay_list *heads,
    belay_list *ret_warnings, belay_error *err);
/* Number of steps that the run committed to the ledger of this database; 0 without a ledger. */
bool belay_ledger_count_run(belay_pg *pg, const char *run_id, int64_t *ret_count, belay_error *err);
/* Number of statements that the run committed (or may have) in steps without a transaction that are not
 * finished: half-done steps, which no downgrade section can undo. 0 without a ledger. */
bool belay_progress_count_run(belay_pg *pg, const char *run_id, int64_t *ret_count, belay_error *err);
/* The revisions without a transaction that were begun and not finished, in one text the caller frees; NULL
 * when there are none. */
bool belay_progress_begun(belay_pg *pg, char **ret, belay_error *err);
/* Of a run that is known to have changed nothing: its statements count as never begun. */
bool belay_progress_forget_run(belay_pg *pg, const char *run_id, belay_error *err);
/* Did the schema change since belay recorded it? False also when nothing is recorded for the version rows
 * `heads` (another program moved the database, or an older belay). */
bool belay_ledger_drifted(belay_pg *pg, const belay_list *heads, bool *ret, belay_error *err);
/* Writes the schema's hash into the newest ledger row: `known_hash`, or the present one where that is NULL;
 * own transaction. */
bool belay_ledger_note_schema(belay_pg *pg, const char *known_hash, belay_error *err);

#endif
