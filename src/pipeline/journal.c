#include "pipeline/journal.h"

#include "pipeline/journal_copy.h"
#include "pipeline/lines.h"
#include "pipeline/writer.h"
#include "util/clock.h"

/* No record comes near the one, no run the other, in which statements are not counted. */
enum { LINE_MAX_BYTES = 16 * 1024 * 1024, RECORDS_MAX = 1000 * 1000 };

struct belay_journal {
    belay_recorder recorder; /* first: the recorder is the journal */
    belay_sink *sink;
    belay_journal_copy *copy; /* NULL: none */
    belay_store *store;
    char *target, *run_id;
    char *path;
    char owner[BELAY_RUN_ID_SIZE]; /* "": who began the run */
    json_int_t seq;
    bool lenient;
    bool foreign; /* another one writes to it */
    bool torn;    /* it ends within a line */
    bool over;    /* nobody needs the copy any more */
};

bool belay_journal_is(const json_t *one, const char *kind, const char *act)
{
    const char *its_kind = belay_json_text(one, "kind");
    const char *its_act = belay_json_text(one, "act");
    return its_kind != NULL && its_act != NULL && belay_equal(its_kind, kind) &&
           (act == NULL || belay_equal(its_act, act));
}

/* A line as a record; NULL when it is none, as the torn one that a crash leaves. */
static json_t *parse(belay_span line)
{
    json_t *one = json_loadb(line.data, line.length, 0, NULL);
    if (json_is_object(one))
        return one;
    json_decref(one);
    return NULL;
}

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
    /* A torn last line is closed, so that what follows parses. */
    BELAY_AUTO(belay_free) char *line = belay_format("%s%s\n", journal->torn ? "\n" : "", text);
    bool durable = belay_equal(kind, "intent") || belay_equal(kind, "begin") || belay_equal(kind, "end");
    belay_journal_copy_write(journal->copy, line, strlen(line), durable);
    belay_error why = {0};
    bool written = journal->sink->write(journal->sink, line, strlen(line), &why);
    /* What could not be written to another host is kept, and is written with the next one. */
    journal->torn = !written && !journal->store->is_remote;
    if (written && (!durable || journal->sink->sync(journal->sink, &why)))
        return true;
    journal->foreign = journal->foreign || why.code == BELAY_E_LOCKED;
    if (err != NULL)
        *err = why;
    return belay_error_prefix(err, "journal");
}

bool belay_journal_is_foreign(const belay_journal *journal)
{
    return journal != NULL && journal->foreign;
}

static bool record(
    belay_recorder *self, belay_record_kind kind, const char *act, json_t *details, belay_error *err)
{
    static const char *const kinds[] = {"intent", "done", "note"};
    belay_journal *journal = (belay_journal *)self;
    belay_error why = {0};
    if (belay_journal_write(journal, kinds[kind], act, details, &why) ||
        (journal->lenient && !journal->foreign))
        return true;
    if (err != NULL)
        *err = why;
    return false;
}

void belay_journal_be_lenient(belay_journal *journal)
{
    journal->lenient = true;
}

typedef struct two_last {
    json_t *last, *before;
} two_last;

static bool take_two(void *context, belay_span line, bool *stop, belay_error *err)
{
    (void)err;
    two_last *two = context;
    json_t **to = two->last == NULL ? &two->last : &two->before;
    *to = parse(line);
    *stop = two->before != NULL;
    return true;
}

static json_int_t number_of(const json_t *one)
{
    return json_integer_value(json_object_get(one, "seq"));
}

/* The last record, new reference; NULL when there is none. One whose number does not follow comes from a
 * process that had not noticed yet that the run was taken over, or came twice over a lost connection: it says
 * nothing of where the run is. */
static bool find_last(belay_source *source, json_t **ret, belay_error *err)
{
    two_last two = {0};
    bool ok = belay_lines_backwards(source, LINE_MAX_BYTES, take_two, &two, err);
    bool strays = ok && two.before != NULL && number_of(two.last) <= number_of(two.before);
    *ret = !ok ? NULL : json_incref(strays ? two.before : two.last);
    json_decref(two.last);
    json_decref(two.before);
    return ok;
}

static bool take_record(void *context, belay_span line, bool *stop, belay_error *err)
{
    (void)err;
    json_t **ret = context;
    *ret = parse(line);
    *stop = *ret != NULL;
    return true;
}

/* Where an earlier process stopped writing: the number of its last record, and whether it died in a line. */
static bool resume(
    belay_journal *journal, belay_store *store, const char *name, uint64_t *ret_bytes, belay_error *err)
{
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    BELAY_AUTO(belay_json_free) json_t *last = NULL;
    belay_error why = {0};
    char end = '\n';
    *ret_bytes = 0;
    if (!store->open(store, name, &source, &why)) {
        if (why.code != BELAY_E_NOT_FOUND && err != NULL)
            *err = why;
        return why.code == BELAY_E_NOT_FOUND;
    }
    if (source->size_bytes > 0 &&
        (!source->read(source, source->size_bytes - 1, &end, 1, err) || !find_last(source, &last, err)))
        return false;
    journal->seq = json_integer_value(json_object_get(last, "seq"));
    journal->torn = end != '\n';
    *ret_bytes = source->size_bytes;
    return true;
}

bool belay_journal_open(
    belay_store *store, const char *target, const char *run_id, belay_journal **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = journal_name(target, run_id);
    BELAY_AUTO(belay_journal_close) belay_journal *journal = belay_alloc(sizeof *journal);
    uint64_t bytes = 0;
    journal->recorder.record = record;
    journal->store = store;
    journal->target = belay_strdup(target);
    journal->run_id = belay_strdup(run_id);
    journal->path = belay_store_path(store, name);
    if (!resume(journal, store, name, &bytes, err) || !store->append(store, name, &journal->sink, err))
        return belay_error_prefix(err, "journal");
    journal->copy = belay_journal_copy_open(store, target, run_id, bytes);
    *ret = belay_take(journal);
    return true;
}

void belay_journal_is_over(belay_journal *journal)
{
    journal->over = true;
}

const char *belay_journal_copied_to(const belay_journal *journal)
{
    return belay_journal_copy_path(journal->copy);
}

void belay_journal_close(belay_journal *journal)
{
    if (journal == NULL)
        return;
    belay_sink_close(journal->sink);
    belay_journal_copy_close(journal->copy, journal->over);
    free(journal->target);
    free(journal->run_id);
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

bool belay_journal_edges(belay_store *store, const char *target, const char *run_id, json_t **ret_first,
    json_t **ret_last, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = journal_name(target, run_id);
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    BELAY_AUTO(belay_json_free) json_t *first = NULL;
    if (!store->open(store, name, &source, err) ||
        (ret_first != NULL && !belay_lines_forwards(source, LINE_MAX_BYTES, take_record, &first, err)) ||
        !find_last(source, ret_last, err))
        return false;
    if (ret_first != NULL)
        *ret_first = belay_take(first);
    return true;
}

bool belay_journal_has_ended(
    belay_store *store, const char *target, const char *run_id, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *last = NULL;
    if (!belay_journal_edges(store, target, run_id, NULL, &last, err))
        return false;
    *ret = last == NULL || belay_journal_is(last, "end", "run");
    return true;
}

/* All that is kept of a journal. A step without a transaction records each of its statements, of which there
 * may be millions: the last intent and the last done of them are kept apart, and tell all that matters. */
typedef struct reading {
    json_t *records;
    json_t *statements[2];
} reading;

static bool keep_record(void *context, belay_span line, bool *stop, belay_error *err)
{
    static const char *const kinds[] = {"intent", "done"};
    (void)stop;
    reading *r = context;
    json_t *one = parse(line);
    if (one == NULL)
        return true;
    for (size_t i = 0; i < BELAY_COUNT(kinds); i++) {
        if (!belay_journal_is(one, kinds[i], "statement"))
            continue;
        json_decref(r->statements[i]);
        r->statements[i] = one;
        return true;
    }
    if (json_array_size(r->records) < RECORDS_MAX)
        return json_array_append_new(r->records, one) == 0;
    json_decref(one);
    return belay_fail(err, BELAY_E_IO, "more than %d records besides statements", (int)RECORDS_MAX);
}

/* Back to its place, which its number tells. */
static void put_back(json_t *records, json_t *one)
{
    size_t at = json_array_size(records);
    if (one == NULL)
        return;
    while (at > 0 && number_of(json_array_get(records, at - 1)) > number_of(one))
        at--;
    json_array_insert_new(records, at, one);
}

bool belay_journal_read(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = journal_name(target, run_id);
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    if (!store->open(store, name, &source, err))
        return false;
    reading r = {.records = json_array()};
    bool ok = belay_lines_forwards(source, LINE_MAX_BYTES, keep_record, &r, err);
    for (size_t i = 0; i < BELAY_COUNT(r.statements); i++)
        put_back(r.records, r.statements[i]);
    *ret = r.records;
    return ok || belay_error_prefix(err, "journal of run %s", run_id);
}

const json_t *belay_journal_last(const json_t *records, const char *kind, const char *act)
{
    for (size_t i = json_array_size(records); i > 0; i--) {
        const json_t *one = json_array_get(records, i - 1);
        if (belay_journal_is(one, kind, act))
            return one;
    }
    return NULL;
}

bool belay_journal_open_intent(const json_t *records, const char *act)
{
    for (size_t i = json_array_size(records); i > 0; i--) {
        const json_t *one = json_array_get(records, i - 1);
        if (belay_journal_is(one, "done", act))
            return false;
        if (belay_journal_is(one, "intent", act))
            return true;
    }
    return false;
}

bool belay_journal_take_over(belay_journal *journal, belay_error *err)
{
    json_t *details = belay_writer_json();
    belay_new_run_id(journal->owner);
    json_object_set_new(details, "by", json_string(journal->owner));
    return belay_journal_write(journal, "note", "takeover", details, err) &&
           (journal->sink->sync(journal->sink, err) || belay_error_prefix(err, "journal"));
}

const json_t *belay_journal_writer(const json_t *records)
{
    const json_t *last = belay_journal_last(records, "note", "takeover");
    return last != NULL ? last : belay_journal_last(records, "begin", "run");
}

bool belay_journal_require_own(belay_journal *journal, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *records = NULL;
    if (!belay_journal_read(journal->store, journal->target, journal->run_id, &records, err))
        return false;
    const json_t *last = belay_journal_last(records, "note", "takeover");
    const char *by = last == NULL ? "" : belay_json_text(last, "by");
    if (by != NULL && belay_equal(by, journal->owner))
        return true;
    const char *host = last == NULL ? NULL : belay_json_text(last, "host");
    belay_fail(err, BELAY_E_LOCKED,
        "run %s was taken over by another belay (on %s, process %lld) while the server was away from this "
        "one",
        journal->run_id, host == NULL ? "?" : host,
        (long long)json_integer_value(json_object_get(last, "pid")));
    return belay_error_hint(err,
        "this one changes nothing more; `belay runs --target %s` shows what became of the run",
        journal->target);
}
