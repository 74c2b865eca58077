/* What interrupted CONCURRENTLY statements leave behind: invalid indexes, which the server would keep up to
 * date for nothing, and which stand in the way of a second attempt. */
#include "migrate/leftovers.h"

#include "migrate/native.sql.h"
#include "migrate/words.h"

static bool drop(belay_native_run *run, const char *index, belay_error *err)
{
    belay_say(
        run->how->reporter, BELAY_WARN, "dropping the invalid index %s that an earlier attempt left", index);
    BELAY_AUTO(belay_free) char *sql = belay_format("DROP INDEX CONCURRENTLY %s", index);
    belay_blocker_begin(run->blocker, run->session.pid);
    bool ok = belay_pg_run_user_sql(run->session.pg, sql, NULL, NULL, err);
    belay_blocker_end(run->blocker);
    return ok;
}

static bool clear_build(
    belay_native_run *run, const belay_index_build *build, bool *ret_built, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(run->session.pg, sql_index_state, &rows, err, build->table, build->index))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    *ret_built = belay_rows_bool(rows, 0, 0);
    return *ret_built || drop(run, belay_rows_text(rows, 0, 1), err);
}

static bool clear_reindex(belay_native_run *run, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(run->session.pg, sql_reindex_left, &rows, err, name))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        if (!drop(run, belay_rows_text(rows, i, 0), err))
            return false;
    }
    return true;
}

bool belay_leftovers_clear(
    belay_native_run *run, const char *sql, bool begun, bool *ret_built, belay_error *err)
{
    *ret_built = false;
    if (belay_pg_in_transaction(run->session.pg))
        return true;
    BELAY_AUTO(belay_index_build_done) belay_index_build build = {0};
    belay_sql_index_build(sql, &build);
    if (build.concurrent && build.index != NULL && build.table != NULL)
        return clear_build(run, &build, ret_built, err);
    BELAY_AUTO(belay_free) char *reindexed = begun ? belay_sql_reindexed(sql) : NULL;
    return reindexed == NULL || clear_reindex(run, reindexed, err);
}
