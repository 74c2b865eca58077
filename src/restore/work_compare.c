#include "restore/work_compare.h"

#include "restore/compare_parts.h"
#include "restore/restore.sql.h"
#include "restore/search_path.h"
#include "util/stop.h"

static bool compare_one(belay_work *work, belay_pg *pg, bool plain_names, belay_task *task, belay_error *err)
{
    bool generated = task->kind == BELAY_TASK_COMPARE_GENERATED;
    const belay_table *table = task->table;
    BELAY_AUTO(belay_free) char *select = belay_readback_select(table, generated, plain_names);
    BELAY_AUTO(belay_free) char *path = belay_search_path_sql(work->toc, true);
    const belay_row_reader reader = {pg, "BEGIN READ ONLY;", path};
    const belay_readback_part part = {.select = select,
        .filter = table->filter,
        .format = table->format,
        .oid = task->parts == 1 ? 0 : work->relations->items[task->relation].oid,
        .part = task->part,
        .parts = task->parts,
        .pages = task->pages};
    free(belay_take(task->text));
    if (!belay_readback_read(&reader, &part, &task->got, &task->text, err))
        return belay_error_prefix(err, "table %s.%s: reading it back", table->schema, table->name);
    atomic_fetch_add(&work->compared.bytes, generated ? 0 : task->got.bytes);
    return true;
}

/* 0: it is not asked about, but read. */
static uint32_t oid_if_empty(const belay_work *work, const belay_task *task)
{
    if (task->table->rows > 0 || task->table->root_name != NULL || task->relation == BELAY_NO_RELATION)
        return 0;
    const belay_relation *relation = &work->relations->items[task->relation];
    return relation->heap && relation->kind == 'r' ? relation->oid : 0;
}

/* Of tables that should be empty. One round trip for the job, where reading them takes one for each. The
 * caller frees. */
static bool find_bare(
    const belay_work *work, belay_pg *pg, const belay_job *job, belay_rows **ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str oids = BELAY_STR_INIT;
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        uint32_t oid = oid_if_empty(work, job->tasks[i]);
        if (oid != 0)
            belay_str_appendf(&oids, "%s%u", count++ == 0 ? "{" : ",", oid);
    }
    if (count == 0)
        return true;
    belay_str_append(&oids, "}");
    return belay_pg_queryp(pg, sql_without_pages, ret, err, belay_str_text(&oids));
}

bool belay_work_compare(
    belay_work *work, belay_pg *pg, bool plain_names, const belay_job *job, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *bare = NULL;
    if (!find_bare(work, pg, job, &bare, err))
        return false;
    size_t at = 0, count = bare == NULL ? 0 : belay_rows_count(bare);
    for (size_t i = 0; i < job->count; i++) {
        uint32_t oid = oid_if_empty(work, job->tasks[i]);
        if (!belay_stop_check(err))
            return false;
        if (oid != 0 && at < count && belay_rows_int(bare, at, 0) == oid) {
            at++;
            job->tasks[i]->got = (belay_readback){0};
            free(belay_take(job->tasks[i]->text));
        } else if (!compare_one(work, pg, plain_names, job->tasks[i], err)) {
            return false;
        }
    }
    return true;
}

bool belay_work_compare_objects(belay_work *work, belay_pg *pg, belay_task *task, belay_error *err)
{
    const belay_compare_options how = {.restored = true};
    if (task->differences == NULL)
        task->differences = belay_alloc(sizeof *task->differences);
    belay_comparison c = {.options = &how,
        .archive = work->archive,
        .manifest = belay_archive_manifest(work->archive),
        .pg = pg,
        .ret = task->differences};
    return belay_pg_exec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) &&
           belay_compare_large_objects(&c, task->part, task->parts, err) && belay_pg_exec(pg, "COMMIT", err);
}
