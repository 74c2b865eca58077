#include "pipeline/move_subscription.h"

#include "pipeline/followers.sql.h"

/* Without its slot's name nothing happens at the publisher. In one transaction: between two, the old one
 * would have forgotten which slot it had. */
static bool drop_local(belay_pg *pg, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(name);
    if (belay_pg_execf(pg, err,
            "BEGIN; ALTER SUBSCRIPTION %s DISABLE; ALTER SUBSCRIPTION %s SET (slot_name = NONE); "
            "DROP SUBSCRIPTION %s; COMMIT",
            quoted, quoted, quoted))
        return true;
    if (belay_pg_in_transaction(pg))
        belay_pg_exec(pg, "ROLLBACK", NULL);
    return false;
}

/* Its slot is the real one as soon as it is complete; what an earlier attempt left half-made goes. */
static bool is_moved(belay_pg *pg, const char *name, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_slot_of, &rows, err, name))
        return false;
    bool exists = belay_rows_count(rows) > 0;
    const char *slot = exists ? belay_rows_text(rows, 0, 0) : "";
    *ret = slot[0] != '\0' && !belay_starts_with(slot, "belay_moving_");
    return *ret || !exists || drop_local(pg, name, err);
}

static bool advance(belay_pg *pg, const char *name, const char *position, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_slot_of, &rows, err, name))
        return false;
    return position[0] == '\0' ||
           belay_pg_queryp(pg, sql_advance, NULL, err, belay_rows_text(rows, 0, 1), position);
}

/* It is enabled under the name of a slot that does not exist: REFRESH wants it enabled, and a worker that
 * streamed before the tables are registered would skip their rows for good. One that nobody has begun stays
 * so: with its tables registered, who begins it would get no copy of them. */
static bool make(
    belay_pg *pg, const char *name, const belay_rows *old, bool enabled, bool begun, belay_error *err)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(name);
    bool has_slot = !belay_rows_is_null(old, 0, 1);
    if (!belay_pg_exec(pg, belay_rows_text(old, 0, 3), err) ||
        !advance(pg, name, belay_rows_text(old, 0, 2), err))
        return false;
    if (!has_slot || (!enabled && !begun))
        return belay_pg_exec(pg, belay_rows_text(old, 0, 4), err) &&
               (!has_slot || belay_pg_exec(pg, belay_rows_text(old, 0, 5), err));
    return belay_pg_execf(pg, err, "ALTER SUBSCRIPTION %s ENABLE", quoted) &&
           belay_pg_execf(
               pg, err, "ALTER SUBSCRIPTION %s REFRESH PUBLICATION WITH (copy_data = false)", quoted) &&
           belay_pg_exec(pg, belay_rows_text(old, 0, 4), err) &&
           (enabled || belay_pg_execf(pg, err, "ALTER SUBSCRIPTION %s DISABLE", quoted)) &&
           belay_pg_exec(pg, belay_rows_text(old, 0, 5), err);
}

static bool has_tables(belay_pg *pg, const char *name, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_has_tables, &rows, err, name))
        return false;
    *ret = belay_rows_bool(rows, 0, 0);
    return true;
}

/* The kept database lets nobody in: it is opened for this, and closed again. `ret_begun` NULL: the
 * subscription is dropped; else it is only asked whether its tables were ever registered. */
static bool in_old(belay_run *run, const char *name, bool *ret_begun, belay_error *err)
{
    if (!belay_gate_allow(&run->gate, run->kept, true, err))
        return false;
    bool ok = false;
    {
        BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
        ok = belay_run_connect(run, run->kept, BELAY_PG_PINNED, &pg, err) &&
             (ret_begun == NULL ? drop_local(pg, name, err) : has_tables(pg, name, ret_begun, err));
    }
    return belay_gate_allow(&run->gate, run->kept, false, ok ? err : NULL) && ok;
}

static bool note(belay_run *run, belay_record_kind kind, const char *name, belay_error *err)
{
    return belay_record(belay_run_recorder(run), kind, "subscription.move",
        json_pack("{s:s, s:s}", "subscription", name, "from", run->kept), err);
}

bool belay_subscription_move(belay_run *run, const char *name, bool enabled, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *old = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    bool moved = false, begun = true;
    if (!belay_pg_queryp(belay_keeper_pg(run->keeper), sql_subscription, &old, err, run->kept, name))
        return false;
    if (belay_rows_count(old) == 0)
        return true;
    return note(run, BELAY_RECORD_INTENT, name, err) &&
           belay_run_connect(run, run->dbname, BELAY_PG_PINNED, &pg, err) &&
           is_moved(pg, name, &moved, err) && (enabled || moved || in_old(run, name, &begun, err)) &&
           (moved || make(pg, name, old, enabled, begun, err)) && in_old(run, name, NULL, err) &&
           note(run, BELAY_RECORD_DONE, name, err);
}
