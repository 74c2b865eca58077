#include "restore/work_views.h"

#include "util/stop.h"

typedef struct views {
    belay_ddl *script;
    const belay_toc_entry **waiting; /* those that read an empty one, through a function */
    size_t waiting_count;
    belay_list empty; /* those that stay so, with the reason */
} views;

static bool analyze(views *v, const belay_toc_entry *entry, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = belay_quote_qualified(entry->schema, entry->name);
    return belay_pg_execf(v->script->pg, err, "ANALYZE %s", name);
}

/* Does the failure come from the view's own query, and not from the server's state? */
static bool is_own_fault(const belay_error *cause)
{
    static const char *const classes[] = {"53", "55P03", "57", "58", "XX"};
    for (size_t i = 0; i < BELAY_COUNT(classes); i++) {
        if (belay_starts_with(cause->sqlstate, classes[i]))
            return false;
    }
    return cause->sqlstate[0] != '\0' && !belay_ddl_is_outside(cause);
}

static bool leave_empty(views *v, const belay_toc_entry *entry, const belay_error *cause, belay_error *err)
{
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
    BELAY_AUTO(belay_free) char *name = belay_quote_qualified(entry->schema, entry->name);
    char *text =
        belay_format("%s; it is there, empty: REFRESH MATERIALIZED VIEW %s fills it", cause->message, name);
    belay_list_add_owned(&v->empty, text);
    return belay_ddl_run_as(v->script, entry, "SELECT", key, text, err);
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
    if (is_own_fault(&cause))
        return leave_empty(v, entry, &cause, err);
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

bool belay_work_views(
    belay_ddl *script, const belay_toc *toc, const belay_marks *marks, char **ret_warning, belay_error *err)
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
    *ret_warning = v.empty.count == 0 ? NULL : belay_list_join(&v.empty, "; ");
    belay_list_done(&v.empty);
    free(v.waiting);
    return ok;
}
