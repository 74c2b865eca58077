/* Reading the ledger: were applied files edited or deleted, what did a run commit, did the schema drift. */

#include "migrate/version.h"
#include "migrate/version.sql.h"
#include "pg/schema_hash.h"
#include "util/file.h"

static bool ledger_exists(belay_pg *pg, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *found = NULL;
    if (!belay_pg_value(pg, sql_ledger_exists, NULL, 0, &found, err))
        return false;
    *ret = found != NULL;
    return true;
}

/* `sql` counts rows of one run; without belay's tables there are none. */
static bool count_run(belay_pg *pg, const char *sql, const char *run_id, int64_t *ret_count, belay_error *err)
{
    bool exists = false;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    *ret_count = 0;
    if (!ledger_exists(pg, &exists, err))
        return false;
    if (!exists)
        return true;
    if (!belay_pg_queryp(pg, sql, &rows, err, run_id))
        return false;
    *ret_count = belay_rows_int(rows, 0, 0);
    return true;
}

bool belay_ledger_count_run(belay_pg *pg, const char *run_id, int64_t *ret_count, belay_error *err)
{
    return count_run(pg, sql_ledger_count_run, run_id, ret_count, err);
}

bool belay_progress_count_run(belay_pg *pg, const char *run_id, int64_t *ret_count, belay_error *err)
{
    return count_run(pg, sql_progress_count_run, run_id, ret_count, err);
}

bool belay_progress_begun(belay_pg *pg, char **ret, belay_error *err)
{
    bool exists = false;
    *ret = NULL;
    return ledger_exists(pg, &exists, err) &&
           (!exists || belay_pg_value(pg, sql_progress_begun, NULL, 0, ret, err));
}

bool belay_progress_forget_run(belay_pg *pg, const char *run_id, belay_error *err)
{
    bool exists = false;
    return ledger_exists(pg, &exists, err) &&
           (!exists || belay_pg_queryp(pg, sql_progress_forget_run, NULL, err, run_id));
}

static bool check_file(const belay_revision *revision, const belay_rows *rows, size_t row,
    belay_list *ret_warnings, belay_error *err)
{
    char hex[BELAY_SHA256_HEX_SIZE];
    if (!belay_section_hash(revision, &revision->upgrade, hex, err))
        return false;
    if (!belay_rows_is_null(rows, row, 2) && !belay_equal(hex, belay_rows_text(rows, row, 2))) {
        belay_fail(err, BELAY_E_APPLIED_EDITED,
            "the upgrade section of %s was edited after it was applied: %s", revision->id,
            belay_path_base(revision->path));
        return belay_error_place(err, revision->path, revision->upgrade.line);
    }
    if (revision->downgrade.present && !belay_rows_is_null(rows, row, 3)) {
        if (!belay_section_hash(revision, &revision->downgrade, hex, err))
            return false;
        if (!belay_equal(hex, belay_rows_text(rows, row, 3))) {
            belay_list_add_owned(
                ret_warnings, belay_format("%s: the downgrade section of %s was edited after it was applied",
                                  belay_path_base(revision->path), revision->id));
            return true;
        }
    }
    if (!belay_migration_file_hash(revision->path, hex, err))
        return false;
    if (!belay_rows_is_null(rows, row, 4) && !belay_equal(hex, belay_rows_text(rows, row, 4)))
        belay_list_add_owned(ret_warnings,
            belay_format("%s: %s was edited outside of its upgrade and downgrade after it was applied",
                belay_path_base(revision->path), revision->id));
    return true;
}

bool belay_ledger_check(belay_pg *pg, const belay_graph *graph, const belay_list *heads,
    belay_list *ret_warnings, belay_error *err)
{
    bool exists = false;
    BELAY_AUTO(belay_list_done) belay_list applied = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!ledger_exists(pg, &exists, err))
        return false;
    if (!exists)
        return true;
    if (!belay_pg_query0(pg, sql_ledger_applied, &rows, err) ||
        !belay_graph_applied(graph, heads, &applied, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        const char *id = belay_rows_text(rows, i, 0);
        const belay_revision *revision = belay_graph_find(graph, id);
        bool stands = belay_equal(belay_rows_text(rows, i, 1), "upgrade");
        /* A stamp may have left history behind on purpose (squashed files); what it left is not missed. */
        if (revision == NULL && stands && !belay_rows_bool(rows, i, 5)) {
            belay_fail(
                err, BELAY_E_APPLIED_DELETED, "revision %s was applied here, but its file is gone", id);
            return false;
        }
        if (revision != NULL && stands && belay_list_has(&applied, id) &&
            !check_file(revision, rows, i, ret_warnings, err))
            return false;
    }
    return true;
}

/* Describing a table takes a lock on it; whoever holds it for long must not hold up belay. */
static bool hash_soon(belay_pg *pg, char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    BELAY_AUTO(belay_free) char *before = NULL;
    if (!belay_pg_value(pg, sql_lock_timeout, NULL, 0, &before, err) ||
        !belay_pg_exec(pg, "SET lock_timeout = '1s'", err))
        return false;
    bool ok = belay_schema_hash(pg, hex, err);
    return belay_pg_execf(pg, ok ? err : NULL, "SET lock_timeout = '%s'", before) && ok;
}

bool belay_ledger_drifted(belay_pg *pg, const belay_list *heads, bool *ret, belay_error *err)
{
    bool exists = false;
    *ret = false;
    if (!ledger_exists(pg, &exists, err))
        return false;
    if (!exists)
        return true;
    BELAY_AUTO(belay_free) char *rows = belay_list_join(heads, ",");
    BELAY_AUTO(belay_free) char *recorded = NULL;
    char hex[BELAY_SHA256_HEX_SIZE];
    if (!belay_pg_value(pg, sql_ledger_last_schema, (const char *const[]){rows}, 1, &recorded, err))
        return false;
    if (recorded == NULL)
        return true;
    if (!hash_soon(pg, hex, err))
        return belay_error_prefix(err, "the schema cannot be compared with the recorded one");
    *ret = !belay_equal(hex, recorded);
    return true;
}

bool belay_ledger_note_schema(belay_pg *pg, const char *known_hash, belay_error *err)
{
    char hex[BELAY_SHA256_HEX_SIZE];
    if (known_hash == NULL && !hash_soon(pg, hex, err))
        return false;
    return belay_pg_queryp(pg, sql_ledger_set_schema, NULL, err, known_hash == NULL ? hex : known_hash);
}
