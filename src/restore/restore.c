#include "restore/restore.h"

#include "gate/gate.h"
#include "pg/dbstate.h"
#include "restore/check.h"
#include "restore/lend.h"
#include "restore/load.h"
#include "restore/make_roles.h"
#include "restore/post.h"
#include "restore/roles.h"
#include "util/clock.h"
#include "util/stop.h"

void belay_restore_result_done(belay_restore_result *result)
{
    belay_list_done(&result->warnings);
}

/* What the steps of one restore share. */
typedef struct restore {
    const belay_restore_options *options;
    belay_archive *archive;
    const belay_toc *toc;
    belay_restore_result *ret;
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

/* The number of the entry after the last schema, and of the first that grants: between them owners are made.
 */
static void find_owned(const belay_toc *toc, size_t *ret_first, size_t *ret_end)
{
    *ret_first = 0;
    *ret_end = toc->pre_count;
    for (size_t i = 0; i < toc->pre_count; i++) {
        if (belay_equal(toc->entries[i].type, "SCHEMA"))
            *ret_first = i + 1;
        if (*ret_end == toc->pre_count && belay_equal(toc->entries[i].type, "ACL"))
            *ret_end = i;
    }
}

static bool run_pre_data(const restore *r, belay_ddl *script, belay_lend *lend, belay_error *err)
{
    belay_say(r->options->reporter, BELAY_DEBUG, "restoring %zu objects", r->toc->pre_count);
    size_t first, end;
    find_owned(r->toc, &first, &end);
    if (!belay_ddl_begin(script, r->toc->pre_prologue, err))
        return false;
    for (size_t i = 0; i < r->toc->pre_count; i++) {
        if ((i == first && !(belay_ddl_flush(script, err) &&
                               belay_lend_to_owners(lend, r->toc->entries, r->toc->pre_count, err))) ||
            (i == end && !(belay_ddl_flush(script, err) && belay_lend_take_back(lend, err))) ||
            !belay_stop_check(err) || !belay_ddl_add(script, &r->toc->entries[i], err))
            return false;
    }
    return belay_ddl_flush(script, err) && belay_lend_take_back(lend, err);
}

static bool run_post_data(const restore *r, belay_ddl *script, belay_lend *lend, belay_error *err)
{
    const belay_toc *toc = r->toc;
    const belay_post_options how = {.reporter = r->options->reporter, .empty = r->options->schema_only};
    return belay_lend_to_owners(lend, toc->entries + toc->pre_count, toc->count - toc->pre_count, err) &&
           belay_restore_post(script, toc, &how, &r->ret->warnings, err) && belay_lend_take_back(lend, err);
}

/* Largest tables first, so that workers would end together. */
static belay_schedule *schedule_tables(const belay_manifest *manifest)
{
    belay_schedule *schedule = belay_schedule_new();
    for (size_t i = 0; i < manifest->table_count; i++)
        belay_schedule_add(schedule, 0, manifest->tables[i].raw_bytes);
    return schedule;
}

static bool load_tables(belay_loader *loader, belay_error *err)
{
    const belay_manifest *manifest = belay_archive_manifest(loader->archive);
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = schedule_tables(manifest);
    size_t number = 0;
    bool ok = belay_schedule_start(schedule, err);
    while (ok && belay_schedule_next(schedule, &number)) {
        ok = belay_load_table(loader, &manifest->tables[number], err);
        belay_schedule_done(schedule, number);
    }
    return ok;
}

static bool load(const restore *r, belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_loader_done)
    belay_loader loader = {.pg = pg, .archive = r->archive, .toc = r->toc, .reporter = r->options->reporter};
    bool ok = belay_loader_init(&loader, err) && load_tables(&loader, err) &&
              belay_load_large_objects(&loader, err) && belay_load_sequences(&loader, err);
    loader.progress.finished = true;
    belay_report_progress(loader.reporter, &loader.progress);
    r->ret->rows = loader.progress.done_rows;
    r->ret->raw_bytes = loader.progress.done_bytes;
    return ok;
}

static bool fill(const restore *r, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_ddl_done)
    belay_ddl script = {.role_map = role_map(r), .extensions = json_object_get(r->toc->header, "extensions")};
    const belay_pg_options how = {
        .dbname = r->options->dbname, .application_name = r->options->run_id, .profile = BELAY_PG_DATA};
    if (!belay_pg_open(r->options->dialer, &how, &pg, err))
        return false;
    BELAY_AUTO(belay_lend_done) belay_lend lend = {.pg = pg, .role_map = role_map(r)};
    return belay_ddl_init(&script, pg, err) && run_pre_data(r, &script, &lend, err) &&
           (r->options->schema_only || load(r, pg, err)) && run_post_data(r, &script, &lend, err);
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

/* The error that led here stays; a second Ctrl-C still ends the process. */
static void drop_half_made(const restore *r)
{
    belay_error fault = {0};
    belay_stop_mask(true);
    if (!belay_gate_drop_own(r->options->maintenance, r->options->dbname, &fault))
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
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    if (!r->options->create_roles)
        return true;
    belay_restore_wanted_roles(r->options, r->toc, &wanted);
    return belay_roles_make(r->options->maintenance, json_object_get(r->toc->header, "roles"), &wanted,
        role_map(r), r->options->reporter, err);
}

bool belay_restore_check(
    const belay_restore_options *options, belay_archive *archive, belay_check_report *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    if (!belay_toc_read(archive, &toc, err))
        return false;
    belay_restore_look(options, toc, true, ret);
    return true;
}

bool belay_restore_into(
    const belay_restore_options *options, belay_archive *archive, belay_restore_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    if (!belay_toc_read(archive, &toc, err))
        return false;
    const restore r = {options, archive, toc, ret};
    int64_t started_ms = belay_now_ms();
    if (!check(&r, err) || !make_roles(&r, err) || !create(&r, err))
        return false;
    if (!record(&r, BELAY_RECORD_DONE, err) || !fill(&r, err) || !apply_state(&r, err)) {
        drop_half_made(&r);
        return belay_error_prefix(err, "restoring into %s", options->dbname);
    }
    belay_report_stage(options->reporter, "restore", "loaded");
    ret->seconds_load = (double)(belay_now_ms() - started_ms) / 1000.0;
    return true;
}
