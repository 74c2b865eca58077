/* Sequence positions. They are not of the transaction: read after its snapshot was taken, they are at or
 * beyond what its rows used, unless somebody set one back in between. Therefore they are read at once, before
 * a lock is waited for. */
#include "pg/names.h"
#include "snapshot/extras.sql.h"
#include "snapshot/flow.h"
#include "util/stop.h"

enum { SEQUENCES_PER_QUERY = 200 };

enum { SCHEMA, NAME, OID, NAME_HASH };

static const char *const again = "run the command again when nobody alters sequences";

static char *positions_query(const belay_taking *t, size_t from, size_t to)
{
    belay_str sql = BELAY_STR_INIT;
    for (size_t i = from; i < to; i++) {
        BELAY_AUTO(belay_free)
        char *name = belay_quote_qualified(
            belay_rows_text(t->sequence_names, i, SCHEMA), belay_rows_text(t->sequence_names, i, NAME));
        belay_str_appendf(&sql, "%sSELECT %zu, last_value, is_called, tableoid FROM %s",
            i == from ? "" : " UNION ALL ", i, name);
    }
    return belay_str_steal(&sql);
}

/* A position of another sequence, which took the name over, says nothing of the rows. */
static bool is_same(const belay_taking *t, size_t number, const char *oid, belay_error *err)
{
    if (belay_equal(belay_rows_text(t->sequence_names, number, OID), oid))
        return true;
    belay_fail(err, BELAY_E_SQL, "sequence %s.%s was made anew while the snapshot began",
        belay_rows_text(t->sequence_names, number, SCHEMA), belay_rows_text(t->sequence_names, number, NAME));
    return belay_error_hint(err, "%s", again);
}

static bool note_positions(belay_taking *t, const belay_rows *rows, belay_error *err)
{
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        size_t number = (size_t)belay_rows_int(rows, i, 0);
        const char *name = belay_rows_text(t->sequence_names, number, NAME);
        if (!is_same(t, number, belay_rows_text(rows, i, 3), err))
            return false;
        json_t *position = json_pack("{s:s, s:s, s:I, s:b}", "schema",
            belay_rows_text(t->sequence_names, number, SCHEMA), "name", name, "last_value",
            (json_int_t)belay_rows_int(rows, i, 1), "is_called", belay_rows_bool(rows, i, 2));
        if (json_array_append_new(t->sequences, position) == 0)
            continue;
        belay_fail(err, BELAY_E_UNSUPPORTED, "the name of sequence %s is not UTF-8", name);
        return belay_error_hint(err, "ALTER SEQUENCE ... RENAME TO gives it a name that is");
    }
    return true;
}

/* Their locks are given back at once: the server's lock table is small. */
static bool read_some(belay_taking *t, size_t from, size_t to, belay_error *err)
{
    BELAY_AUTO(belay_free) char *sql = positions_query(t, from, to);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_stop_check(err) ||
        !belay_pg_execf(
            t->pg, err, "SAVEPOINT positions; SET LOCAL lock_timeout = %lld", (long long)t->lock_wait_ms))
        return false;
    if (!belay_pg_query0(t->pg, sql, &rows, err)) {
        if (belay_pg_is_missing_name(err))
            belay_error_hint(err, "%s", again);
        return belay_error_prefix(err, "reading the positions of sequences");
    }
    return note_positions(t, rows, err) &&
           belay_pg_exec(t->pg, "ROLLBACK TO SAVEPOINT positions; RELEASE SAVEPOINT positions", err);
}

bool belay_sequences_read(belay_taking *t, belay_error *err)
{
    if (!belay_pg_query0(t->pg, sql_extras_sequences, &t->sequence_names, err))
        return false;
    size_t count = belay_rows_count(t->sequence_names);
    t->sequences = json_array();
    for (size_t i = 0; i < count; i += SEQUENCES_PER_QUERY) {
        if (!read_some(t, i, i + SEQUENCES_PER_QUERY < count ? i + SEQUENCES_PER_QUERY : count, err))
            return false;
    }
    return true;
}

static char *list_column(const belay_rows *rows, size_t column)
{
    belay_str list = BELAY_STR_INIT;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_str_appendf(&list, "%c%s", i == 0 ? '{' : ',', belay_rows_text(rows, i, column));
    belay_str_append(&list, list.length == 0 ? "{}" : "}");
    return belay_str_steal(&list);
}

bool belay_sequences_check(const belay_taking *t, belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_free) char *oids = list_column(t->sequence_names, OID);
    BELAY_AUTO(belay_free) char *names = list_column(t->sequence_names, NAME_HASH);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_extras_moved_sequence, &rows, err, oids, names))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    size_t number = (size_t)belay_rows_int(rows, 0, 0);
    belay_fail(err, BELAY_E_SQL,
        "sequence %s.%s was renamed or dropped while pg_dump read the schema, which may name it either way",
        belay_rows_text(t->sequence_names, number, SCHEMA), belay_rows_text(t->sequence_names, number, NAME));
    return belay_error_hint(err, "%s", again);
}

static bool end(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err)
{
    (void)pieces;
    (void)count;
    return belay_taking_add_json(t, "sequences.json", t->sequences, err);
}

const belay_extra belay_extra_sequences = {.end = end};
