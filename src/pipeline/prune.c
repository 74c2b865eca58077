#include "pipeline/prune.h"

#include <time.h>

#include "gate/gate.h"
#include "pipeline/journal.h"
#include "pipeline/runs.h"
#include "snapshot/snapshot.h"
#include "util/clock.h"

enum { PART_QUIET_SECONDS = 600, ID_LENGTH = 23, ID_TIME_LENGTH = 16, DAY_SECONDS = 86400 };

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
    *prune = (belay_prune){0};
}

static void add(belay_prune *prune, const char *kind, const char *name, uint64_t bytes, char *why)
{
    prune->items = belay_realloc_array(prune->items, prune->count + 1, sizeof *prune->items);
    prune->items[prune->count++] = (belay_prune_item){kind, belay_strdup(name), bytes, why, false};
}

/* When a run or snapshot was begun, from its id ("20251104T123400Z-3f2a9c"); false when it is not an id of
 * belay's. */
static bool time_of_id(const char *id, size_t length, time_t *ret)
{
    struct tm when = {0};
    if (length != ID_LENGTH || id[ID_TIME_LENGTH] != '-' ||
        strspn(id + ID_TIME_LENGTH + 1, "0123456789abcdef") < ID_LENGTH - ID_TIME_LENGTH - 1)
        return false;
    BELAY_AUTO(belay_free) char *text = belay_strndup(id, ID_TIME_LENGTH);
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &when);
    if (end == NULL || *end != '\0')
        return false;
    *ret = timegm(&when);
    return true;
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

/* Whether it stays, given how many newer whole ones there are. */
static bool stays(const facts *f, const belay_snapshot_info *info, size_t newer, bool newest_proven)
{
    return newer < f->how->keep || newest_proven || belay_list_has(&f->needed, info->id);
}

static void plan_snapshots(const facts *f, const belay_snapshot_info *infos, size_t count, belay_prune *ret)
{
    size_t newer = 0;
    bool proven_seen = false;
    time_t when;
    for (size_t i = 0; i < count; i++) {
        const belay_snapshot_info *info = &infos[i];
        bool damaged = is_damaged(info);
        if (damaged)
            belay_say(f->how->reporter, BELAY_WARN, "%s cannot be read; remove it by hand if it is of no use",
                info->path);
        if (damaged || !time_of_id(info->id, strlen(info->id), &when)) {
            ret->kept++;
            continue;
        }
        bool newest_proven = info->proven_at != NULL && !proven_seen;
        proven_seen = proven_seen || info->proven_at != NULL;
        if (stays(f, info, newer++, newest_proven))
            ret->kept++;
        else
            add(ret, "snapshot", info->name, info->bytes, belay_format("%zu newer kept", f->how->keep));
    }
}

/* "<target>/<id>.tar.part", "<target>/<id>.proof.json.part", "<target>/runs/<id>/report.json.part". */
static bool is_part(const char *name, const char **ret_id)
{
    static const char *const tails[] = {
        ".tar.part", ".tar.age.part", ".proof.json.part", "/report.json.part"};
    const char *slash = strchr(name, '/');
    time_t when;
    if (slash == NULL)
        return false;
    bool of_run = belay_starts_with(slash + 1, "runs/");
    const char *id = slash + 1 + (of_run ? strlen("runs/") : 0);
    *ret_id = id;
    for (size_t i = 0; i < BELAY_COUNT(tails); i++) {
        if (strlen(id) == ID_LENGTH + strlen(tails[i]) && belay_equal(id + ID_LENGTH, tails[i]) &&
            (tails[i][0] == '/') == of_run)
            return time_of_id(id, ID_LENGTH, &when);
    }
    return false;
}

static bool plan_parts(const facts *f, belay_prune *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = belay_format("%s/", f->how->target->name);
    if (!f->how->store->list(f->how->store, prefix, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        const belay_store_entry *one = &listing.items[i];
        const char *id = NULL;
        if (!is_part(one->name, &id) || belay_now_utc() - one->modified_utc < PART_QUIET_SECONDS ||
            f->how->store->is_held(f->how->store, one->name))
            continue;
        BELAY_AUTO(belay_free) char *of = belay_strndup(id, ID_LENGTH);
        if (!belay_list_has(&f->needed, of))
            add(ret, "part", one->name, one->size_bytes, belay_strdup("unfinished, nobody writes to it"));
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

static void plan_database(const facts *f, const belay_gate_database *one, belay_prune *ret)
{
    const char *run = whole_run_id(f, one->run);
    time_t begun = 0;
    const char *why = NULL;
    for (size_t i = 0; i < BELAY_COUNT(prunable) && why == NULL; i++)
        why = belay_equal(one->kind, prunable[i].kind) ? prunable[i].why : NULL;
    if (why == NULL)
        return;
    if (run == NULL || !time_of_id(run, strlen(run), &begun)) {
        belay_say(f->how->reporter, BELAY_WARN,
            "database %s: its run is not known, so neither is its age; it stays. To drop it: DROP DATABASE",
            one->name);
        return;
    }
    long long days = (long long)(belay_now_utc() - begun) / DAY_SECONDS;
    if (days < f->how->days) {
        ret->young++;
        return;
    }
    if (belay_list_has(&f->needed, run) || belay_list_has(&f->needed, one->name))
        return;
    add(ret, "database", one->name, one->size_bytes < 0 ? 0 : (uint64_t)one->size_bytes,
        belay_format("%s of run %s, %lld days old", why, run, days));
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
    for (size_t i = 0; i < found.count; i++)
        plan_database(f, &found.items[i], ret);
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
