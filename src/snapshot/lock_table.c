/* Is the server's lock table large enough? Asked before a run, and again by the snapshot itself. */
#include "snapshot/parts.h"
#include "snapshot/plan.sql.h"

/* Each relation takes a slot of the server's lock table, which all sessions share. That has room for two
 * holders of each lock: belay and pg_dump, which also keeps the locks of the catalogues that it reads, and of
 * their indexes. */
enum { CATALOGUE_LOCKS = 150 };

bool belay_lock_table_check(belay_pg *pg, size_t relations, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_plan_lock_slots, &rows, err))
        return false;
    uint64_t per_session = (uint64_t)belay_rows_int(rows, 0, 0);
    uint64_t sessions = (uint64_t)belay_rows_int(rows, 0, 1);
    uint64_t needed = (uint64_t)relations + CATALOGUE_LOCKS;
    if (needed <= per_session * sessions)
        return true;
    uint64_t room = per_session * sessions;
    room = room > CATALOGUE_LOCKS ? room - CATALOGUE_LOCKS : 0;
    belay_fail(err, BELAY_E_PREFLIGHT,
        "the snapshot has to lock %zu tables, the server's lock table has room for about %llu", relations,
        (unsigned long long)room);
    return belay_error_hint(err,
        "set max_locks_per_transaction = %llu (it is %llu) in postgresql.conf and restart the server",
        (unsigned long long)((needed * 9 / 8) / sessions + 1), (unsigned long long)per_session);
}

bool belay_snapshot_check_lock_table(belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *relations = NULL;
    return belay_pg_query0(pg, sql_plan_relations, &relations, err) &&
           belay_lock_table_check(pg, belay_rows_count(relations), err);
}
