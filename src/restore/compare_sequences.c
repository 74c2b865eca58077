/* Sequences of a comparison. */
#include "restore/compare_parts.h"
#include "restore/load.h"
#include "restore/restore.sql.h"
#include "util/json.h"

/* Positions never go back: "at least" in the sequence's own direction. */
static bool position_holds(
    const belay_comparison *c, bool ascending, int64_t want, bool want_called, int64_t got, bool got_called)
{
    if (got == want)
        return got_called == want_called || (got_called && !c->options->exact_sequences);
    return !c->options->exact_sequences && (got > want) == ascending;
}

/* The reading of a sequence that must exist. */
static bool compare_position(
    belay_comparison *c, const char *name, const json_t *sequence, bool ascending, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *sql = belay_format("SELECT last_value, is_called FROM %s", name);
    if (!belay_pg_query0(c->pg, sql, &rows, err))
        return belay_error_prefix(err, "sequence %s", name);
    int64_t want = json_integer_value(json_object_get(sequence, "last_value"));
    bool want_called = json_is_true(json_object_get(sequence, "is_called"));
    int64_t got = belay_rows_int(rows, 0, 0);
    if (!position_holds(c, ascending, want, want_called, got, belay_rows_bool(rows, 0, 1)))
        belay_compare_note(c, belay_format("sequence %s: expected %s %lld, got %lld%s", name,
                                  c->options->exact_sequences ? "position" : "at least", (long long)want,
                                  (long long)got, got == want ? " not yet used" : ""));
    return true;
}

static bool compare_sequence(belay_comparison *c, const json_t *sequence, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    if (!belay_sequence_name(sequence, &name, err))
        return false;
    if (c->options->skip_ledger && belay_equal(belay_json_text(sequence, "schema"), "belay"))
        return true;
    BELAY_AUTO(belay_free) char *ascending = NULL;
    if (!belay_pg_value(c->pg, sql_sequence_direction, (const char *const[]){name}, 1, &ascending, err))
        return false;
    if (ascending == NULL) {
        belay_compare_note(c, belay_format("sequence %s: does not exist", name));
        return true;
    }
    return compare_position(c, name, sequence, belay_equal(ascending, "t"), err);
}

bool belay_compare_sequences(belay_comparison *c, belay_error *err)
{
    json_t *sequences = NULL;
    if (!belay_load_json(c->archive, "sequences.json", &sequences, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(sequences); i++)
        ok = compare_sequence(c, json_array_get(sequences, i), err);
    json_decref(sequences);
    return ok;
}
