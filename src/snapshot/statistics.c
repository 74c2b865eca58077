/* Statistics of the planner, as lines of JSON (docs/snapshot-format.md), so that a restored database plans as
 * the source did. They are no part of what a snapshot promises: where they cannot be read, it does without.
 */
#include "snapshot/extras.sql.h"
#include "snapshot/flow.h"

static bool end_member(belay_worker *w, belay_error *err)
{
    return w->chunk == NULL || belay_chunk_end(w, err);
}

typedef struct lines {
    belay_worker *w;
    belay_piece *piece;
} lines;

static bool take_line(void *context, const void *line, size_t size_bytes, belay_error *err)
{
    lines *l = context;
    belay_worker *w = l->w;
    if ((w->chunk == NULL && !belay_chunk_begin(w, l->piece, err)) ||
        !belay_chunk_add(w, line, size_bytes, err))
        return false;
    return w->chunk->raw_bytes < BELAY_CHUNK_BYTES || end_member(w, err);
}

/* Was the query itself at fault, on a connection that goes on? */
static bool is_own_fault(const belay_worker *w, const belay_error *err)
{
    return err->sqlstate[0] != '\0' && err->code != BELAY_E_CANCELLED && belay_pg_in_transaction(w->pg);
}

/* The settings, too, end with the savepoint. A table that is read again after a lost connection may stand
 * twice. */
static bool take_statistics(belay_worker *w, belay_piece *piece, belay_error *err)
{
    belay_error fault = {0};
    lines l = {w, piece};
    if (!belay_pg_exec(w->pg,
            "SAVEPOINT statistics; SET LOCAL enable_seqscan = on; SET LOCAL enable_nestloop = off", err))
        return false;
    bool ok = belay_pg_copy_rows(w->pg, sql_extras_statistics, false, take_line, &l, &fault) &&
              end_member(w, &fault);
    if (!ok && !is_own_fault(w, &fault)) {
        if (err != NULL)
            *err = fault;
        return false;
    }
    belay_chunk_drop(w);
    json_decref(piece->entries);
    piece->entries = ok ? NULL : json_pack("s?", fault.message);
    return belay_pg_exec(w->pg, "ROLLBACK TO SAVEPOINT statistics; RELEASE SAVEPOINT statistics", err);
}

static bool begin(belay_taking *t, size_t *ret_count, belay_error *err)
{
    (void)t;
    (void)err;
    *ret_count = 1;
    return true;
}

static void cut(belay_taking *t, belay_piece *pieces, size_t count)
{
    (void)t;
    for (size_t i = 0; i < count; i++)
        pieces[i] = (belay_piece){.take = take_statistics,
            .series = BELAY_MEMBERS_STATISTICS,
            .needs_server = true,
            .cost_bytes = UINT64_MAX - 2}; /* early, so that nobody waits for it at the end */
}

static bool end(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const char *why = json_string_value(pieces[i].entries);
        if (why != NULL)
            belay_say(t->options->reporter, BELAY_WARN,
                "the planner's statistics are not in the snapshot, a restore makes its own: %s", why);
    }
    return true;
}

const belay_extra belay_extra_statistics = {begin, cut, end};
