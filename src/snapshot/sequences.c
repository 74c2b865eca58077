/* Sequence positions. They are not of the transaction: whenever they are read after its snapshot was taken,
 * they are at or beyond what its rows used. */
#include "pg/names.h"
#include "snapshot/extras.sql.h"
#include "snapshot/flow.h"

enum { SEQUENCES_PER_QUERY = 200 };

static char *positions_query(const belay_taking *t, const belay_piece *piece)
{
    belay_str sql = BELAY_STR_INIT;
    for (size_t i = piece->first; i < piece->end; i++) {
        BELAY_AUTO(belay_free)
        char *name = belay_name_qualified(belay_rows_text(t->sequence_names, i, 0),
            belay_rows_text(t->sequence_names, i, 1), t->plain_names);
        belay_str_appendf(&sql, "%sSELECT %zu, last_value, is_called FROM %s",
            i == piece->first ? "" : " UNION ALL ", i, name);
    }
    return belay_str_steal(&sql);
}

static bool note_positions(const belay_taking *t, const belay_rows *rows, json_t *positions, belay_error *err)
{
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        size_t number = (size_t)belay_rows_int(rows, i, 0);
        const char *name = belay_rows_text(t->sequence_names, number, 1);
        json_t *position = json_pack("{s:s, s:s, s:I, s:b}", "schema",
            belay_rows_text(t->sequence_names, number, 0), "name", name, "last_value",
            (json_int_t)belay_rows_int(rows, i, 1), "is_called", belay_rows_bool(rows, i, 2));
        if (json_array_append_new(positions, position) == 0)
            continue;
        belay_fail(err, BELAY_E_UNSUPPORTED, "the name of sequence %s is not UTF-8", name);
        return belay_error_hint(err, "ALTER SEQUENCE ... RENAME TO gives it a name that is");
    }
    return true;
}

/* Some sequences by one query. */
static bool take_positions(belay_worker *w, belay_piece *piece, belay_error *err)
{
    const belay_taking *t = w->flow->t;
    BELAY_AUTO(belay_free) char *sql = positions_query(t, piece);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_execf(w->pg, err, "SET LOCAL lock_timeout = %lld", (long long)t->lock_wait_ms) ||
        !belay_pg_query0(w->pg, sql, &rows, err))
        return belay_error_prefix(err, "reading the positions of sequences");
    json_decref(piece->entries);
    piece->entries = json_array();
    return note_positions(t, rows, piece->entries, err);
}

static bool begin(belay_taking *t, size_t *ret_count, belay_error *err)
{
    if (!belay_pg_query0(t->pg, sql_extras_sequences, &t->sequence_names, err))
        return false;
    *ret_count = (belay_rows_count(t->sequence_names) + SEQUENCES_PER_QUERY - 1) / SEQUENCES_PER_QUERY;
    return true;
}

static void cut(belay_taking *t, belay_piece *pieces, size_t count)
{
    size_t all = belay_rows_count(t->sequence_names);
    for (size_t i = 0; i < count; i++)
        pieces[i] = (belay_piece){.take = take_positions,
            .needs_server = true,
            .is_schema = true,
            .cost_bytes = UINT64_MAX - 1, /* early: who drops a table waits for them as well */
            .first = i * SEQUENCES_PER_QUERY,
            .end = i + 1 == count ? all : (i + 1) * SEQUENCES_PER_QUERY};
}

static bool end(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err)
{
    t->sequences = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_extend(t->sequences, pieces[i].entries);
    return belay_taking_add_json(t, "sequences.json", t->sequences, err);
}

const belay_extra belay_extra_sequences = {begin, cut, end};
