#include "pipeline/runs.h"

#include "pipeline/journal.h"
#include "pipeline/journal_copy.h"

enum { ENDED_MAX_BYTES = 16 * 1024 * 1024 };

bool belay_runs_list(belay_store *store, const char *target, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = belay_format("%s/runs/", target);
    if (!store->list(store, prefix, &listing, err))
        return false;
    for (size_t i = listing.count; i > 0; i--) { /* names sort by time, so backwards is newest first */
        const char *name = listing.items[i - 1].name;
        if (!belay_starts_with(name, prefix) || !belay_ends_with(name, "/journal.ndjson"))
            continue;
        const char *id = name + strlen(prefix);
        belay_list_add_owned(ret, belay_strndup(id, strcspn(id, "/")));
    }
    return true;
}

/* The last stage that was entered, "" when none was. Only of an unfinished run: all of its journal is read.
 */
static bool last_stage(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    if (!belay_journal_read(store, target, run_id, &records, err))
        return false;
    const json_t *stage = belay_journal_last(records, "stage", NULL);
    *ret = json_string(stage == NULL ? "" : belay_json_text(stage, "act"));
    return true;
}

static void copy_key(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    json_object_set(to, key, value == NULL ? json_null() : value);
}

bool belay_runs_read(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *begin = NULL;
    BELAY_AUTO(belay_json_free) json_t *last = NULL;
    json_t *stage = NULL;
    if (!belay_journal_edges(store, target, run_id, &begin, &last, err))
        return false;
    const json_t *end = last != NULL && belay_journal_is(last, "end", "run") ? last : NULL;
    if (end == NULL && !last_stage(store, target, run_id, &stage, err))
        return false;
    BELAY_AUTO(belay_free) char *name = belay_format("%s/runs/%s/report.json", target, run_id);
    BELAY_AUTO(belay_free) char *text = NULL;
    json_t *summary = NULL;
    if (end != NULL && belay_store_read_all(store, name, 16 * 1024 * 1024, &text, NULL, NULL))
        summary = json_loads(text, 0, NULL);
    if (summary == NULL)
        summary = json_pack("{s:s, s:s}", "run", run_id, "target", target);
    if (end == NULL)
        json_object_set_new(summary, "last_stage", stage);
    json_object_set_new(
        summary, "outcome", json_string(end == NULL ? "unfinished" : belay_json_text(end, "outcome")));
    json_object_set(summary, "started_at", begin == NULL ? json_null() : json_object_get(begin, "at"));
    static const char *const of_begin[] = {"verb", "host", "pid", "dbname", "steps"};
    for (size_t i = 0; i < BELAY_COUNT(of_begin); i++)
        copy_key(summary, begin, of_begin[i]);
    static const char *const of_either[] = {"from", "to"};
    for (size_t i = 0; i < BELAY_COUNT(of_either); i++) {
        if (json_object_get(summary, of_either[i]) == NULL)
            copy_key(summary, begin, of_either[i]);
    }
    *ret = summary;
    return true;
}

/* "<target>/runs/ended" holds the ids of runs whose end was seen in their journal, one a line, so that it is
 * not looked for again: nothing is written behind an end. It may be missing, behind or torn at any time: a
 * run that it does not name is read. */
static char *ended_name(const char *target)
{
    return belay_format("%s/runs/ended", target);
}

static void read_ended(belay_store *store, const char *target, belay_list *ret)
{
    BELAY_AUTO(belay_free) char *name = ended_name(target);
    BELAY_AUTO(belay_free) char *text = NULL;
    if (belay_store_read_all(store, name, ENDED_MAX_BYTES, &text, NULL, NULL))
        belay_list_split(ret, text, "\n");
    belay_list_sort(ret);
}

/* One write; the newline in front ends a line that was torn. Not synced, and no matter when it fails. */
static void remember_ended(belay_store *store, const char *target, const belay_list *ids)
{
    BELAY_AUTO(belay_free) char *name = ended_name(target);
    BELAY_AUTO(belay_free) char *lines = belay_list_join(ids, "\n");
    BELAY_AUTO(belay_free) char *text = belay_format("\n%s\n", lines);
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    if (ids->count > 0 && store->append(store, name, &sink, NULL))
        sink->write(sink, text, strlen(text), NULL);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_among(const char *id, const belay_list *sorted)
{
    return sorted->count > 0 &&
           bsearch(&id, sorted->items, sorted->count, sizeof *sorted->items, compare_text) != NULL;
}

/* The last record; NULL also where there is no journal, which a folder may lack. */
static bool read_last(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err)
{
    belay_error why = {0};
    if (belay_journal_edges(store, target, run_id, NULL, ret, &why) || why.code == BELAY_E_NOT_FOUND)
        return true;
    if (err != NULL)
        *err = why;
    return false;
}

/* The newest first: it is the likeliest. A run without a record did nothing (journal.h). */
static bool find_unfinished(belay_store *store, const char *target, const belay_list *ids, belay_list *ended,
    char **ret_run_id, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list known = {0};
    read_ended(store, target, &known);
    for (size_t i = ids->count; i > 0 && *ret_run_id == NULL; i--) {
        const char *id = ids->items[i - 1];
        BELAY_AUTO(belay_json_free) json_t *last = NULL;
        if (is_among(id, &known))
            continue;
        if (!read_last(store, target, id, &last, err))
            return false;
        if (last != NULL && belay_journal_is(last, "end", "run"))
            belay_list_add(ended, id);
        else if (last != NULL)
            *ret_run_id = belay_strdup(id);
    }
    return true;
}

bool belay_runs_unfinished(belay_store *store, const char *target, char **ret_run_id, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    BELAY_AUTO(belay_list_done) belay_list ended = {0};
    BELAY_AUTO(belay_free) char *folder = belay_format("%s/runs", target);
    *ret_run_id = NULL;
    bool ok = store->folders(store, folder, &ids, err) &&
              find_unfinished(store, target, &ids, &ended, ret_run_id, err);
    remember_ended(store, target, &ended);
    return ok;
}

bool belay_runs_refuse_unfinished(belay_store *store, const char *target, belay_error *err)
{
    BELAY_AUTO(belay_free) char *id = NULL;
    BELAY_AUTO(belay_json_free) json_t *run = NULL;
    if (!belay_runs_unfinished(store, target, &id, err))
        return false;
    if (id == NULL)
        return true;
    if (!belay_runs_read(store, target, id, &run, err))
        return false;
    const char *host = belay_json_text(run, "host");
    const char *started = belay_json_text(run, "started_at");
    const char *stage = belay_json_text(run, "last_stage");
    belay_fail(err, BELAY_E_UNFINISHED_RUN, "run %s of %s is unfinished: begun %s on %s, last stage \"%s\"",
        id, target, started == NULL ? "?" : started, host == NULL ? "?" : host, stage == NULL ? "" : stage);
    return belay_error_hint(err, "type: belay recover --target %s", target);
}
