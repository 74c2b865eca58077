#include "restore/work_views.h"

#include "util/stop.h"

typedef struct views {
    belay_ddl *script;
    const belay_toc_entry **waiting; /* those that read an empty one, through a function */
    size_t waiting_count;
} views;

static bool analyze(views *v, const belay_toc_entry *entry, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = belay_quote_qualified(entry->schema, entry->name);
    return belay_pg_execf(v->script->pg, err, "ANALYZE %s", name);
}

/* Nothing records what a function's body reads: such a view waits until the others are there. */
static bool fill(views *v, const belay_toc_entry *entry, bool may_wait, belay_error *err)
{
    static const char not_populated[] = "55000";
    belay_error cause = {0};
    if (belay_ddl_run(v->script, entry, NULL, &cause))
        return analyze(v, entry, err);
    if (may_wait && belay_equal(cause.sqlstate, not_populated)) {
        v->waiting = belay_realloc_array(v->waiting, v->waiting_count + 1, sizeof *v->waiting);
        v->waiting[v->waiting_count++] = entry;
        return true;
    }
    if (err != NULL)
        *err = cause;
    return false;
}

/* Again and again, as long as that fills one of them. */
static bool fill_waiting(views *v, belay_error *err)
{
    for (size_t last = SIZE_MAX; v->waiting_count > 0;) {
        BELAY_AUTO(belay_free) const belay_toc_entry **waiting = v->waiting;
        const size_t count = v->waiting_count;
        v->waiting = NULL; /* those that have to wait once more begin a new list */
        v->waiting_count = 0;
        for (size_t i = 0; i < count; i++) {
            if (!belay_stop_check(err) || !fill(v, waiting[i], count < last, err))
                return false;
        }
        last = count;
    }
    return true;
}

bool belay_work_views(belay_ddl *script, const belay_toc *toc, const belay_marks *marks, belay_error *err)
{
    views v = {.script = script};
    bool ok = true;
    for (size_t i = toc->pre_count; ok && i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (!belay_equal(entry->type, "MATERIALIZED VIEW DATA"))
            continue;
        BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
        if (belay_marks_find(marks, key) == NULL)
            ok = belay_stop_check(err) && fill(&v, entry, true, err);
    }
    ok = ok && fill_waiting(&v, err);
    free(v.waiting);
    return ok;
}
