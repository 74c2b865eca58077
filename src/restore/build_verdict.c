#include "restore/build_verdict.h"

#include "restore/compare_parts.h"
#include "restore/restore.sql.h"
#include "util/clock.h"
#include "util/crew.h"
#include "util/stop.h"

/* Sums of a table's ranges, which stand side by side: sums know no order. */
static bool note_table(
    const belay_manifest *manifest, const belay_task *first, belay_compare_differences *to, belay_error *err)
{
    bool generated = first->kind == BELAY_TASK_COMPARE_GENERATED;
    belay_readback got = {0};
    const char *missing = NULL;
    for (size_t i = 0; i < first->parts; i++) {
        belay_readback_merge(&got, &first[i].got);
        missing = missing == NULL ? first[i].text : missing;
    }
    return belay_compare_note_table(manifest, first->table, generated, &got, missing, to, err);
}

static void note_objects(const belay_compare_differences *found, belay_compare_differences *to)
{
    for (size_t i = 0; i < found->texts.count; i++)
        belay_compare_note_difference(to, belay_strdup(found->texts.items[i]));
    to->count += found->count - found->texts.count;
}

static bool note_tasks(
    const belay_build *build, const belay_tasks *tasks, belay_compare_differences *to, belay_error *err)
{
    for (size_t i = 0; i < tasks->count; i++) {
        const belay_task *task = &tasks->items[i];
        bool rows = task->kind == BELAY_TASK_COMPARE || task->kind == BELAY_TASK_COMPARE_GENERATED;
        if (task->differences != NULL)
            note_objects(task->differences, to);
        if (rows && task->part == 0 && !note_table(belay_archive_manifest(build->archive), task, to, err))
            return false;
    }
    return true;
}

/* The sessions of the workers that have ended take a moment to be gone, and a limit may count them. */
static bool open_when_free(
    belay_dialer *dialer, const belay_pg_options *how, belay_pg **ret, belay_error *err)
{
    enum { MOST_MS = 5000, PAUSE_MS = 50 };
    int64_t end_ms = belay_now_ms() + MOST_MS;
    belay_error fault = {0};
    while (!belay_pg_open(dialer, how, ret, &fault)) {
        if (belay_resume_is_crowded(&fault) && belay_now_ms() < end_ms && !belay_stop_wait(PAUSE_MS))
            continue;
        if (err != NULL)
            *err = fault;
        return false;
    }
    return true;
}

static bool open_reader(const belay_build *build, bool waits, belay_pg **ret, belay_error *err)
{
    const belay_restore_options *o = build->options;
    const belay_pg_options how = {
        .dbname = o->dbname, .application_name = o->run_id, .profile = BELAY_PG_PINNED};
    return (waits ? open_when_free(o->dialer, &how, ret, err) : belay_pg_open(o->dialer, &how, ret, err)) &&
           belay_pg_exec(*ret, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

/* The workers have gone: at most as many connections as they had, and one that cannot be had is done
 * without. */
static bool open_readers(const belay_build *build, belay_comparison *c, belay_error *err)
{
    const belay_target *target = build->options->target;
    size_t jobs = belay_crew_size(target == NULL ? 0 : target->jobs);
    if (!open_reader(build, true, &c->pg, err))
        return false;
    while (c->helper_count + 1 < jobs && c->helper_count < BELAY_COUNT(c->helpers)) {
        if (!open_reader(build, false, &c->helpers[c->helper_count], NULL))
            break;
        c->helper_count++;
    }
    return true;
}

static void close_readers(belay_comparison *c)
{
    belay_pg_close(c->pg);
    for (size_t i = 0; i < BELAY_COUNT(c->helpers); i++)
        belay_pg_close(c->helpers[i]);
}

/* The hash holds until somebody changes the schema. What follows is the stamp, and nobody knows what triggers
 * do then. */
static bool note_schema(belay_comparison *c, belay_restore_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(c->pg, sql_reacts_to_stamp, &rows, err))
        return false;
    if (!belay_rows_bool(rows, 0, 0))
        memcpy(ret->schema_hash, c->schema_hash, sizeof ret->schema_hash);
    return true;
}

bool belay_build_verdict(
    const belay_build *build, const belay_tasks *tasks, belay_restore_result *ret, belay_error *err)
{
    const belay_restore_options *o = build->options;
    const belay_compare_options how = {
        .restored = true, .role_map = o->target == NULL ? NULL : &o->target->role_map};
    belay_comparison c = {.options = &how,
        .archive = build->archive,
        .manifest = belay_archive_manifest(build->archive),
        .ret = &ret->differences};
    bool ok = open_readers(build, &c, err) && belay_compare_schema(&c, err) &&
              belay_compare_sequences(&c, err) && note_schema(&c, ret, err) &&
              belay_pg_exec(c.pg, "COMMIT", err) && note_tasks(build, tasks, &ret->differences, err);
    close_readers(&c);
    ret->seconds_compare = (double)(belay_now_ms() - build->started_ms) / 1000.0 - ret->seconds_load;
    return ok;
}
