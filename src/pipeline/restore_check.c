#include "pipeline/restore_check.h"

#include "pg/dbstate.h"
#include "pipeline/bring_subscriptions.h"
#include "preflight/preflight.h"
#include "restore/make_roles.h"
#include "restore/restore.h"
#include "restore/roles.h"
#include "restore/toc.h"

/* Rows of another target's database are in that one's encoding and order; all else stays as it is here. */
static json_t *mix_states(json_t *own, const json_t *theirs)
{
    static const char *const keys[] = {"encoding", "collate", "ctype", "provider", "locale", "icu_rules"};
    for (size_t i = 0; i < BELAY_COUNT(keys); i++) {
        json_t *value = json_object_get(theirs, keys[i]);
        json_object_set(own, keys[i], value == NULL ? json_null() : value);
    }
    return own;
}

/* *ret: owner, rights, settings and the rest as the new database will have them. */
static bool decide_state(belay_run *run, const json_t *header, json_t **ret, belay_error *err)
{
    const json_t *theirs = json_object_get(header, "database");
    if (run->how.from != NULL && run->gate_known) {
        if (!belay_dbstate_read(belay_keeper_pg(run->keeper), run->dbname, &run->state, err))
            return false;
        run->state = mix_states(run->state, theirs);
        *ret = json_incref(run->state);
    } else {
        *ret = belay_roles_map_state(theirs, &run->how.target->role_map);
    }
    return true;
}

/* A checkout that does not know the revisions can still restore, but not go on from there. */
static void look_at_revisions(const belay_run *run, belay_check_report *report)
{
    static const char name[] = "snapshot_revisions";
    belay_error err = {0};
    size_t before = report->count;
    const belay_graph *graph = run->engine->graph;
    if (graph != NULL && !belay_graph_check_known(graph, &run->snapshot.revisions, &err))
        belay_check_report_add_error(report, name, BELAY_WARNING, &err);
    belay_check_report_settle(report, name, before, run->how.reporter);
}

/* The state as far as it can be tried now: missing roles are created only once the restore was agreed to. */
static bool leave_missing_roles(belay_run *run, json_t **state, belay_error *err)
{
    json_t *present = NULL;
    if (!run->how.create_roles)
        return true;
    if (!belay_roles_present_state(belay_keeper_pg(run->keeper), *state, &present, err))
        return false;
    json_decref(*state);
    *state = present;
    return true;
}

static bool look_at_server(
    belay_run *run, const json_t *state, uint64_t bytes, belay_check_report *report, belay_error *err)
{
    /* Nothing follows a database that does not exist. */
    static const belay_followers nobody = {
        BELAY_FOLLOWERS_KEEP, BELAY_FOLLOWERS_KEEP, BELAY_FOLLOWERS_KEEP, {0}};
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!belay_run_connect(run, run->how.target->maintenance_db, BELAY_PG_USER, &pg, err))
        return false;
    const belay_preflight context = {.kind = BELAY_PREFLIGHT_RESTORE,
        .keeper = run->keeper,
        .pg = pg,
        .target = run->how.target,
        .run_id = run->id,
        .engine = run->engine,
        .state = state,
        .restored_bytes = bytes,
        .server_space_bytes = run->how.server_space_bytes,
        .reporter = run->how.reporter,
        .followers = run->gate_known ? &run->followers : &nobody,
        /* who is there is asked once nothing else refuses */
        .confirmed = run->how.yes || run->how.confirm != NULL};
    return belay_preflight_run(&context, report, err);
}

bool belay_restore_preflight(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    json_t *header = NULL, *state = NULL;
    belay_restore_options options = {.dialer = run->how.dialer,
        .maintenance = belay_keeper_pg(run->keeper),
        .dbname = "",
        .target = run->how.target,
        .apply_dbstate = true,
        .create_roles = run->how.create_roles,
        .subscribes = belay_subscriptions_wanted(run),
        .reporter = run->how.reporter};
    bool ok = belay_archive_open(belay_run_snapshot_store(run), run->snapshot.name, &archive, err) &&
              belay_header_read(archive, &header, err) && decide_state(run, header, &state, err) &&
              leave_missing_roles(run, &state, err);
    options.state = run->state;
    ok = ok && look_at_server(run, state, run->snapshot.raw_bytes, &report, err) &&
         belay_restore_check(&options, archive, &report, err);
    json_decref(header);
    json_decref(state);
    if (!ok)
        return false;
    look_at_revisions(run, &report);
    return belay_check_report_require(&report, BELAY_E_PREFLIGHT, err);
}
