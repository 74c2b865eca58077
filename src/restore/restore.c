#include "restore/restore.h"
#include "restore/role_settings.h"

#include "gate/gate.h"
#include "pg/dbstate.h"
#include "restore/build.h"
#include "restore/check.h"
#include "restore/make_roles.h"
#include "restore/marks.h"
#include "restore/pre_data.h"
#include "restore/resume.h"
#include "restore/roles.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/stop.h"

void belay_restore_result_done(belay_restore_result *result)
{
    belay_list_done(&result->warnings);
    belay_compare_differences_done(&result->differences);
    *result = (belay_restore_result){0};
}

/* What the steps of one restore share. */
typedef struct restore {
    const belay_restore_options *options;
    belay_archive *archive;
    const belay_toc *toc;
    belay_restore_result *ret;
    int64_t started_ms;
    bool created;    /* there is a half-made database of ours, perhaps */
    bool seen;       /* there was one */
    bool unmarks;    /* all was loaded, and its marks' drop was begun */
    int backend_pid; /* of the maintenance connection, as it was held last */
} restore;

static const belay_list *role_map(const restore *r)
{
    return r->options->target == NULL ? NULL : &r->options->target->role_map;
}

static const json_t *state_of(const restore *r)
{
    return r->options->state != NULL ? r->options->state : json_object_get(r->toc->header, "database");
}

static json_t *details_of(const restore *r)
{
    return json_pack("{s:s, s:s}", "dbname", r->options->dbname, "snapshot",
        belay_archive_manifest(r->archive)->id == NULL ? "" : belay_archive_manifest(r->archive)->id);
}

static bool record(const restore *r, belay_record_kind kind, belay_error *err)
{
    return belay_record(r->options->recorder, kind, "restore.create", details_of(r), err);
}

/* False leaves no database behind: a name that exists already is not ours to drop. */
static bool create(const restore *r, belay_error *err)
{
    const belay_restore_options *o = r->options;
    return record(r, BELAY_RECORD_INTENT, err) &&
           belay_dbstate_create(o->maintenance, state_of(r), o->dbname, err);
}

/* The database with its schema section, and a mark that says so. */
static bool make_schema(const restore *r, belay_pg *pg, belay_error *err)
{
    const char *id = belay_archive_manifest(r->archive)->id;
    return belay_pre_data_make(r->options, r->toc, pg, err) &&
           belay_marks_create(pg, r->options->run_id, id == NULL ? "" : id, err);
}

static bool open_new(const restore *r, belay_pg **ret, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = r->options->dbname, .application_name = r->options->run_id, .profile = BELAY_PG_DATA};
    return belay_pg_open(r->options->dialer, &how, ret, err);
}

static bool apply_state(const restore *r, belay_error *err)
{
    if (!r->options->apply_dbstate)
        return true;
    json_t *state = belay_roles_map_state(state_of(r), r->options->state != NULL ? NULL : role_map(r));
    bool ok = belay_dbstate_apply(r->options->maintenance, state, r->options->dbname, err);
    json_decref(state);
    return ok;
}

static bool make(restore *r, belay_pg **ret_pg, belay_error *err)
{
    belay_error fault = {0};
    r->created = true; /* perhaps, when the answer is lost */
    r->unmarks = false;
    r->seen = create(r, &fault);
    if (r->seen)
        return record(r, BELAY_RECORD_DONE, err) && open_new(r, ret_pg, err) && make_schema(r, *ret_pg, err);
    r->created = belay_resume_is_cut(&fault);
    if (err != NULL)
        *err = fault;
    return false;
}

/* While the connection was lost so was the lock: somebody may have recovered the run. A scratch database is
 * nobody's but ours, and may have been swept. */
static bool may_make_again(const restore *r, belay_error *err)
{
    if (r->options->keeper == NULL || !r->seen)
        return true;
    belay_fail(err, BELAY_E_NEEDS_RECOVERY,
        "somebody dropped or renamed the half-made %s while the server was away", r->options->dbname);
    return belay_error_hint(err, "`belay recover` does that: `belay runs` shows what became of the run");
}

/* Of an attempt before, as far as the server has not noticed that they are alone. */
static bool end_orphans(const restore *r, belay_error *err)
{
    enum { ORPHANS_MS = 60 * 1000 };
    const belay_restore_options *o = r->options;
    return belay_gate_end_orphans(o->maintenance, o->dbname, o->run_id, ORPHANS_MS, err);
}

static bool begin(restore *r, belay_pg **ret_pg, belay_resumed *ret_resumed, belay_error *err)
{
    BELAY_AUTO(belay_free) char *why = NULL;
    const belay_restore_options *o = r->options;
    uint32_t oid = 0;
    *ret_resumed = BELAY_RESUMED_NOT;
    if (!r->created && !o->go_on)
        return make(r, ret_pg, err);
    if (!belay_gate_oid_of(o->maintenance, o->dbname, &oid, err))
        return false;
    if (oid == 0)
        return may_make_again(r, err) && make(r, ret_pg, err);
    if (!end_orphans(r, err) || !belay_resume(o, r->archive, r->unmarks, ret_resumed, ret_pg, &why, err))
        return false;
    r->created = r->seen = true;
    if (*ret_resumed != BELAY_RESUMED_NOT)
        return true;
    belay_say(o->reporter, BELAY_WARN, "beginning again: the half-made %s cannot be gone on with (%s)",
        o->dbname, why);
    return belay_gate_drop_own(o->maintenance, o->dbname, err) && make(r, ret_pg, err);
}

static bool attempt(restore *r, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_build build = {r->options, r->archive, r->toc, r->started_ms, BELAY_RESUMED_NOT, &r->unmarks};
    return begin(r, &pg, &build.resumed, err) &&
           (r->options->pre_data_only || belay_build_fill(&build, pg, r->ret, err)) && apply_state(r, err);
}

/* The maintenance connection, which is the run's lock or the scratch database's keeper, is there or there
 * again. */
static bool hold(restore *r, belay_error *err)
{
    const belay_restore_options *o = r->options;
    if (o->keeper != NULL)
        return belay_keeper_hold(o->keeper, err);
    if (belay_pg_is_alive(o->maintenance))
        return true;
    if (!belay_pg_reopen(o->maintenance, err) || !belay_keeper_end_lost(o->maintenance, r->backend_pid, err))
        return false;
    r->backend_pid = belay_pg_backend_pid(o->maintenance);
    return true;
}

/* It may be starting again after a crash. False when it does not come back, or when another run has the lock.
 */
static bool wait_for_server(restore *r, belay_error *err)
{
    enum { LONGEST_MS = 120 * 1000, FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 4000 };
    int64_t end_ms = belay_now_ms() + LONGEST_MS;
    belay_error fault = {0};
    for (int64_t pause_ms = FIRST_PAUSE_MS; belay_now_ms() < end_ms;) {
        if (belay_stop_wait(pause_ms))
            return belay_stop_check(err);
        if (hold(r, &fault))
            return true;
        if (!belay_resume_is_cut(&fault))
            break;
        pause_ms = pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause_ms * 2;
    }
    if (err != NULL)
        *err = fault;
    return false;
}

/* A cut connection, or a server that crashed, is no reason to begin anew. */
static bool attempts(restore *r, belay_error *err)
{
    enum { MOST_CUTS = 5 };
    for (int cuts = 0;; cuts++) {
        belay_error fault = {0};
        if (attempt(r, &fault))
            return true;
        bool again = belay_resume_is_cut(&fault) && cuts < MOST_CUTS && r->created;
        if (again)
            belay_say(r->options->reporter, BELAY_WARN,
                "%s; going on with what is missing, once the server answers", fault.message);
        if (!again || !wait_for_server(r, &fault)) {
            if (err != NULL)
                *err = fault;
            return false;
        }
    }
}

/* The error that led here stays; a second Ctrl-C still ends the process. */
static void drop_half_made(restore *r)
{
    belay_error fault = {0};
    belay_stop_mask(true);
    if (!hold(r, &fault) || !belay_gate_drop_own(r->options->maintenance, r->options->dbname, &fault))
        belay_say(r->options->reporter, BELAY_WARN, "the half-made database %s could not be dropped: %s",
            r->options->dbname, fault.message);
    belay_stop_mask(false);
}

static bool check(const restore *r, belay_error *err)
{
    if (!belay_gate_is_own_name(r->options->dbname))
        return belay_fail(err, BELAY_E_INTERNAL, "a restore goes into a database of belay's own, not into %s",
            r->options->dbname);
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_restore_look(r->options, r->toc, false, &report);
    return belay_check_report_require(&report, BELAY_E_PREFLIGHT, err);
}

static bool make_roles(const restore *r, belay_error *err)
{
    const json_t *recorded = json_object_get(r->toc->header, "roles");
    belay_pg *pg = r->options->maintenance;
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    belay_restore_wanted_roles(r->options, r->toc, &wanted);
    return (!r->options->create_roles ||
               belay_roles_make(pg, recorded, &wanted, role_map(r), r->options->reporter, err)) &&
           belay_role_settings_report(pg, recorded, &wanted, role_map(r), r->options->reporter, err);
}

bool belay_restore_check(
    const belay_restore_options *options, belay_archive *archive, belay_check_report *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    if (!belay_toc_read(archive, &toc, err))
        return belay_error_prefix(err, "snapshot %s", belay_archive_manifest(archive)->id);
    belay_restore_look(options, toc, true, ret);
    return true;
}

bool belay_restore_into(
    const belay_restore_options *options, belay_archive *archive, belay_restore_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    if (!belay_toc_read(archive, &toc, err))
        return false;
    restore r = {.options = options,
        .archive = archive,
        .toc = toc,
        .ret = ret,
        .started_ms = belay_now_ms(),
        .unmarks = options->complete != NULL,
        .backend_pid = belay_pg_backend_pid(options->maintenance)};
    belay_json_to_list(json_object_get(options->complete, "warnings"), &ret->warnings);
    if (!check(&r, err) || !make_roles(&r, err))
        return false;
    if (!attempts(&r, err)) {
        if (r.created)
            drop_half_made(&r);
        return belay_error_prefix(err, "restoring snapshot %s", belay_archive_manifest(archive)->id);
    }
    return true;
}

bool belay_restore_verdict(
    const belay_restore_options *options, const belay_restore_result *result, belay_error *err)
{
    const belay_compare_differences *differences = &result->differences;
    const char *dbname = options->dbname;
    if (differences->count == 0)
        return true;
    BELAY_AUTO(belay_free) char *texts = belay_list_join(&differences->texts, "; ");
    size_t more = differences->count - differences->texts.count;
    if (more == 0)
        return belay_fail(err, BELAY_E_COMPARE, "%s differs from the snapshot: %s", dbname, texts);
    return belay_fail(
        err, BELAY_E_COMPARE, "%s differs from the snapshot: %s; and %zu more", dbname, texts, more);
}
