#include "restore/resume.h"

#include "restore/marks.h"
#include "restore/restore.sql.h"

static const char too_many_sessions[] = "53300";

bool belay_resume_is_cut(const belay_error *err)
{
    return err->code == BELAY_E_CONNECTION_LOST || err->code == BELAY_E_CONNECTION_REFUSED ||
           (err->code == BELAY_E_CONNECTION && !belay_resume_is_crowded(err));
}

bool belay_resume_is_crowded(const belay_error *err)
{
    return belay_equal(err->sqlstate, too_many_sessions);
}

static const belay_table *find_table(const belay_manifest *manifest, const char *schema, const char *name)
{
    for (size_t i = 0; i < manifest->table_count; i++) {
        const belay_table *table = &manifest->tables[i];
        if (belay_equal(table->schema, schema) && belay_equal(table->name, name))
            return table;
    }
    return NULL;
}

/* Can what the crash emptied be loaded again? *ret_why is NULL when it can. */
static bool look_at_unlogged(belay_pg *pg, const belay_manifest *manifest, char **ret_why, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_unlogged_tables, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows) && *ret_why == NULL; i++) {
        const char *schema = belay_rows_text(rows, i, 0);
        const char *name = belay_rows_text(rows, i, 1);
        const belay_table *table = find_table(manifest, schema, name);
        bool guarded = belay_rows_bool(rows, i, 2) && table != NULL && table->chunk_count > 0;
        if (guarded || (table != NULL && table->root_name != NULL))
            *ret_why = belay_format("the server crashed, which emptied the unlogged table %s.%s, and its "
                                    "rows cannot be put behind "
                                    "what was made of it",
                schema, name);
    }
    return true;
}

static bool settle_crash(const belay_restore_options *options, belay_pg *pg, const belay_manifest *manifest,
    char **ret_why, belay_error *err)
{
    if (!look_at_unlogged(pg, manifest, ret_why, err))
        return false;
    return *ret_why != NULL || belay_marks_settle_crash(pg, options->run_id, err);
}

/* A crash empties all unlogged tables at once. Sequences that are unlogged belong to such tables. */
static bool look_at_whole(belay_pg *pg, const belay_manifest *manifest, char **ret_why, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    bool kept = false, lost = false;
    if (!belay_pg_query0(pg, sql_unlogged_relations, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        const belay_table *table =
            find_table(manifest, belay_rows_text(rows, i, 0), belay_rows_text(rows, i, 1));
        kept = kept || (belay_rows_bool(rows, i, 2) && table != NULL && table->rows > 0);
        lost = lost || table == NULL || table->rows > 0;
    }
    if (lost && !kept)
        *ret_why =
            belay_strdup("it was complete, and a crash of the server may have emptied unlogged tables");
    return true;
}

static bool look(const belay_restore_options *options, belay_pg *pg, const belay_manifest *manifest,
    bool unmarks, belay_resumed *ret, char **ret_why, belay_error *err)
{
    BELAY_AUTO(belay_marks_free) belay_marks *marks = NULL;
    if (!belay_marks_read(pg, options->run_id, &marks, err))
        return false;
    *ret = BELAY_RESUMED_PART;
    if (marks == NULL && unmarks) {
        *ret = BELAY_RESUMED_WHOLE;
        return look_at_whole(pg, manifest, ret_why, err);
    }
    if (!belay_marks_are_of(marks, manifest->id == NULL ? "" : manifest->id)) {
        *ret_why = belay_strdup("it has no marks of this run's rows");
        return true;
    }
    return !belay_marks_saw_crash(marks) || settle_crash(options, pg, manifest, ret_why, err);
}

bool belay_resume(const belay_restore_options *options, belay_archive *archive, bool unmarks,
    belay_resumed *ret, belay_pg **ret_pg, char **ret_why, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = options->dbname, .application_name = options->run_id, .profile = BELAY_PG_DATA};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_error fault = {0};
    *ret_pg = NULL;
    *ret_why = NULL;
    if (!belay_pg_open(options->dialer, &how, &pg, &fault) ||
        !look(options, pg, belay_archive_manifest(archive), unmarks, ret, ret_why, &fault)) {
        if (belay_resume_is_cut(&fault) || fault.code == BELAY_E_CANCELLED) {
            if (err != NULL)
                *err = fault;
            return false;
        }
        *ret_why = belay_strdup(fault.message);
    }
    if (*ret_why == NULL)
        *ret_pg = belay_take(pg);
    else
        *ret = BELAY_RESUMED_NOT;
    return true;
}
