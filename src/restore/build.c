#include "restore/build.h"

#include "restore/build_verdict.h"
#include "restore/dispatch.h"
#include "restore/lend.h"
#include "restore/restore.sql.h"
#include "restore/watch.h"
#include "util/clock.h"
#include "util/crew.h"
#include "util/json.h"
#include "util/stop.h"

enum { TICK_MS = 100, CANCEL_AGAIN_MS = 500 };

typedef struct fill {
    const belay_build *build;
    belay_pg *pg;
    belay_restore_result *ret;
    belay_work work;
    belay_tasks tasks;
    belay_statistics *statistics; /* NULL: none are taken over */
    belay_dispatch dispatch;
    belay_team *team;
    belay_watch watch;
    size_t loading; /* tasks that stand before "loaded" */
    int64_t cancelled_ms;
    bool failed;
    belay_error err; /* the first one */
} fill;

static const belay_list *role_map(const belay_build *b)
{
    return b->options->target == NULL ? NULL : &b->options->target->role_map;
}

/* Each worker may use an equal share of what the server shares among all of its sessions, which by custom is
 * a quarter of the machine's memory; at most 1 GB together; and never less than the server allows anyway. */
static bool share_memory(belay_pg *pg, size_t jobs, int64_t *ret_kib, belay_error *err)
{
    enum { MOST_KIB = 1024 * 1024, LEAST_KIB = 64 * 1024 };
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_maintenance_budget, &rows, err))
        return false;
    int64_t shared = belay_rows_int(rows, 0, 0);
    int64_t set = belay_rows_int(rows, 0, 1);
    int64_t share = (shared > MOST_KIB ? MOST_KIB : shared) / (int64_t)jobs;
    share = share < LEAST_KIB ? LEAST_KIB : share;
    *ret_kib = share < set ? set : share;
    return true;
}

static bool lock_slots(belay_pg *pg, int64_t *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_lock_slots, &rows, err))
        return false;
    *ret = belay_rows_int(rows, 0, 0);
    return true;
}

static void report(fill *f, bool finished)
{
    const belay_manifest *manifest = belay_archive_manifest(f->build->archive);
    const belay_task *at = belay_dispatch_item(&f->dispatch);
    uint64_t rows = atomic_load(&f->work.count.bytes);
    bool loaded = f->loading == 0;
    belay_progress progress = {.what = loaded ? "compare" : "restore",
        .total_bytes = manifest->raw_bytes,
        .done_bytes = loaded ? atomic_load(&f->work.compared.bytes) : rows,
        .done_rows = atomic_load(&f->work.count.rows),
        .done_items = f->dispatch.done,
        .total_items = f->tasks.count,
        .elapsed_ms = belay_now_ms() - f->build->started_ms,
        .finished = finished};
    if (at != NULL)
        progress.item = at->table != NULL ? at->table->name : at->entry != NULL ? at->entry->name : NULL;
    belay_report_progress(f->build->options->reporter, &progress);
}

static void warn(fill *f, const char *text)
{
    belay_say(f->build->options->reporter, BELAY_WARN, "%s", text);
    belay_list_add(&f->ret->warnings, text);
}

static void settle(fill *f, belay_task *task)
{
    if (belay_task_is_loading(task) && --f->loading == 0) {
        f->ret->seconds_load = (double)(belay_now_ms() - f->build->started_ms) / 1000.0;
        belay_report_stage(f->build->options->reporter, "restore", "loaded");
    }
    if (task->left_out)
        belay_list_add_owned(&f->work.left_out, belay_format("%ld", task->entry->id));
    bool compares = task->kind == BELAY_TASK_COMPARE || task->kind == BELAY_TASK_COMPARE_GENERATED;
    if (task->text != NULL && !compares)
        warn(f, task->text);
}

/* Deadlocks and lock timeouts with sessions of others, as of autovacuum: again, when nobody else works. */
static bool again_alone(fill *f, belay_job *job, const belay_error *err)
{
    if (err->code == BELAY_E_CANCELLED || belay_resume_is_cut(err) || !belay_ddl_is_outside(err))
        return false;
    if (job->count == 1 && job->tasks[0]->alone)
        return false;
    for (size_t i = 0; i < job->count; i++)
        job->tasks[i]->alone = true;
    belay_dispatch_put_back(&f->dispatch, job);
    return true;
}

/* Fewer workers take longer; without any there is no restore. */
static bool go_on_without(fill *f, const belay_team_answer *answer)
{
    size_t left = belay_team_size(f->team);
    if (!answer->not_begun || !belay_resume_is_crowded(&answer->err) || left == 0)
        return false;
    belay_say(f->build->options->reporter, BELAY_WARN, "going on with one worker less, %zu at most: %s", left,
        answer->err.message);
    belay_dispatch_put_back(&f->dispatch, answer->job);
    return true;
}

static void take_answer(fill *f, belay_team_answer *answer)
{
    belay_job *job = answer->job;
    if (answer->ok) {
        for (size_t i = 0; i < job->count; i++)
            settle(f, job->tasks[i]);
        belay_dispatch_done(&f->dispatch, job);
        return;
    }
    if (!f->failed && (go_on_without(f, answer) || again_alone(f, job, &answer->err)))
        return;
    if (!f->failed)
        f->err = answer->err;
    f->failed = true;
    belay_dispatch_drop(&f->dispatch, job);
}

/* What others do is for nothing; but after a cut connection they may go on to the end of what they have. */
static void cancel_others(fill *f)
{
    if (belay_resume_is_cut(&f->err) || belay_now_ms() - f->cancelled_ms < CANCEL_AGAIN_MS)
        return;
    atomic_store(&f->work.count.abort, true);
    f->cancelled_ms = belay_now_ms();
    belay_pg_queryp(f->pg, sql_cancel_workers, NULL, NULL, f->build->options->run_id);
}

static void give_jobs(fill *f)
{
    while (belay_team_busy(f->team) < belay_team_size(f->team)) {
        belay_job *job = belay_dispatch_next(&f->dispatch);
        if (job == NULL)
            return;
        belay_team_give(f->team, job);
    }
}

static void run_tasks(fill *f)
{
    for (;;) {
        belay_team_answer answer;
        if (!f->failed && !belay_stop_check(&f->err))
            f->failed = true;
        if (!f->failed)
            give_jobs(f);
        if (belay_team_busy(f->team) == 0)
            return;
        if (f->failed)
            cancel_others(f);
        if (belay_team_take(f->team, TICK_MS, &answer))
            take_answer(f, &answer);
        belay_watch_look(&f->watch, f->pg, f->build->options);
        report(f, false);
    }
}

static bool work_all(fill *f, size_t jobs, belay_error *err)
{
    belay_team_task task = belay_work_team;
    task.context = &f->work;
    f->team = belay_team_new(&task, jobs, err);
    if (f->team == NULL)
        return false;
    run_tasks(f);
    belay_team_free(belay_take(f->team));
    if (!f->failed && belay_schedule_open(f->tasks.schedule) > 0)
        return belay_fail(err, BELAY_E_INTERNAL, "parts of the restore wait for each other");
    if (f->failed && err != NULL)
        *err = f->err;
    return !f->failed;
}

/* Without marks it is the caller, and its journal, that know: what they say has to outlast a crash of the
 * server. */
static bool drop_marks(fill *f, belay_error *err)
{
    const belay_restore_options *o = f->build->options;
    BELAY_AUTO(belay_free) char *drop = belay_marks_drop(o->run_id);
    if (!belay_pg_exec(f->pg, "SET synchronous_commit = on", err) ||
        !belay_record(o->recorder, BELAY_RECORD_INTENT, "restore.complete",
            json_pack("{s:s, s:o}", "dbname", o->dbname, "warnings", belay_json_of_list(&f->ret->warnings)),
            err))
        return false;
    *f->build->unmarks = true;
    return belay_pg_exec(f->pg, drop, err);
}

/* Their names, where an attempt before may have made some. */
static bool find_event_triggers(fill *f, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (f->build->resumed != BELAY_RESUMED_WHOLE)
        return true;
    if (!belay_pg_query0(f->pg, sql_event_triggers, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(ret, belay_rows_text(rows, i, 0));
    return true;
}

/* An event trigger must not fire on the restore itself: not on its own drop of the marks either. What is said
 * of one may be said again. */
static bool make_event_triggers(fill *f, belay_ddl *script, belay_error *err)
{
    const belay_toc *toc = f->build->toc;
    BELAY_AUTO(belay_list_done) belay_list there = {0};
    if (!find_event_triggers(f, &there, err))
        return false;
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        bool made = belay_equal(entry->type, "EVENT TRIGGER") && belay_list_has(&there, entry->name);
        if (belay_work_is_last(toc, entry) && !made && !belay_ddl_add(script, entry, err))
            return false;
    }
    return belay_ddl_flush(script, err);
}

static bool finish(fill *f, belay_ddl *script, belay_lend *lend, belay_error *err)
{
    bool whole = f->build->resumed == BELAY_RESUMED_WHOLE;
    return (whole || (belay_lend_take_back(lend, err) && drop_marks(f, err))) &&
           make_event_triggers(f, script, err);
}

/* What the marks say is loaded is not loaded again: said, and kept in the journal. */
static bool tell_resumed(const fill *f, belay_error *err)
{
    const belay_restore_options *o = f->build->options;
    const belay_manifest *manifest = belay_archive_manifest(f->build->archive);
    size_t chunks = 0;
    if (f->build->resumed == BELAY_RESUMED_NOT)
        return true;
    for (size_t i = 0; i < manifest->table_count; i++)
        chunks += manifest->tables[i].chunk_count;
    size_t there = chunks - belay_tasks_chunks(&f->tasks);
    belay_say(o->reporter, BELAY_INFO,
        "going on with %s, which an earlier attempt has begun: %zu of %zu chunks of rows are in it",
        o->dbname, there, chunks);
    return belay_record(o->recorder, BELAY_RECORD_NOTE, "restore.resumed",
        json_pack("{s:s, s:I, s:I}", "dbname", o->dbname, "chunks_there", (json_int_t)there, "chunks",
            (json_int_t)chunks),
        err);
}

/* Those of the snapshot, where this server takes them over. */
static bool read_statistics(fill *f, belay_error *err)
{
    if (f->build->options->schema_only || !belay_statistics_wanted(f->pg))
        return true;
    return belay_statistics_read(f->build->archive, &f->statistics, err);
}

static bool prepare(fill *f, belay_marks *marks, belay_relations *relations, size_t jobs, belay_error *err)
{
    if (!read_statistics(f, err))
        return false;
    const belay_tasks_from from = {.archive = f->build->archive,
        .toc = f->build->toc,
        .relations = relations,
        .marks = marks,
        .jobs = jobs,
        .statistics = f->statistics,
        .empty = f->build->options->schema_only};
    int64_t slots = 0;
    f->work.relations = relations;
    f->work.marks = marks;
    f->work.statistics = f->statistics;
    if (!share_memory(f->pg, jobs, &f->work.maintenance_kib, err) || !lock_slots(f->pg, &slots, err) ||
        !belay_tasks_build(&from, &f->tasks, err))
        return false;
    f->loading = f->tasks.loading;
    atomic_store(&f->work.count.bytes,
        belay_archive_manifest(f->build->archive)->raw_bytes - belay_tasks_rows_bytes(&f->tasks));
    belay_dispatch_init(&f->dispatch, &f->tasks, jobs, belay_work_batch(slots / (int64_t)jobs));
    return tell_resumed(f, err);
}

static bool fill_with(fill *f, belay_marks *marks, belay_relations *relations, belay_error *err)
{
    const belay_build *b = f->build;
    const belay_toc *toc = b->toc;
    size_t jobs = belay_crew_size(b->options->target == NULL ? 0 : b->options->target->jobs);
    bool whole = b->resumed == BELAY_RESUMED_WHOLE;
    BELAY_AUTO(belay_ddl_done)
    belay_ddl script = {
        .role_map = role_map(b), .extensions = json_object_get(toc->header, "extensions"), .toc = toc};
    BELAY_AUTO(belay_lend_done)
    belay_lend lend = {.pg = f->pg, .role_map = role_map(b), .run_id = b->options->run_id};
    belay_marks_notes(marks, "lent ", &lend.back);
    belay_marks_notes(marks, "entry ", &f->ret->warnings);
    belay_marks_notes(marks, "valid ", &f->ret->warnings);
    return belay_relations_read(f->pg, relations, err) && prepare(f, marks, relations, jobs, err) &&
           belay_ddl_init(&script, f->pg, err) && belay_ddl_begin(&script, toc->post_prologue, err) &&
           (whole || belay_lend_to_owners(
                         &lend, toc->entries + toc->pre_count, toc->count - toc->pre_count, err)) &&
           work_all(f, jobs, err) && finish(f, &script, &lend, err) &&
           (b->options->schema_only || belay_build_verdict(b, &f->tasks, f->ret, err));
}

/* What an attempt before put there; with the marks its warnings are gone from the database. */
static void begin_result(const belay_build *build, belay_restore_result *ret)
{
    if (build->resumed != BELAY_RESUMED_WHOLE)
        belay_restore_result_done(ret);
    belay_compare_differences_done(&ret->differences);
    ret->differences = (belay_compare_differences){0};
}

static bool read_marks(const belay_build *build, belay_pg *pg, belay_marks **ret, belay_error *err)
{
    if (build->resumed != BELAY_RESUMED_WHOLE)
        return belay_marks_read(pg, build->options->run_id, ret, err);
    *ret = belay_marks_of_whole();
    return true;
}

bool belay_build_fill(const belay_build *build, belay_pg *pg, belay_restore_result *ret, belay_error *err)
{
    fill f = {.build = build, .pg = pg, .ret = ret};
    BELAY_AUTO(belay_marks_free) belay_marks *marks = NULL;
    belay_relations relations = {0};
    f.work = (belay_work){.options = build->options, .archive = build->archive, .toc = build->toc};
    begin_result(build, ret);
    bool ok = read_marks(build, pg, &marks, err) && fill_with(&f, marks, &relations, err);
    if (ok)
        report(&f, true);
    ret->rows = belay_archive_manifest(build->archive)->rows;
    ret->raw_bytes = belay_archive_manifest(build->archive)->raw_bytes;
    belay_dispatch_done_all(&f.dispatch);
    belay_tasks_done(&f.tasks);
    belay_watch_done(&f.watch);
    belay_statistics_free(f.statistics);
    belay_relations_done(&relations);
    belay_list_done(&f.work.left_out);
    return ok;
}
