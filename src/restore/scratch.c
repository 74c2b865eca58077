#include "restore/scratch.h"

#include "gate/gate.h"
#include "restore/restore.sql.h"
#include "util/stop.h"

/* Sessions of a run carry its id as application_name; the database's name has the id's random part. */
static bool run_lives(belay_pg *maintenance, const char *run, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *answer = NULL;
    if (!belay_pg_value(maintenance, sql_run_lives, (const char *const[]){run}, 1, &answer, err))
        return false;
    *ret = answer != NULL && belay_equal(answer, "t");
    return true;
}

static bool sweep_one(
    belay_pg *maintenance, const belay_gate_database *one, belay_reporter *reporter, belay_error *err)
{
    bool lives = true;
    belay_error fault = {0};
    if (one->run == NULL || !belay_equal(one->kind, "scratch"))
        return true;
    if (!run_lives(maintenance, one->run, &lives, err))
        return false;
    if (lives)
        return true;
    if (belay_gate_drop_own(maintenance, one->name, &fault))
        belay_say(reporter, BELAY_NOTICE, "dropped %s, which a run that was killed left behind", one->name);
    else
        belay_say(reporter, BELAY_WARN,
            "%s, which a run that was killed left behind, could not be dropped: %s", one->name,
            fault.message);
    return true;
}

bool belay_scratch_sweep(
    belay_pg *maintenance, const char *dbname, belay_reporter *reporter, belay_error *err)
{
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    if (!belay_gate_find(maintenance, dbname, &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        if (!sweep_one(maintenance, &found.items[i], reporter, err))
            return false;
    }
    return true;
}

bool belay_scratch_drop(const belay_restore_options *how, belay_error *err)
{
    belay_stop_mask(true);
    bool ok = belay_gate_drop_own(how->maintenance, how->dbname, err);
    belay_stop_mask(false);
    return ok;
}
