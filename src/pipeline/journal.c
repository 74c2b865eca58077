#include "pipeline/journal.h"

#include "util/clock.h"

enum { JOURNAL_MAX_BYTES = 64 * 1024 * 1024 };

struct belay_journal {
    belay_recorder recorder; /* first: the recorder is the journal */
    belay_sink *sink;
    char *path;
    json_int_t seq;
    bool lenient;
};

static char *journal_name(const char *target, const char *run_id)
{
    return belay_format("%s/runs/%s/journal.ndjson", target, run_id);
}

bool belay_journal_write(
    belay_journal *journal, const char *kind, const char *act, json_t *details, belay_error *err)
{
    char now[BELAY_UTC_SIZE];
    belay_format_utc(belay_now_utc(), now);
    BELAY_AUTO(belay_json_free)
    json_t *record =
        json_pack("{s:I, s:s, s:s, s:s}", "seq", ++journal->seq, "at", now, "kind", kind, "act", act);
    if (details != NULL)
        json_object_update_missing(record, details);
    json_decref(details);
    BELAY_AUTO(belay_free) char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (text == NULL)
        return belay_fail(err, BELAY_E_INTERNAL, "journal record \"%s\" cannot be written as JSON", act);
    BELAY_AUTO(belay_free) char *line = belay_format("%s\n", text);
    if (!journal->sink->write(journal->sink, line, strlen(line), err))
        return belay_error_prefix(err, "journal");
    bool durable = belay_equal(kind, "intent") || belay_equal(kind, "begin") || belay_equal(kind, "end");
    if (durable && !journal->sink->sync(journal->sink, err))
        return belay_error_prefix(err, "journal");
    return true;
}

static bool record(
    belay_recorder *self, belay_record_kind kind, const char *act, json_t *details, belay_error *err)
{
    static const char *const kinds[] = {"intent", "done", "note"};
    belay_journal *journal = (belay_journal *)self;
    if (journal->lenient)
        return belay_journal_write(journal, kinds[kind], act, details, NULL) || true;
    return belay_journal_write(journal, kinds[kind], act, details, err);
}

void belay_journal_be_lenient(belay_journal *journal)
{
    journal->lenient = true;
}

bool belay_journal_open(
    belay_store *store, const char *target, const char *run_id, belay_journal **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = journal_name(target, run_id);
    BELAY_AUTO(belay_free) char *before = NULL;
    size_t length = 0;
    belay_error ignored;
    bool exists = belay_store_read_all(store, name, JOURNAL_MAX_BYTES, &before, &length, &ignored);
    BELAY_AUTO(belay_journal_close) belay_journal *journal = belay_alloc(sizeof *journal);
    journal->recorder.record = record;
    journal->path = belay_store_path(store, name);
    if (!store->append(store, name, &journal->sink, err))
        return belay_error_prefix(err, "journal");
    for (size_t i = 0; exists && i < length; i++)
        journal->seq += before[i] == '\n';
    /* A torn last line is closed, so that what follows parses. */
    if (exists && length > 0 && before[length - 1] != '\n' &&
        !journal->sink->write(journal->sink, "\n", 1, err))
        return belay_error_prefix(err, "journal");
    *ret = belay_take(journal);
    return true;
}

void belay_journal_close(belay_journal *journal)
{
    if (journal == NULL)
        return;
    belay_sink_close(journal->sink);
    free(journal->path);
    free(journal);
}

belay_recorder *belay_journal_recorder(belay_journal *journal)
{
    return &journal->recorder;
}

const char *belay_journal_path(const belay_journal *journal)
{
    return journal->path;
}

bool belay_journal_read(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = journal_name(target, run_id);
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t length = 0;
    if (!belay_store_read_all(store, name, JOURNAL_MAX_BYTES, &text, &length, err))
        return false;
    json_t *records = json_array();
    for (char *at = text; at < text + length;) {
        size_t line = strcspn(at, "\n");
        json_t *one = json_loadb(at, line, 0, NULL);
        if (json_is_object(one))
            json_array_append_new(records, one);
        else
            json_decref(one);
        at += line + 1;
    }
    *ret = records;
    return true;
}

const char *belay_json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool matches(const json_t *one, const char *kind, const char *act)
{
    const char *its_kind = belay_json_text(one, "kind");
    const char *its_act = belay_json_text(one, "act");
    return its_kind != NULL && its_act != NULL && belay_equal(its_kind, kind) &&
           (act == NULL || belay_equal(its_act, act));
}

const json_t *belay_journal_last(const json_t *records, const char *kind, const char *act)
{
    for (size_t i = json_array_size(records); i > 0; i--) {
        const json_t *one = json_array_get(records, i - 1);
        if (matches(one, kind, act))
            return one;
    }
    return NULL;
}

bool belay_journal_open_intent(const json_t *records, const char *act)
{
    for (size_t i = json_array_size(records); i > 0; i--) {
        const json_t *one = json_array_get(records, i - 1);
        if (matches(one, "done", act))
            return false;
        if (matches(one, "intent", act))
            return true;
    }
    return false;
}

json_t *belay_json_of_list(const belay_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

void belay_json_to_list(const json_t *array, belay_list *ret)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)array, i, item)
    {
        if (json_is_string(item))
            belay_list_add(ret, json_string_value(item));
    }
}
