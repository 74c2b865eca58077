#include "pipeline/prune.h"

#include <time.h>

#include "gate/gate.h"
#include "pipeline/followers.sql.h"
#include "pipeline/journal.h"
#include "pipeline/runs.h"
#include "snapshot/snapshot.h"
#include "util/clock.h"

enum { PART_QUIET_SECONDS = 600, ID_LENGTH = 23, DAY_SECONDS = 86400 };

/* What a plan is made from. */
typedef struct facts {
    const belay_prune_options *how;
    belay_list run_ids;
    belay_list needed; /* every text in the journals of unfinished runs: ids, names of databases */
} facts;

static void facts_done_p(facts *f)
{
    belay_list_done(&f->run_ids);
    belay_list_done(&f->needed);
}

void belay_prune_done(belay_prune *prune)
{
    for (size_t i = 0; i < prune->count; i++) {
        free(prune->items[i].name);
        free(prune->items[i].why);
    }
    free(prune->items);
    for (size_t i = 0; i < prune->snapshot_count; i++) {
        free(prune->snapshots[i].id);
        free(prune->snapshots[i].created_at);
        belay_list_done(&prune->snapshots[i].rules);
    }
    free(prune->snapshots);
    *prune = (belay_prune){0};
}

static void add(belay_prune *prune, const char *kind, const char *name, uint64_t bytes, char *why)
{
    prune->items = belay_realloc_array(prune->items, prune->count + 1, sizeof *prune->items);
    prune->items[prune->count++] = (belay_prune_item){kind, belay_strdup(name), bytes, why, false};
}

static void collect_texts(json_t *json, belay_list *to)
{
    size_t i;
    const char *key;
    json_t *value;
    if (json_is_string(json))
        belay_list_add(to, json_string_value(json));
    json_array_foreach(json, i, value) collect_texts(value, to);
    json_object_foreach(json, key, value) collect_texts(value, to);
}

/* An unfinished run may need whatever its journal names. */
static bool read_facts(const belay_prune_options *how, facts *ret, belay_error *err)
{
    ret->how = how;
    if (!belay_runs_list(how->store, how->target->name, &ret->run_ids, err))
        return false;
    for (size_t i = 0; i < ret->run_ids.count; i++) {
        BELAY_AUTO(belay_json_free) json_t *records = NULL;
        bool ended = false;
        if (!belay_journal_has_ended(how->store, how->target->name, ret->run_ids.items[i], &ended, err))
            return false;
        if (ended)
            continue;
        if (!belay_journal_read(how->store, how->target->name, ret->run_ids.items[i], &records, err))
            return false;
        belay_list_add(&ret->needed, ret->run_ids.items[i]);
        collect_texts(records, &ret->needed);
    }
    return true;
}

static bool is_damaged(const belay_snapshot_info *info)
{
    return belay_equal(info->state, "damaged");
}

/* What keeps each snapshot by the target's keys: only those that are whole count. */
static void apply_retention(
    const facts *f, const belay_snapshot_info *infos, size_t count, belay_prune_snapshot *snapshots)
{
    BELAY_AUTO(belay_free) time_t *times = belay_realloc_array(NULL, count + 1, sizeof *times);
    BELAY_AUTO(belay_free) size_t *places = belay_realloc_array(NULL, count + 1, sizeof *places);
    BELAY_AUTO(belay_free) belay_list *rules = belay_alloc((count + 1) * sizeof *rules);
    size_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_damaged(&infos[i]) && belay_id_time(infos[i].id, strlen(infos[i].id), &times[whole]))
            places[whole++] = i;
    }
    belay_retention_apply(&f->how->retention, times, whole, rules);
    for (size_t i = 0; i < whole; i++)
        snapshots[places[i]].rules = rules[i];
}

/* What keeps it whatever the keys say. */
static void add_protection(
    const facts *f, const belay_snapshot_info *info, bool newest_proven, belay_list *rules)
{
    time_t when;
    if (is_damaged(info))
        belay_list_add(rules, "it cannot be read");
    else if (!belay_id_time(info->id, strlen(info->id), &when))
        belay_list_add(rules, "its name is not belay's");
    if (newest_proven)
        belay_list_add(rules, "newest proven one");
    if (belay_list_has(&f->needed, info->id))
        belay_list_add(rules, "an unfinished run names it");
}

static void plan_snapshots(const facts *f, const belay_snapshot_info *infos, size_t count, belay_prune *ret)
{
    bool proven_seen = false;
    ret->snapshots = belay_alloc((count + 1) * sizeof *ret->snapshots);
    ret->snapshot_count = count;
    apply_retention(f, infos, count, ret->snapshots);
    for (size_t i = 0; i < count; i++) {
        const belay_snapshot_info *info = &infos[i];
        belay_prune_snapshot *one = &ret->snapshots[i];
        one->id = belay_strdup(info->id);
        one->created_at = belay_strdup(info->created_at);
        if (is_damaged(info))
            belay_say(f->how->reporter, BELAY_WARN, "%s cannot be read; remove it by hand if it is of no use",
                info->path);
        add_protection(f, info, info->proven_at != NULL && !proven_seen, &one->rules);
        proven_seen = proven_seen || info->proven_at != NULL;
        if (one->rules.count > 0)
            ret->kept++;
        else
            add(ret, "snapshot", info->name, info->bytes, belay_strdup("no rule keeps it"));
    }
}

/* Names of belay's without a folder, behind the id; `of_run`: "<target>/runs/<id>/...". */
typedef struct tail {
    const char *text;
    bool of_run;
} tail;

static const tail unfinished[] = {{".tar.part", false}, {".tar.age.part", false}, {".proof.json.part", false},
    {".tar.minisig.part", false}, {".tar.age.minisig.part", false}, {"/report.json.part", true}};
/* What goes with a snapshot, and is of no use without it. */
static const tail companions[] = {
    {".proof.json", false}, {".tar.minisig", false}, {".tar.age.minisig", false}};

/* Is it an id of belay's in the target's folder with one of the tails? *ret_id points at the id. */
static bool has_tail(const char *name, const tail *tails, size_t count, const char **ret_id)
{
    const char *slash = strchr(name, '/');
    time_t when;
    if (slash == NULL)
        return false;
    bool of_run = belay_starts_with(slash + 1, "runs/");
    const char *id = slash + 1 + (of_run ? strlen("runs/") : 0);
    *ret_id = id;
    for (size_t i = 0; i < count; i++) {
        if (strlen(id) == ID_LENGTH + strlen(tails[i].text) && belay_equal(id + ID_LENGTH, tails[i].text) &&
            tails[i].of_run == of_run)
            return belay_id_time(id, ID_LENGTH, &when);
    }
    return false;
}

/* Is there a snapshot of that id, readable or not? */
static bool has_snapshot(const belay_store_listing *listing, const char *folder, const char *id)
{
    static const char *const tails[] = {".tar", ".tar.age"};
    for (size_t t = 0; t < BELAY_COUNT(tails); t++) {
        BELAY_AUTO(belay_free) char *name = belay_format("%s%s%s", folder, id, tails[t]);
        for (size_t i = 0; i < listing->count; i++) {
            if (belay_equal(listing->items[i].name, name))
                return true;
        }
    }
    return false;
}

static bool is_quiet(const facts *f, const belay_store_entry *one)
{
    return belay_now_utc() - one->modified_utc >= PART_QUIET_SECONDS &&
           !f->how->store->is_held(f->how->store, one->name);
}

/* Why the file may go; NULL: it stays. */
static const char *leftover(
    const facts *f, const belay_store_listing *listing, const char *folder, const belay_store_entry *one)
{
    static const char unfinished_one[] = "unfinished, nobody writes to it";
    const char *id = NULL;
    if (belay_equal(one->name + strlen(folder), "lint.json.part"))
        return is_quiet(f, one) ? unfinished_one : NULL;
    bool part = has_tail(one->name, unfinished, BELAY_COUNT(unfinished), &id);
    if ((!part && !has_tail(one->name, companions, BELAY_COUNT(companions), &id)) || !is_quiet(f, one))
        return NULL;
    BELAY_AUTO(belay_free) char *of = belay_strndup(id, ID_LENGTH);
    if (belay_list_has(&f->needed, of))
        return NULL;
    if (part)
        return unfinished_one;
    return has_snapshot(listing, folder, of) ? NULL : "there is no snapshot that it belongs to";
}

/* What the application's logs said during a run's health check, of at least the age at which kept databases
 * go, too. */
static void plan_log(const facts *f, const belay_store_entry *one, belay_prune *ret)
{
    BELAY_AUTO(belay_free) char *runs = belay_format("%s/runs/", f->how->target->name);
    time_t begun = 0;
    if (!belay_starts_with(one->name, runs))
        return;
    const char *id = one->name + strlen(runs);
    if (strlen(id) < ID_LENGTH || !belay_starts_with(id + ID_LENGTH, "/logs/") ||
        !belay_id_time(id, ID_LENGTH, &begun))
        return;
    BELAY_AUTO(belay_free) char *run = belay_strndup(id, ID_LENGTH);
    long long seconds = (long long)(belay_now_utc() - begun);
    if (seconds < f->how->target->keep_databases_for_ms / 1000 || belay_list_has(&f->needed, run))
        return;
    add(ret, "log", one->name, one->size_bytes,
        belay_format("of run %s, %lld days old", run, seconds / DAY_SECONDS));
}

static bool plan_parts(const facts *f, belay_prune *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *folder = belay_format("%s/", f->how->target->name);
    if (!f->how->store->list(f->how->store, folder, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        const belay_store_entry *one = &listing.items[i];
        const char *why = leftover(f, &listing, folder, one);
        if (why != NULL)
            add(ret, "part", one->name, one->size_bytes, belay_strdup(why));
        plan_log(f, one, ret);
    }
    return true;
}

/* The run's id in full: a name holds only its random end. NULL when no run is known. */
static const char *whole_run_id(const facts *f, const char *run)
{
    if (run == NULL || strlen(run) == ID_LENGTH)
        return run;
    for (size_t i = 0; i < f->run_ids.count; i++) {
        if (belay_ends_with(f->run_ids.items[i], run))
            return f->run_ids.items[i];
    }
    return NULL;
}

static const struct {
    const char *kind;
    const char *why;
} prunable[] = {{"failed", "kept by the restore"}, {"scratch", "left over"}, {"twin", "copy of before"},
    {"old", "replaced by a reset"}};

/* The server drops no database that has one. *ret: what to type, NULL when there is none; the caller frees.
 */
static bool find_subscriptions(belay_pg *pg, const char *dbname, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(dbname);
    belay_str text = BELAY_STR_INIT;
    *ret = NULL;
    if (!belay_pg_queryp(pg, sql_names_of, &rows, err, dbname))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    belay_str_appendf(&text, "ALTER DATABASE %s ALLOW_CONNECTIONS true; and in it: ", quoted);
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        BELAY_AUTO(belay_free) char *name = belay_quote_ident(belay_rows_text(rows, i, 0));
        belay_str_appendf(&text,
            "%sALTER SUBSCRIPTION %s DISABLE; ALTER SUBSCRIPTION %s SET (slot_name = NONE); DROP "
            "SUBSCRIPTION %s",
            i == 0 ? "" : "; ", name, name, name);
    }
    *ret = belay_str_steal(&text);
    return true;
}

static bool plan_database(
    const facts *f, belay_pg *pg, const belay_gate_database *one, belay_prune *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *let_go = NULL;
    const char *run = whole_run_id(f, one->run);
    time_t begun = 0;
    const char *why = NULL;
    for (size_t i = 0; i < BELAY_COUNT(prunable) && why == NULL; i++)
        why = belay_equal(one->kind, prunable[i].kind) ? prunable[i].why : NULL;
    if (why == NULL)
        return true;
    if (run == NULL || !belay_id_time(run, strlen(run), &begun)) {
        belay_say(f->how->reporter, BELAY_WARN,
            "database %s: its run is not known, so neither is its age; it stays. To drop it: DROP DATABASE",
            one->name);
        return true;
    }
    long long seconds = (long long)(belay_now_utc() - begun);
    if (seconds < f->how->databases_age_ms / 1000) {
        ret->young++;
        return true;
    }
    if (belay_list_has(&f->needed, run) || belay_list_has(&f->needed, one->name))
        return true;
    if (!find_subscriptions(pg, one->name, &let_go, err))
        return false;
    if (let_go != NULL) {
        belay_say(f->how->reporter, BELAY_WARN,
            "database %s has a subscription, so it cannot be dropped and stays. To let go of it: %s",
            one->name, let_go);
        return true;
    }
    add(ret, "database", one->name, one->size_bytes < 0 ? 0 : (uint64_t)one->size_bytes,
        belay_format("%s of run %s, %lld days old", why, run, seconds / DAY_SECONDS));
    return true;
}

/* With the target's own database gone, what was kept of it may be the only copy. */
static bool require_public(
    const char *dbname, belay_pg *pg, const belay_gate_databases *kept, belay_error *err)
{
    uint32_t oid = 0;
    if (!belay_gate_oid_of(pg, dbname, &oid, err))
        return false;
    if (oid != 0 || kept->count == 0)
        return true;
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    for (size_t i = 0; i < kept->count; i++)
        belay_list_add(&names, kept->items[i].name);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&names, ", ");
    belay_fail(err, BELAY_E_POLICY,
        "database \"%s\" does not exist, so %s may be the only cop%s of it: nothing was removed", dbname,
        joined, kept->count == 1 ? "y" : "ies");
    return belay_error_hint(err,
        "`belay runs` shows an unfinished run, `belay recover` finishes it; to bring one back by hand: ALTER "
        "DATABASE ... ALLOW_CONNECTIONS true and ALTER DATABASE ... RENAME TO");
}

static bool plan_databases(const facts *f, belay_prune *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    const belay_pg_options connect = {.dbname = f->how->target->maintenance_db, .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(f->how->dialer, &connect, &pg, err) ||
        !belay_gate_find(pg, belay_target_dbname(f->how->target), &found, err) ||
        !require_public(belay_target_dbname(f->how->target), pg, &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        if (!plan_database(f, pg, &found.items[i], ret, err))
            return false;
    }
    return true;
}

bool belay_prune_plan(const belay_prune_options *how, belay_prune *ret, belay_error *err)
{
    BELAY_AUTO(facts_done) facts f = {0};
    belay_snapshot_info *infos = NULL;
    size_t count = 0;
    if (!read_facts(how, &f, err) || !belay_snapshot_list(how->store, how->target->name, &infos, &count, err))
        return false;
    plan_snapshots(&f, infos, count, ret);
    belay_snapshot_list_free(infos, count);
    return plan_parts(&f, ret, err) && (!how->databases || plan_databases(&f, ret, err));
}

static bool names(const belay_prune *plan, const belay_prune_item *item)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (belay_equal(plan->items[i].kind, item->kind) && belay_equal(plan->items[i].name, item->name))
            return true;
    }
    return false;
}

static bool remove_item(
    const belay_prune_options *how, belay_gate *gate, const belay_prune_item *item, belay_error *err)
{
    if (belay_equal(item->kind, "database"))
        return belay_gate_drop(gate, item->name, err);
    if (belay_equal(item->kind, "snapshot"))
        return belay_snapshot_remove(how->store, item->name, err);
    return how->store->remove(how->store, item->name, err);
}

bool belay_prune_carry_out(const belay_prune_options *how, belay_prune *plan, belay_error *err)
{
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    BELAY_AUTO(belay_prune_done) belay_prune now = {0};
    char run_id[BELAY_RUN_ID_SIZE];
    belay_new_run_id(run_id);
    const char *dbname = belay_target_dbname(how->target);
    const belay_keeper_options lock = {how->target->maintenance_db, dbname, run_id, 0};
    if (!belay_keeper_open(how->dialer, &lock, &keeper, err) || !belay_prune_plan(how, &now, err))
        return false;
    belay_gate gate = {.keeper = keeper, .reporter = how->reporter, .run_id = run_id, .public_name = dbname};
    for (size_t i = 0; i < plan->count; i++) {
        belay_prune_item *item = &plan->items[i];
        if (!names(&now, item))
            continue;
        if (!belay_keeper_check(keeper, err) || !remove_item(how, &gate, item, err))
            return belay_error_prefix(err, "%s %s", item->kind, item->name);
        item->removed = true;
    }
    return true;
}
