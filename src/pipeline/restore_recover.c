#include "pipeline/restore_recover.h"

#include "pipeline/back.h"
#include "pipeline/deploy.h"
#include "pipeline/followers.h"
#include "pipeline/restore_run.h"
#include "util/stop.h"

json_t *belay_restore_begin_details(const belay_run *run, const char *revision)
{
    json_t *details = belay_run_begin_details(run);
    json_object_set_new(details, "restore",
        json_pack("{s:s, s:s?, s:s?, s:b, s:O?}", "snapshot", run->snapshot.id, "from", run->how.from,
            "revision", revision, "create_roles", run->how.create_roles, "state", run->state));
    return details;
}

/* The snapshot's, from where it is to where the run wanted to be; they must be those that the run had. */
static bool plan_migrations(belay_run *run, const json_t *begin, const char *revision, belay_error *err)
{
    const char *goal = run->to.count == 1 ? run->to.items[0] : revision;
    if (json_array_size(json_object_get(begin, "steps")) == 0)
        return true;
    if (goal == NULL ||
        !run->engine->plan(run->engine, &run->snapshot.revisions, goal, false, &run->plan, err))
        return false;
    json_t *now = belay_run_begin_details(run);
    bool same = json_equal(json_object_get(now, "steps"), json_object_get(begin, "steps"));
    json_decref(now);
    return same || belay_fail(err, BELAY_E_NOT_FOUND,
                       "the migrations above snapshot %s are not those that the run had", run->snapshot.id);
}

/* What the dead run knew of its snapshot. */
static bool take_up_snapshot(belay_run *run, const json_t *begin, belay_store **ret_store, belay_error *err)
{
    const json_t *restore = json_object_get(begin, "restore");
    const char *id = belay_json_text(restore, "snapshot");
    if (id == NULL)
        return belay_fail(err, BELAY_E_NOT_FOUND, "its journal does not say of which snapshot");
    run->how.from = belay_json_text(restore, "from");
    run->how.create_roles = json_is_true(json_object_get(restore, "create_roles"));
    json_t *state = json_object_get(restore, "state");
    run->state = json_is_object(state) ? json_incref(state) : NULL;
    if (run->how.from != NULL && run->how.open_from != NULL &&
        !run->how.open_from(run->how.open_from_context, run->how.from, ret_store, err))
        return false;
    run->how.from_store = *ret_store;
    return belay_restore_find(run, id, err);
}

static bool take_up(belay_run *run, const json_t *begin, belay_store **ret_store, belay_error *err)
{
    const char *revision = belay_json_text(json_object_get(begin, "restore"), "revision");
    return take_up_snapshot(run, begin, ret_store, err) && plan_migrations(run, begin, revision, err);
}

json_t *belay_restore_find_complete(const belay_run *run, const json_t *records)
{
    char name[BELAY_DBNAME_SIZE];
    json_t *found = NULL, *one;
    size_t i;
    belay_gate_name(run->dbname, "new", run->id, name);
    json_array_foreach((json_t *)(uintptr_t)records, i, one)
    {
        const char *dbname = belay_json_text(one, "dbname");
        bool own = dbname != NULL && belay_equal(dbname, name);
        if (own && belay_journal_is(one, "intent", "restore.complete"))
            found = one;
        if ((own && belay_journal_is(one, "intent", "restore.create")) ||
            belay_journal_is(one, "done", "restore"))
            found = NULL;
    }
    return json_incref(found);
}

static bool was_verified(const json_t *records)
{
    const json_t *stage = belay_journal_last(records, "stage", "build");
    const char *state = stage == NULL ? NULL : belay_json_text(stage, "state");
    return state != NULL && belay_equal(state, "ok");
}

/* Nothing of the migrations above the snapshot was begun. */
static bool is_at_snapshot(
    belay_run *run, const json_t *records, const char *name, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    if (!belay_run_connect(run, name, BELAY_PG_USER, &pg, err) ||
        !run->engine->heads(run->engine, pg, &heads, err))
        return false;
    *ret = belay_list_same(&heads, &run->snapshot.revisions) &&
           (run->plan.step_count == 0 || (run->engine->owns_transactions &&
                                             belay_journal_last(records, "intent", "statement") == NULL));
    return true;
}

/* What the journal says is loaded is that still, unless a crash of the server emptied unlogged tables or
 * sequences since (the marks are one of them, as long as they are there). */
static bool keeps_rows(belay_run *run, const char *name, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_free) char *unlogged = NULL;
    if (!belay_run_connect(run, name, BELAY_PG_PINNED, &pg, err) ||
        !belay_pg_value(pg,
            "SELECT 1 FROM pg_catalog.pg_class WHERE relkind IN ('r', 'S') AND relpersistence = 'u' LIMIT 1",
            NULL, 0, &unlogged, err))
        return false;
    *ret = unlogged == NULL;
    return true;
}

/* How far a database is that the journal says was loaded or verified. */
static bool find_stage(
    belay_run *run, const json_t *records, const char *name, belay_progress_made *ret, belay_error *err)
{
    bool keeps = false, at_snapshot = false;
    if (!keeps_rows(run, name, &keeps, err))
        return false;
    if (keeps && was_verified(records))
        *ret = BELAY_MADE_ALL;
    if (!keeps || was_verified(records))
        return true;
    if (!is_at_snapshot(run, records, name, &at_snapshot, err))
        return false;
    if (at_snapshot)
        *ret = BELAY_MADE_LOADED;
    return true;
}

/* A loaded database has no marks any more: it is the journal that knows of it. One that nobody can connect
 * to, as where a crash left its drop half-way, is made again. */
static bool find_made(
    belay_run *run, const json_t *records, const char *name, belay_progress_made *ret, belay_error *err)
{
    bool loaded = belay_journal_last(records, "done", "restore") != NULL &&
                  !belay_journal_open_intent(records, "restore");
    belay_error fault = {0};
    *ret = BELAY_MADE_PART;
    if ((!loaded && !was_verified(records)) || find_stage(run, records, name, ret, &fault) ||
        fault.code == BELAY_E_NO_DATABASE)
        return true;
    if (err != NULL)
        *err = fault;
    return false;
}

static bool end_untouched(belay_run *run, const char *name, belay_error *err)
{
    if (!belay_gate_drop(&run->gate, name, err))
        return false;
    belay_run_settle(run, BELAY_EFFECT_NONE);
    return true;
}

/* Its person may end it, as they might have ended the run itself. */
static void go_on(belay_run *run, const char *name)
{
    static const char *const stands[] = {[BELAY_MADE_PART] = "half-made",
        [BELAY_MADE_LOADED] = "loaded and compared already",
        [BELAY_MADE_ALL] = "finished, and only the swap is missing"};
    belay_say(run->how.reporter, BELAY_INFO, "going on with the restore of snapshot %s: %s is %s",
        run->snapshot.id, name, stands[run->made]);
    belay_stop_mask(false);
    belay_restore_work(run);
    belay_stop_mask(true);
}

static bool recover_with(belay_run *run, const json_t *records, belay_store **ret_store, belay_error *err)
{
    const json_t *begin = belay_journal_last(records, "begin", "run");
    char name[BELAY_DBNAME_SIZE];
    uint32_t oid = 0;
    belay_error why = {0};
    belay_gate_name(run->dbname, "new", run->id, name);
    if (!belay_gate_oid_of(belay_keeper_pg(run->keeper), name, &oid, err))
        return false;
    if (oid == 0 || run->how.keep)
        return end_untouched(run, name, err);
    bool known = take_up(run, begin, ret_store, &why);
    if (!known && why.code != BELAY_E_NOT_FOUND) {
        *err = why;
        return belay_error_hint(err, "mend that and type `belay recover` again; `belay recover --keep` drops "
                                     "the half-made database and keeps "
                                     "the present one");
    }
    if (!known) {
        belay_say(run->how.reporter, BELAY_WARN,
            "the restore cannot be gone on with: %s; dropping the half-made %s", why.message, name);
        return end_untouched(run, name, err);
    }
    if (!find_made(run, records, name, &run->made, err))
        return false;
    go_on(run, name);
    return true;
}

void belay_restore_recover_swapped(belay_run *run, const json_t *records)
{
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_error err = {0};
    if (!take_up_snapshot(run, belay_journal_last(records, "begin", "run"), &store, &err))
        belay_say(run->how.reporter, BELAY_WARN, "which subscriptions the snapshot has is not known: %s",
            err.message);
    belay_followers_after_swap(run, NULL);
    run->how.from_store = NULL;
}

bool belay_restore_recover(belay_run *run, const json_t *records, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    bool ok = recover_with(run, records, &store, err);
    run->how.from_store = NULL;
    return ok;
}
