#include "restore/work.h"

#include "restore/entry_sql.h"
#include "restore/restore.sql.h"
#include "restore/search_path.h"
#include "restore/subscriptions.h"
#include "restore/work_compare.h"
#include "restore/work_keys.h"
#include "restore/work_statistics.h"
#include "restore/work_views.h"
#include "util/stop.h"

/* A statement leaves client_encoding as its section or its rows need it. */
typedef enum worker_mode { MODE_NONE, MODE_ROWS, MODE_STATEMENTS } worker_mode;

typedef struct belay_worker worker;
typedef bool work_function(worker *w, const belay_job *job, belay_error *err);

struct belay_worker {
    belay_work *work;
    belay_pg *pg;
    belay_ddl script;
    belay_loader loader;
    worker_mode mode;
    int parallel; /* max_parallel_maintenance_workers as it was set last */
};

static void end(void *context, void *own)
{
    (void)context;
    worker *w = own;
    belay_loader_done(&w->loader);
    belay_ddl_done(&w->script);
    belay_pg_close(w->pg);
    free(w);
}

static bool connect_worker(worker *w, belay_error *err)
{
    const belay_restore_options *o = w->work->options;
    const belay_pg_options how = {
        .dbname = o->dbname, .application_name = o->run_id, .profile = BELAY_PG_DATA};
    if (!belay_pg_open(o->dialer, &how, &w->pg, err))
        return false;
    w->loader.pg = w->pg;
    return belay_ddl_init(&w->script, w->pg, err) && belay_loader_init(&w->loader, err) &&
           belay_pg_execf(
               w->pg, err, "SET maintenance_work_mem = '%lldkB'", (long long)w->work->maintenance_kib);
}

static void *begin(void *context, belay_error *err)
{
    belay_work *work = context;
    worker *w = belay_alloc(sizeof *w);
    const belay_target *target = work->options->target;
    w->work = work;
    w->parallel = -1;
    w->script = (belay_ddl){.role_map = target == NULL ? NULL : &target->role_map,
        .extensions = json_object_get(work->toc->header, "extensions"),
        .run_id = work->options->run_id,
        .toc = work->toc};
    w->loader = (belay_loader){.archive = work->archive,
        .toc = work->toc,
        .run_id = work->options->run_id,
        .marks = work->marks,
        .count = &work->count};
    if (connect_worker(w, err))
        return w;
    end(context, w);
    return NULL;
}

static bool set_mode(worker *w, worker_mode mode, belay_error *err)
{
    if (w->mode == mode)
        return true;
    w->mode = mode;
    return mode == MODE_ROWS ? belay_loader_to_rows(&w->loader, err)
                             : belay_ddl_begin(&w->script, w->work->toc->post_prologue, err);
}

/* The server's own workers would take the cores from ours. */
static bool set_parallel(worker *w, bool all_cores, belay_error *err)
{
    int wanted = all_cores ? 1 : 0;
    if (w->parallel == wanted)
        return true;
    w->parallel = wanted;
    return belay_pg_exec(w->pg,
        all_cores ? "RESET max_parallel_maintenance_workers" : "SET max_parallel_maintenance_workers = 0",
        err);
}

static bool do_load(worker *w, const belay_job *job, belay_error *err)
{
    BELAY_AUTO(belay_free) belay_load_job *loads = belay_realloc_array(NULL, job->count, sizeof *loads);
    for (size_t i = 0; i < job->count; i++)
        loads[i] = job->tasks[i]->load;
    return belay_load_tables(&w->loader, loads, job->count, err);
}

static bool do_chunk(worker *w, const belay_job *job, belay_error *err)
{
    return belay_load_chunk(&w->loader, &job->tasks[0]->load, job->tasks[0]->part, err);
}

static bool do_objects(worker *w, const belay_job *job, belay_error *err)
{
    return belay_load_large_objects(&w->loader, job->tasks[0]->part, job->tasks[0]->parts, err);
}

static bool do_sequences(worker *w, const belay_job *job, belay_error *err)
{
    (void)job;
    w->mode = MODE_NONE;
    return belay_load_sequences(&w->loader, err);
}

static bool do_entries(worker *w, const belay_job *job, belay_error *err)
{
    for (size_t i = 0; i < job->count; i++) {
        if (!belay_ddl_add(&w->script, job->tasks[i]->entry, err))
            return false;
    }
    return belay_ddl_flush(&w->script, err);
}

static bool do_key_index(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_key_index(&w->script, job->tasks[0], err);
}

static bool do_key(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_key(&w->script, job->tasks[0], err);
}

static bool do_foreign_keys(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_foreign_keys(&w->script, w->work->relations, job->tasks, job->count, err);
}

static bool do_leaf_keys(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_leaf_keys(&w->script, w->work->relations, job->tasks[0], err);
}

static bool do_validate(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_validate(&w->script, w->work->relations, job->tasks[0], err);
}

static bool is_done(const worker *w, const belay_toc_entry *entry)
{
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
    return belay_marks_find(w->work->marks, key) != NULL;
}

/* All entries that `wanted` takes, in the snapshot's order. */
static bool run_entries(
    worker *w, bool (*wanted)(const belay_work *work, const belay_toc_entry *entry), belay_error *err)
{
    const belay_toc *toc = w->work->toc;
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (wanted(w->work, entry) && !is_done(w, entry) &&
            (!belay_stop_check(err) || !belay_ddl_add(&w->script, entry, err)))
            return false;
    }
    return belay_ddl_flush(&w->script, err);
}

static bool is_attach(const belay_work *work, const belay_toc_entry *entry)
{
    (void)work;
    return belay_equal(entry->type, "INDEX ATTACH");
}

static bool is_rest(const belay_work *work, const belay_toc_entry *entry)
{
    return belay_work_is_rest(work->toc, entry) && !belay_work_is_left_out(work, entry);
}

static bool do_attach(worker *w, const belay_job *job, belay_error *err)
{
    (void)job;
    return run_entries(w, is_attach, err);
}

static bool do_rest(worker *w, const belay_job *job, belay_error *err)
{
    (void)job;
    return run_entries(w, is_rest, err);
}

static bool do_views(worker *w, const belay_job *job, belay_error *err)
{
    belay_task *task = job->tasks[0];
    free(task->text);
    task->text = NULL;
    return w->work->options->schema_only ||
           belay_work_views(&w->script, w->work->toc, w->work->marks, &task->text, err);
}

static bool do_statistics(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_statistics(w->work, w->pg, job, err);
}

static bool do_compare(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_compare(w->work, w->pg, w->loader.plain_names, job, err);
}

static bool do_compare_objects(worker *w, const belay_job *job, belay_error *err)
{
    return belay_work_compare_objects(w->work, w->pg, job->tasks[0], err);
}

static const struct {
    work_function *run;
    worker_mode mode;
} kinds[BELAY_TASK_KINDS] = {
    [BELAY_TASK_LOAD] = {do_load, MODE_ROWS},
    [BELAY_TASK_CHUNK] = {do_chunk, MODE_ROWS},
    [BELAY_TASK_OBJECTS] = {do_objects, MODE_ROWS},
    [BELAY_TASK_SEQUENCES] = {do_sequences, MODE_ROWS},
    [BELAY_TASK_ENTRY] = {do_entries, MODE_STATEMENTS},
    [BELAY_TASK_KEY_INDEX] = {do_key_index, MODE_STATEMENTS},
    [BELAY_TASK_KEY] = {do_key, MODE_STATEMENTS},
    [BELAY_TASK_ATTACH] = {do_attach, MODE_STATEMENTS},
    [BELAY_TASK_LEAF_KEYS] = {do_leaf_keys, MODE_STATEMENTS},
    [BELAY_TASK_FOREIGN_KEY] = {do_foreign_keys, MODE_STATEMENTS},
    [BELAY_TASK_VALIDATE] = {do_validate, MODE_STATEMENTS},
    [BELAY_TASK_REST] = {do_rest, MODE_STATEMENTS},
    [BELAY_TASK_VIEWS] = {do_views, MODE_STATEMENTS},
    [BELAY_TASK_VACUUM] = {do_statistics, MODE_STATEMENTS},
    [BELAY_TASK_ANALYZE] = {do_statistics, MODE_STATEMENTS},
    [BELAY_TASK_COMPARE] = {do_compare, MODE_ROWS},
    [BELAY_TASK_COMPARE_GENERATED] = {do_compare, MODE_ROWS},
    [BELAY_TASK_COMPARE_OBJECTS] = {do_compare_objects, MODE_ROWS},
};

/* A statement that fails by itself is named already (restore/script.h); one whose connection is gone is told
 * by its task. */
static bool name_lost(const worker *w, const belay_job *job, belay_error *err)
{
    const belay_task *task = job->tasks[0];
    if (err == NULL || err->code != BELAY_E_CONNECTION_LOST)
        return false;
    if (task->entry != NULL) {
        BELAY_AUTO(belay_free) char *label = belay_toc_label(task->entry);
        return belay_error_prefix(err, "making %s", label);
    }
    if (kinds[task->kind].mode != MODE_STATEMENTS || task->relation == BELAY_NO_RELATION)
        return false;
    const belay_relation *r = &w->work->relations->items[task->relation];
    return belay_error_prefix(err, "statistics of %s.%s", r->schema, r->name);
}

static bool work(void *context, void *own, void *given, belay_error *err)
{
    (void)context;
    worker *w = own;
    const belay_job *job = given;
    belay_task_kind kind = job->tasks[0]->kind;
    bool ok = belay_stop_check(err) && set_mode(w, kinds[kind].mode, err) &&
              set_parallel(w, job->may_use_all_cores, err) && kinds[kind].run(w, job, err);
    if (!ok && belay_pg_in_transaction(w->pg))
        belay_pg_exec(w->pg, "ROLLBACK", NULL);
    return ok || name_lost(w, job, err);
}

const belay_team_task belay_work_team = {.begin = begin, .work = work, .end = end};

bool belay_work_is_left_out(const belay_work *work, const belay_toc_entry *entry)
{
    for (size_t i = 0; work->left_out.count > 0 && i < entry->depends_count; i++) {
        BELAY_AUTO(belay_free) char *id = belay_format("%ld", entry->depends[i]);
        if (belay_list_has(&work->left_out, id))
            return true;
    }
    return false;
}

bool belay_work_is_last(const belay_toc *toc, const belay_toc_entry *entry)
{
    if (belay_equal(entry->type, "EVENT TRIGGER"))
        return true;
    /* Event triggers are few, and stand at the end. */
    for (size_t e = toc->count; entry->depends_count > 0 && e > toc->pre_count; e--) {
        const belay_toc_entry *other = &toc->entries[e - 1];
        for (size_t i = 0; belay_equal(other->type, "EVENT TRIGGER") && i < entry->depends_count; i++) {
            if (other->id == entry->depends[i])
                return true;
        }
    }
    return false;
}

bool belay_work_is_rest(const belay_toc *toc, const belay_toc_entry *entry)
{
    static const char *const others[] = {"INDEX", "CONSTRAINT", "STATISTICS", "FK CONSTRAINT", "INDEX ATTACH",
        "MATERIALIZED VIEW DATA", "EVENT TRIGGER"};
    for (size_t i = 0; i < BELAY_COUNT(others); i++) {
        if (belay_equal(entry->type, others[i]))
            return false;
    }
    return !belay_work_is_last(toc, entry) && !belay_subscriptions_own(entry);
}

size_t belay_work_batch(int64_t lock_slots)
{
    enum { LOCKS_PER_TASK = 8, MOST = 200 };
    int64_t tasks = lock_slots / 4 / LOCKS_PER_TASK;
    return tasks < 1 ? 1 : tasks > MOST ? MOST : (size_t)tasks;
}
