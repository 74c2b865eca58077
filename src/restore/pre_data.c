#include "restore/pre_data.h"

#include "restore/groups.h"
#include "restore/lend.h"
#include "restore/resume.h"
#include "restore/script.h"
#include "restore/watch.h"
#include "util/crew.h"
#include "util/stop.h"
#include "util/team.h"

/* Fewer entries are made before workers have their connections. */
enum { LEAST_SHARED = 100, TICK_MS = 100 };

typedef struct pre_data {
    const belay_restore_options *options;
    const belay_toc *toc;
    belay_ddl script; /* the coordinator's */
    belay_lend lend;
    size_t owned, granted; /* the entry after the last schema; the first that grants */
    belay_groups groups;
    size_t jobs;
    bool *made; /* per entry: by a worker */
} pre_data;

/* Some groups. */
typedef struct share {
    size_t from, count;
} share;

typedef struct worker {
    belay_pg *pg;
    belay_ddl script;
} worker;

static belay_ddl script_of(const pre_data *p, size_t sharers)
{
    const belay_target *target = p->options->target;
    return (belay_ddl){.role_map = target == NULL ? NULL : &target->role_map,
        .extensions = json_object_get(p->toc->header, "extensions"),
        .toc = p->toc,
        .sharers = sharers};
}

static void end(void *context, void *own)
{
    (void)context;
    worker *w = own;
    belay_ddl_done(&w->script);
    belay_pg_close(w->pg);
    free(w);
}

static void *begin(void *context, belay_error *err)
{
    const pre_data *p = context;
    worker *w = belay_alloc(sizeof *w);
    const belay_pg_options how = {
        .dbname = p->options->dbname, .application_name = p->options->run_id, .profile = BELAY_PG_DATA};
    w->script = script_of(p, p->jobs);
    if (belay_pg_open(p->options->dialer, &how, &w->pg, err) && belay_ddl_init(&w->script, w->pg, err) &&
        belay_ddl_begin(&w->script, p->toc->pre_prologue, err))
        return w;
    end(context, w);
    return NULL;
}

/* False only when the session is of no more use: what failed is made later. */
static bool try_some(
    pre_data *p, worker *w, const size_t *numbers, size_t count, bool *ret_made, belay_error *err)
{
    BELAY_AUTO(belay_free)
    const belay_toc_entry **entries = belay_realloc_array(NULL, count, sizeof(const belay_toc_entry *));
    belay_error fault = {0};
    for (size_t i = 0; i < count; i++)
        entries[i] = &p->toc->entries[numbers[i]];
    *ret_made = belay_ddl_try(&w->script, entries, count, &fault);
    for (size_t i = 0; *ret_made && i < count; i++)
        p->made[numbers[i]] = true;
    if (*ret_made || (fault.code != BELAY_E_CONNECTION_LOST && fault.code != BELAY_E_CANCELLED))
        return true;
    if (err != NULL)
        *err = fault;
    return false;
}

static bool make_batch(pre_data *p, worker *w, const size_t *numbers, size_t count, belay_error *err)
{
    bool made = false;
    if (!belay_stop_check(err) || !try_some(p, w, numbers, count, &made, err))
        return false;
    for (size_t i = 0; !made && count > 1 && i < count; i++) {
        bool ignored;
        if (!try_some(p, w, &numbers[i], 1, &ignored, err))
            return false;
    }
    return true;
}

/* One group may be larger than a transaction. */
static bool work(void *context, void *own, void *given, belay_error *err)
{
    pre_data *p = context;
    worker *w = own;
    const share *s = given;
    size_t most = w->script.batch_entries;
    for (size_t at = 0; at < s->count; at += most) {
        size_t count = s->count - at < most ? s->count - at : most;
        if (!make_batch(p, w, &p->groups.entries[s->from + at], count, err))
            return false;
    }
    return true;
}

/* Shares that nobody has; those that come back are given again. */
typedef struct line {
    share **shares;
    size_t count;
} line;

/* Without a connection for one worker the others make its share, and without any the coordinator does. */
static bool take_answer(pre_data *p, line *left, const belay_team_answer *answer, belay_error *err)
{
    if (answer->ok)
        return true;
    if (answer->not_begun && belay_resume_is_crowded(&answer->err)) {
        belay_say(p->options->reporter, BELAY_DEBUG, "making the schema with one worker less: %s",
            answer->err.message);
        left->shares[left->count++] = answer->job;
        return true;
    }
    if (err != NULL)
        *err = answer->err;
    return false;
}

/* The first failure ends it, when what others have begun is done. */
static bool run_shares(pre_data *p, belay_team *team, line *left, belay_error *err)
{
    BELAY_AUTO(belay_watch_done) belay_watch watch = {0};
    bool failed = false;
    for (;;) {
        belay_team_answer answer;
        while (!failed && left->count > 0 && belay_team_give(team, left->shares[left->count - 1]))
            left->count--;
        if (belay_team_busy(team) == 0)
            return !failed;
        if (belay_team_take(team, TICK_MS, &answer) && !take_answer(p, left, &answer, failed ? NULL : err))
            failed = true;
        belay_watch_look(&watch, p->script.pg, p->options);
    }
}

static bool make_groups(pre_data *p, belay_error *err)
{
    const belay_team_task task = {.begin = begin, .work = work, .end = end, .context = p};
    BELAY_AUTO(belay_free) share *shares = belay_realloc_array(NULL, p->groups.count + 1, sizeof *shares);
    size_t most = p->script.batch_entries / p->jobs;
    size_t count = 0;
    for (size_t at = 0; at < p->groups.count; at += shares[count++].count)
        shares[count] = (share){at, belay_groups_cut(&p->groups, at, most < 1 ? 1 : most)};
    BELAY_AUTO(belay_free) share **given = belay_realloc_array(NULL, count + 1, sizeof *given);
    for (size_t i = 0; i < count; i++)
        given[i] = &shares[count - 1 - i];
    line left = {given, count};
    belay_team *team = belay_team_new(&task, p->jobs, err);
    if (team == NULL)
        return false;
    bool ok = run_shares(p, team, &left, err);
    belay_team_free(team);
    return ok;
}

static bool make_from(pre_data *p, size_t from, size_t to, belay_error *err)
{
    for (size_t i = from; i < to; i++) {
        if (!p->made[i] && (!belay_stop_check(err) || !belay_ddl_add(&p->script, &p->toc->entries[i], err)))
            return false;
    }
    return belay_ddl_flush(&p->script, err);
}

/* Owners are given between the last schema and the first grant. */
static void find_owned(pre_data *p)
{
    const belay_toc *toc = p->toc;
    p->granted = toc->pre_count;
    for (size_t i = 0; i < toc->pre_count; i++) {
        if (belay_equal(toc->entries[i].type, "SCHEMA"))
            p->owned = i + 1;
        if (p->granted == toc->pre_count && belay_equal(toc->entries[i].type, "ACL"))
            p->granted = i;
    }
}

static bool make_owned(pre_data *p, belay_error *err)
{
    belay_groups_find(p->toc, p->granted, &p->groups);
    size_t first = p->groups.first;
    if (p->jobs < 2 || p->groups.count < LEAST_SHARED || first < p->owned)
        return make_from(p, p->owned, p->granted, err);
    return make_from(p, p->owned, first, err) && make_groups(p, err) && make_from(p, first, p->granted, err);
}

static bool make_all(pre_data *p, belay_error *err)
{
    const belay_toc *toc = p->toc;
    if (p->granted < p->owned)
        p->granted = p->owned;
    return belay_ddl_begin(&p->script, toc->pre_prologue, err) && make_from(p, 0, p->owned, err) &&
           belay_lend_to_owners(&p->lend, toc->entries, toc->pre_count, err) && make_owned(p, err) &&
           belay_lend_take_back(&p->lend, err) && make_from(p, p->granted, toc->pre_count, err);
}

bool belay_pre_data_make(
    const belay_restore_options *options, const belay_toc *toc, belay_pg *pg, belay_error *err)
{
    const belay_target *target = options->target;
    pre_data p = {.options = options,
        .toc = toc,
        .lend = {.pg = pg, .role_map = target == NULL ? NULL : &target->role_map},
        .jobs = belay_crew_size(target == NULL ? 0 : target->jobs),
        .made = belay_alloc((toc->pre_count + 1) * sizeof(bool))};
    p.script = script_of(&p, 1);
    find_owned(&p);
    belay_say(options->reporter, BELAY_DEBUG, "restoring %zu objects", toc->pre_count);
    bool ok = belay_ddl_init(&p.script, pg, err) && make_all(&p, err);
    belay_groups_done(&p.groups);
    belay_lend_done(&p.lend);
    belay_ddl_done(&p.script);
    free(p.made);
    return ok;
}
