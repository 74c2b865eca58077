#include "rehearse/record.h"

#include <time.h>

#include "pg/schema_hash.h"
#include "util/clock.h"
#include "util/json.h"

enum { RECORD_MAX_BYTES = 16 * 1024 * 1024 };

bool belay_rehearsal_steps(const belay_plan *plan, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *steps = json_array();
    for (size_t i = 0; i < plan->step_count; i++) {
        const belay_revision *revision = plan->steps[i].revision;
        char hash[BELAY_SHA256_HEX_SIZE];
        if (!belay_section_hash(revision, &revision->upgrade, hash, err))
            return false;
        json_array_append_new(
            steps, json_pack("{s:s, s:s, s:s}", "revision", revision->id, "direction",
                       plan->steps[i].upgrade ? "upgrade" : "downgrade", "upgrade_sha256", hash));
    }
    *ret = belay_take(steps);
    return true;
}

static char *name_of(const char *target, const json_t *from, const json_t *steps)
{
    BELAY_AUTO(belay_json_free)
    json_t *what =
        json_pack("{s:O, s:O}", "from", (json_t *)(uintptr_t)from, "steps", (json_t *)(uintptr_t)steps);
    BELAY_AUTO(belay_free) char *text = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS);
    char hash[BELAY_SHA256_HEX_SIZE];
    belay_sha256_of(text, strlen(text), hash);
    return belay_format("%s/rehearsals/%s.json", target, hash);
}

bool belay_rehearsal_write(
    belay_store *store, const char *target, const json_t *record, char **ret_name, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *name = name_of(target, json_object_get(record, "from"), json_object_get(record, "steps"));
    BELAY_AUTO(belay_free) char *text = json_dumps(record, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (!belay_store_write_all(store, name, text, strlen(text), err))
        return belay_error_prefix(err, "the rehearsal's record");
    if (ret_name != NULL)
        *ret_name = belay_take(name);
    return true;
}

void belay_rehearsal_answer_done(belay_rehearsal_answer *answer)
{
    free(answer->message);
    free(answer->hint);
    *answer = (belay_rehearsal_answer){0};
}

/* What is asked for, and the answer as it is found. */
typedef struct question {
    belay_store *store;
    const char *target;
    const belay_plan *plan;
    json_t *from, *steps;
    belay_rehearsal_answer *ret;
} question;

static void question_done_p(question *q)
{
    json_decref(q->from);
    json_decref(q->steps);
}

static char *words(const json_t *array)
{
    BELAY_AUTO(belay_list_done) belay_list list = {0};
    belay_json_to_list(array, &list);
    return list.count == 0 ? belay_strdup("base") : belay_list_join(&list, ", ");
}

/* "3 days ago", from a record's "2025-11-04T12:34:00Z". */
static char *age_of(const json_t *record)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
    struct tm when = {0};
    const char *end = strptime(belay_json_text_or(record, "rehearsed_at", "?"), "%Y-%m-%dT%H:%M:%SZ", &when);
    if (end == NULL || *end != '\0')
        return belay_strdup("at an unknown time");
    int64_t seconds = (int64_t)(belay_now_utc() - timegm(&when));
    for (size_t i = 0; i < BELAY_COUNT(units); i++) {
        int64_t count = seconds / units[i].seconds;
        if (count > 0)
            return belay_format("%lld %s%s ago", (long long)count, units[i].name, count == 1 ? "" : "s");
    }
    return belay_strdup("less than a minute ago");
}

static void say(question *q, char *message, char *hint)
{
    belay_rehearsal_answer_done(q->ret);
    *q->ret = (belay_rehearsal_answer){.message = message, .hint = hint};
}

static char *rehearse_again(const question *q)
{
    return belay_format("type: belay rehearse %s", q->target);
}

/* How two lists of steps differ; the higher, the more a message about it helps. */
typedef enum difference { ELSEWHERE, OTHER_STEPS, SHORTER, LONGER, EDITED, SAME } difference;

static difference compare_steps(const question *q, const json_t *record, size_t *ret_step)
{
    const json_t *steps = json_object_get(record, "steps");
    size_t planned = json_array_size(q->steps), rehearsed = json_array_size(steps);
    size_t both = planned < rehearsed ? planned : rehearsed;
    size_t edited = SIZE_MAX;
    if (!json_equal(json_object_get(record, "from"), q->from))
        return ELSEWHERE;
    for (size_t i = 0; i < both; i++) {
        const json_t *one = json_array_get(steps, i), *other = json_array_get(q->steps, i);
        if (!belay_equal(
                belay_json_text_or(one, "revision", "?"), belay_json_text_or(other, "revision", "?")))
            return OTHER_STEPS;
        if (!json_equal(one, other) && edited == SIZE_MAX)
            edited = i;
    }
    *ret_step = edited == SIZE_MAX ? both : edited;
    if (edited != SIZE_MAX)
        return EDITED;
    return rehearsed == planned ? SAME : rehearsed < planned ? SHORTER : LONGER;
}

static void explain(question *q, const json_t *record, difference how, size_t step)
{
    BELAY_AUTO(belay_free) char *age = age_of(record);
    BELAY_AUTO(belay_free) char *begun = words(json_object_get(record, "from"));
    BELAY_AUTO(belay_free) char *ended = words(json_object_get(record, "to"));
    BELAY_AUTO(belay_free) char *now = words(q->from);
    BELAY_AUTO(belay_free) char *wanted = q->plan->to_count == 1 ? belay_strdup(q->plan->to[0]) : NULL;
    switch (how) {
    case EDITED:
        say(q,
            belay_format("the upgrade section of revision %s was edited after the rehearsal of %s",
                q->plan->steps[step].revision->id, belay_json_text_or(record, "rehearsed_at", "?")),
            rehearse_again(q));
        break;
    case LONGER:
        say(q,
            belay_format("the rehearsal %s went on to %s: it passed where this deploy stops, and did not "
                         "verify there",
                age, ended),
            wanted == NULL ? rehearse_again(q)
                           : belay_format("type: belay rehearse %s --to %s", q->target, wanted));
        break;
    case SHORTER:
        say(q,
            belay_format("the rehearsal %s ended at %s: revision %s was not rehearsed", age, ended,
                q->plan->steps[step].revision->id),
            rehearse_again(q));
        break;
    case OTHER_STEPS:
    case ELSEWHERE:
    case SAME:
        say(q,
            belay_format("the rehearsal %s went from %s to %s; this deploy begins at %s and has other steps",
                age, begun, ended, now),
            how == ELSEWHERE ? belay_format("type: belay rehearse %s --fresh", q->target)
                             : rehearse_again(q));
        break;
    }
}

static json_t *read_record(belay_store *store, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    json_error_t fault;
    if (!belay_store_read_all(store, name, RECORD_MAX_BYTES, &text, NULL, err))
        return NULL;
    json_t *record = json_loads(text, 0, &fault);
    if (record == NULL)
        belay_fail(err, BELAY_E_IO, "%s/%s is not JSON: %s", store->url, name, fault.text);
    return record;
}

/* Of two records the one that tells more about the plan: one of the same steps, then the newer; of two of the
 * same second (records count no less) the one whose sections are as they are now. */
static bool is_nearer(difference how, const json_t *one, difference best_how, const json_t *best)
{
    bool near = how >= SHORTER, best_near = best_how >= SHORTER;
    if (best == NULL || near != best_near)
        return best == NULL || near;
    if (!near && how != best_how)
        return how > best_how;
    int later =
        strcmp(belay_json_text_or(one, "rehearsed_at", "?"), belay_json_text_or(best, "rehearsed_at", "?"));
    return later != 0 ? later > 0 : best_how == EDITED;
}

/* No record has the plan's name: the one that is nearest to it tells what changed. */
static bool explain_nearest(question *q, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = belay_format("%s/rehearsals/", q->target);
    BELAY_AUTO(belay_json_free) json_t *best = NULL;
    difference best_how = ELSEWHERE;
    size_t best_step = 0;
    if (!q->store->list(q->store, prefix, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        size_t step = 0;
        if (!belay_ends_with(listing.items[i].name, ".json"))
            continue;
        BELAY_AUTO(belay_json_free) json_t *one = read_record(q->store, listing.items[i].name, NULL);
        difference how = one == NULL ? ELSEWHERE : compare_steps(q, one, &step);
        if (one == NULL || !is_nearer(how, one, best_how, best))
            continue;
        json_decref(best);
        best = belay_take(one);
        best_how = how;
        best_step = step;
    }
    if (best == NULL)
        say(q, belay_strdup("these revisions were not rehearsed on this target"), rehearse_again(q));
    else
        explain(q, best, best_how, best_step);
    return true;
}

/* The same steps from the same revisions: was it the same schema, on the same kind of server? */
static bool judge_record(question *q, const json_t *record, belay_pg *pg, belay_error *err)
{
    size_t step = 0;
    char schema[BELAY_SHA256_HEX_SIZE];
    int major = (int)json_integer_value(json_object_get(record, "server_version")) / 10000;
    int major_now = belay_pg_server_version(pg) / 10000;
    BELAY_AUTO(belay_free) char *age = age_of(record);
    if (compare_steps(q, record, &step) != SAME) {
        say(q, belay_strdup("the rehearsal's record does not hold what its name says"), rehearse_again(q));
        return true;
    }
    if (major != major_now) {
        say(q, belay_format("the rehearsal %s was on PostgreSQL %d, the server is %d", age, major, major_now),
            belay_format("type: belay rehearse %s --fresh", q->target));
        return true;
    }
    if (!belay_schema_hash(pg, schema, err))
        return false;
    if (!belay_equal(schema, belay_json_text_or(record, "schema_sha256", "?"))) {
        say(q, belay_format("the schema is not the one of the rehearsal %s: someone changed it since", age),
            belay_format("type: belay rehearse %s --fresh", q->target));
        return true;
    }
    say(q, belay_format("rehearsed %s on snapshot %s", age, belay_json_text_or(record, "snapshot", "?")),
        NULL);
    q->ret->stands = true;
    return true;
}

bool belay_rehearsal_ask(belay_store *store, const char *target, const belay_plan *plan, belay_pg *pg,
    belay_rehearsal_answer *ret, belay_error *err)
{
    BELAY_AUTO(question_done) question q = {.store = store, .target = target, .plan = plan, .ret = ret};
    belay_error local = {0};
    q.from = belay_json_of_texts((const char *const *)plan->from, plan->from_count);
    if (!belay_rehearsal_steps(plan, &q.steps, err))
        return false;
    BELAY_AUTO(belay_free) char *name = name_of(target, q.from, q.steps);
    BELAY_AUTO(belay_json_free) json_t *record = read_record(store, name, &local);
    if (record != NULL)
        return judge_record(&q, record, pg, err);
    if (local.code == BELAY_E_NOT_FOUND)
        return explain_nearest(&q, err);
    if (err != NULL)
        *err = local;
    return false;
}
