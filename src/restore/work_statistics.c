#include "restore/work_statistics.h"

#include "restore/restore.sql.h"
#include "restore/search_path.h"

static const belay_relation *relation_of(const belay_work *work, const belay_task *task)
{
    return &work->relations->items[task->relation];
}

/* Each partition has a task of its own where statistics are taken over: only the parent is analyzed then. */
static char *name_of(const belay_work *work, const belay_task *task)
{
    const belay_relation *r = relation_of(work, task);
    BELAY_AUTO(belay_free) char *name = belay_quote_qualified(r->schema, r->name);
    bool only = work->statistics != NULL && r->kind == 'p' && task->kind == BELAY_TASK_ANALYZE;
    return belay_format("%s%s", only ? "ONLY " : "", name);
}

/* "a"."b", "c"."d" of the job's tables. The caller frees. */
static char *names_of(const belay_work *work, const belay_job *job)
{
    belay_str names = BELAY_STR_MAX(SIZE_MAX / 2);
    for (size_t i = 0; i < job->count; i++) {
        BELAY_AUTO(belay_free) char *name = name_of(work, job->tasks[i]);
        belay_str_appendf(&names, "%s%s", i == 0 ? "" : ", ", name);
    }
    return belay_str_steal(&names);
}

/* Neither runs in a transaction, so the path is the session's for a while. */
static bool set_path(const belay_work *work, belay_pg *pg, bool source, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *path = source ? belay_search_path_sql(work->toc, false) : belay_strdup("SET search_path = ''");
    return belay_pg_exec(pg, path, err);
}

static bool give(belay_error *err, const belay_error *cause)
{
    if (err != NULL)
        *err = *cause;
    return false;
}

static void say(belay_task *task, char *text)
{
    free(task->text);
    task->text = text;
}

static bool maintain_each(
    const belay_work *work, belay_pg *pg, const belay_job *job, const char *command, belay_error *err)
{
    for (size_t i = 0; i < job->count; i++) {
        const belay_relation *r = relation_of(work, job->tasks[i]);
        belay_error fault = {0};
        BELAY_AUTO(belay_free) char *name = name_of(work, job->tasks[i]);
        if (belay_pg_execf(pg, &fault, "%s %s", command, name))
            continue;
        if (belay_ddl_is_outside(&fault))
            return give(err, &fault);
        say(job->tasks[i], belay_format("no statistics of %s.%s: %s", r->schema, r->name, fault.message));
    }
    return true;
}

/* An index may be on a function that leans on the source's search_path. */
static bool maintain(
    const belay_work *work, belay_pg *pg, const belay_job *job, const char *command, belay_error *err)
{
    BELAY_AUTO(belay_free) char *names = names_of(work, job);
    belay_error fault = {0};
    if (job->count == 0 || belay_pg_execf(pg, &fault, "%s %s", command, names))
        return true;
    if (belay_ddl_is_outside(&fault))
        return give(err, &fault);
    return set_path(work, pg, true, err) && maintain_each(work, pg, job, command, err) &&
           set_path(work, pg, false, err);
}

/* False with err: not only these statistics. *ret_taken is false where the server does not take them. */
static bool import(const belay_work *work, belay_pg *pg, belay_task *task, const char *lines, bool *ret_taken,
    belay_error *err)
{
    const belay_relation *r = relation_of(work, task);
    belay_error fault = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *answer = NULL;
    BELAY_AUTO(belay_free)
    char *version = belay_format("%d", belay_archive_manifest(work->archive)->server_version);
    BELAY_AUTO(belay_free) char *oid = belay_format("%u", r->oid);
    BELAY_AUTO(belay_free)
    char *rows = task->table == NULL || task->kind == BELAY_TASK_VACUUM /* which counted them */
                     ? NULL
                     : belay_format("%llu", (unsigned long long)task->table->rows);
    bool ok = belay_pg_queryp(pg, sql_import_statistics, &answer, &fault, lines, version, oid, rows,
        task->load.freeze ? "true" : "false");
    if (!ok && (belay_ddl_is_outside(&fault) || fault.sqlstate[0] == '\0'))
        return give(err, &fault);
    *ret_taken = ok && belay_rows_bool(answer, 0, 0);
    if (!*ret_taken)
        say(task, belay_format("the snapshot's statistics of %s.%s were not taken over, it was analyzed%s%s",
                      r->schema, r->name, ok ? "" : ": ", ok ? "" : fault.message));
    return true;
}

/* Drops from the job what has all its statistics. */
static bool leave_complete(belay_pg *pg, const belay_work *work, belay_job *job, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str oids = BELAY_STR_INIT;
    BELAY_AUTO(belay_rows_free) belay_rows *lacking = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < job->count; i++)
        belay_str_appendf(&oids, "%s%u", i == 0 ? "{" : ",", relation_of(work, job->tasks[i])->oid);
    belay_str_append(&oids, "}");
    if (job->count > 0 && !belay_pg_queryp(pg, sql_without_statistics, &lacking, err, belay_str_text(&oids)))
        return false;
    for (size_t i = 0; i < job->count; i++) {
        bool lacks = false;
        for (size_t row = 0; row < belay_rows_count(lacking) && !lacks; row++)
            lacks = belay_rows_int(lacking, row, 0) == relation_of(work, job->tasks[i])->oid;
        if (lacks)
            job->tasks[kept++] = job->tasks[i];
    }
    job->count = kept;
    return true;
}

static char *lines_of(const belay_work *work, const belay_task *task)
{
    const belay_relation *r = relation_of(work, task);
    return task->imports ? belay_statistics_of(work->statistics, r->schema, r->name) : NULL;
}

/* Nothing in the table or its indexes is dead, and nothing is to be cut off: only rows are frozen. */
static bool vacuum(const belay_work *work, belay_pg *pg, const belay_job *job, bool analyze, belay_error *err)
{
    return maintain(work, pg, job,
        analyze ? "VACUUM (FREEZE, ANALYZE, INDEX_CLEANUP off, TRUNCATE off)"
                : "VACUUM (FREEZE, INDEX_CLEANUP off, TRUNCATE off)",
        err);
}

static bool take_over(const belay_work *work, belay_pg *pg, const belay_job *job, belay_error *err)
{
    BELAY_AUTO(belay_free) belay_task **imported = belay_realloc_array(NULL, job->count, sizeof *imported);
    BELAY_AUTO(belay_free) belay_task **others = belay_realloc_array(NULL, job->count, sizeof *others);
    belay_job done = {.tasks = imported};
    belay_job rest = {.tasks = others};
    for (size_t i = 0; i < job->count; i++) {
        belay_task *task = job->tasks[i];
        bool taken = false;
        const belay_job own = {.tasks = &task, .count = 1};
        BELAY_AUTO(belay_free) char *lines = lines_of(work, task);
        bool vacuums = task->kind == BELAY_TASK_VACUUM;
        if (vacuums && !vacuum(work, pg, &own, lines == NULL, err))
            return false;
        if (lines != NULL && !import(work, pg, task, lines, &taken, err))
            return false;
        if (taken)
            done.tasks[done.count++] = task;
        else if (!vacuums || lines != NULL)
            rest.tasks[rest.count++] = task;
    }
    return leave_complete(pg, work, &done, err) && maintain(work, pg, &done, "ANALYZE", err) &&
           maintain(work, pg, &rest, "ANALYZE", err);
}

bool belay_work_statistics(belay_work *work, belay_pg *pg, const belay_job *job, belay_error *err)
{
    if (work->statistics != NULL)
        return take_over(work, pg, job, err);
    return job->tasks[0]->kind == BELAY_TASK_VACUUM ? vacuum(work, pg, job, true, err)
                                                    : maintain(work, pg, job, "ANALYZE", err);
}
