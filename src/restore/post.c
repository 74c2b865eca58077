#include "restore/post.h"

#include "util/clock.h"
#include "util/stop.h"

/* Later phases need what earlier ones made: plans of the key checks need statistics, and an event trigger
 * must not fire on the restore itself. */
typedef enum phase {
    PHASE_MAIN,
    PHASE_MATVIEWS,
    PHASE_ANALYZE,
    PHASE_FOREIGN_KEYS,
    PHASE_EVENT_TRIGGERS
} phase;

static const struct {
    const char *type;
    phase phase;
    bool alone; /* long: a transaction of its own, and a line of progress */
} types[] = {
    {"INDEX", PHASE_MAIN, true},
    {"CONSTRAINT", PHASE_MAIN, true},
    {"MATERIALIZED VIEW DATA", PHASE_MATVIEWS, true},
    {"FK CONSTRAINT", PHASE_FOREIGN_KEYS, true},
    {"EVENT TRIGGER", PHASE_EVENT_TRIGGERS, false},
};

static phase phase_of(const belay_toc_entry *entry)
{
    for (size_t i = 0; i < BELAY_COUNT(types); i++) {
        if (belay_equal(entry->type, types[i].type))
            return types[i].phase;
    }
    return PHASE_MAIN;
}

static bool runs_alone(const belay_toc_entry *entry)
{
    for (size_t i = 0; i < BELAY_COUNT(types); i++) {
        if (belay_equal(entry->type, types[i].type))
            return types[i].alone;
    }
    return false;
}

/* Dump ids in order, with their nodes. */
typedef struct place {
    long id;
    size_t node;
} place;

static int by_id(const void *a, const void *b)
{
    long left = ((const place *)a)->id;
    long right = ((const place *)b)->id;
    return (left > right) - (left < right);
}

static place *index_entries(const belay_toc *toc)
{
    size_t count = toc->count - toc->pre_count;
    place *places = belay_realloc_array(NULL, count + 1, sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (place){toc->entries[toc->pre_count + i].id, i};
    qsort(places, count, sizeof *places, by_id);
    return places;
}

/* Node i is entry pre_count + i, the last node is ANALYZE. */
static belay_schedule *schedule_of(const belay_toc *toc)
{
    size_t count = toc->count - toc->pre_count;
    BELAY_AUTO(belay_free) place *places = index_entries(toc);
    belay_schedule *schedule = belay_schedule_new();
    for (size_t i = 0; i < count; i++)
        belay_schedule_add(schedule, phase_of(&toc->entries[toc->pre_count + i]), 0);
    belay_schedule_add(schedule, PHASE_ANALYZE, 0);
    for (size_t i = 0; i < count; i++) {
        const belay_toc_entry *entry = &toc->entries[toc->pre_count + i];
        for (size_t d = 0; d < entry->depends_count; d++) {
            const place wanted = {entry->depends[d], 0};
            const place *on = bsearch(&wanted, places, count, sizeof *places, by_id);
            if (on != NULL && on->node != i)
                belay_schedule_depend(schedule, i, on->node);
        }
    }
    return schedule;
}

typedef struct post {
    belay_ddl *script;
    const belay_toc *toc;
    belay_reporter *reporter;
    bool empty;
    belay_list *warnings;
    belay_list left_out;             /* dump ids of entries that were not made */
    const belay_toc_entry **waiting; /* materialized views that read an empty one, through a function */
    size_t waiting_count;
    bool analyzed; /* that phase is over */
    belay_progress progress;
    int64_t started_ms;
} post;

/* The cause's message names the entry already. */
static void warn(post *p, const belay_error *cause, const char *what)
{
    const char *detail = cause->detail;
    int length = (int)strlen(detail) - belay_ends_with(detail, ".");
    char *text = belay_format("%s%s%.*s; %s", cause->message, length > 0 ? ": " : "", length, detail, what);
    belay_say(p->reporter, BELAY_WARN, "%s", text);
    belay_list_add_owned(p->warnings, text);
}

static void leave_out(post *p, const belay_toc_entry *entry)
{
    belay_list_add_owned(&p->left_out, belay_format("%ld", entry->id));
}

static bool is_left_out(const post *p, const belay_toc_entry *entry)
{
    for (size_t i = 0; p->left_out.count > 0 && i < entry->depends_count; i++) {
        BELAY_AUTO(belay_free) char *id = belay_format("%ld", entry->depends[i]);
        if (belay_list_has(&p->left_out, id))
            return true;
    }
    return false;
}

static bool run_foreign_key(post *p, const belay_toc_entry *entry, belay_error *err)
{
    belay_error cause = {0};
    if (belay_ddl_run(p->script, entry, NULL, &cause))
        return true;
    if (!belay_equal(cause.sqlstate, "23503")) {
        if (err != NULL)
            *err = cause;
        return false;
    }
    belay_error second = {0};
    if (belay_ddl_run(p->script, entry, " NOT VALID", &second)) {
        warn(p, &cause, "the key is there, NOT VALID");
        return true;
    }
    if (second.code == BELAY_E_CANCELLED || second.code == BELAY_E_CONNECTION_LOST) {
        if (err != NULL)
            *err = second;
        return false;
    }
    warn(p, &cause, "this server cannot have the key NOT VALID: it was left out");
    leave_out(p, entry);
    return true;
}

/* Nothing records what a function's body reads: such a view waits until the others are there. */
static bool run_matview(post *p, const belay_toc_entry *entry, bool may_wait, belay_error *err)
{
    static const char not_populated[] = "55000";
    belay_error cause = {0};
    if (belay_ddl_run(p->script, entry, NULL, &cause))
        return true;
    if (may_wait && belay_equal(cause.sqlstate, not_populated)) {
        p->waiting = belay_realloc_array(p->waiting, p->waiting_count + 1, sizeof *p->waiting);
        p->waiting[p->waiting_count++] = entry;
        return true;
    }
    if (err != NULL)
        *err = cause;
    return false;
}

/* Again and again, as long as that fills one of them. */
static bool run_waiting(post *p, belay_error *err)
{
    for (size_t last = SIZE_MAX; p->waiting_count > 0;) {
        BELAY_AUTO(belay_free) const belay_toc_entry **views = p->waiting;
        const size_t count = p->waiting_count;
        p->waiting = NULL; /* those that have to wait once more begin a new list */
        p->waiting_count = 0;
        for (size_t i = 0; i < count; i++) {
            if (!belay_stop_check(err) || !run_matview(p, views[i], count < last, err))
                return false;
        }
        last = count;
    }
    return true;
}

static bool run_entry(post *p, const belay_toc_entry *entry, belay_error *err)
{
    /* A database with a subscription cannot be dropped, and a copy must not receive what the original does:
     * the pipeline moves the original's where one is wanted. */
    if (is_left_out(p, entry) || belay_equal(entry->type, "SUBSCRIPTION") ||
        (p->empty && belay_equal(entry->type, "MATERIALIZED VIEW DATA"))) {
        leave_out(p, entry);
        return true;
    }
    if (!runs_alone(entry))
        return belay_ddl_add(p->script, entry, err);
    p->progress.item = entry->name;
    p->progress.elapsed_ms = belay_now_ms() - p->started_ms;
    belay_report_progress(p->reporter, &p->progress);
    if (belay_equal(entry->type, "FK CONSTRAINT"))
        return run_foreign_key(p, entry, err);
    if (belay_equal(entry->type, "MATERIALIZED VIEW DATA"))
        return run_matview(p, entry, !p->analyzed, err);
    return belay_ddl_run(p->script, entry, NULL, err);
}

static bool run_node(post *p, size_t node, belay_error *err)
{
    if (p->toc->pre_count + node < p->toc->count)
        return run_entry(p, &p->toc->entries[p->toc->pre_count + node], err);
    p->analyzed = true;
    return belay_ddl_flush(p->script, err) && run_waiting(p, err) &&
           (p->empty || belay_pg_exec(p->script->pg, "ANALYZE", err));
}

bool belay_restore_post(belay_ddl *script, const belay_toc *toc, const belay_post_options *options,
    belay_list *ret_warnings, belay_error *err)
{
    BELAY_AUTO(belay_schedule_free) belay_schedule *schedule = schedule_of(toc);
    post p = {.script = script,
        .toc = toc,
        .reporter = options->reporter,
        .empty = options->empty,
        .warnings = ret_warnings,
        .progress = {.what = "indexes and constraints"},
        .started_ms = belay_now_ms()};
    size_t node = 0;
    bool ok = belay_ddl_begin(script, toc->post_prologue, err) && belay_schedule_start(schedule, err);
    while (ok && belay_schedule_next(schedule, &node)) {
        ok = belay_stop_check(err) && run_node(&p, node, err);
        belay_schedule_done(schedule, node);
    }
    belay_list_done(&p.left_out);
    free(p.waiting);
    return ok && belay_ddl_flush(script, err);
}
