/* The comparison of a database with its twin. */
#include "restore/compare_parts.h"
#include "restore/compare_twin.sql.h"
#include "restore/readback.h"
#include "util/clock.h"
#include "util/stop.h"

typedef struct pair {
    const belay_compare_options *options;
    belay_pg *now, *twin;
    belay_compare_differences *ret;
    int64_t started_ms;
} pair;

static bool open_side(pair *p, const char *dbname, belay_pg **ret, belay_error *err)
{
    const belay_pg_options how = {
        .dbname = dbname, .application_name = p->options->run_id, .profile = BELAY_PG_DATA};
    return belay_pg_open(p->options->dialer, &how, ret, err) &&
           belay_pg_exec(*ret, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

/* The same COPY on both sides; `what` is named when the sums differ. */
static bool compare_copies(pair *p, const char *copy, bool binary, const char *what, belay_error *err)
{
    belay_readback now = {0};
    belay_readback twin = {0};
    if (!belay_stop_check(err) || !belay_readback_copy(p->now, copy, binary, &now, err) ||
        !belay_readback_copy(p->twin, copy, binary, &twin, err))
        return belay_error_prefix(err, "%s", what);
    p->ret->rows += now.sum.rows;
    p->ret->raw_bytes += now.bytes + twin.bytes;
    if (belay_rowsum_equal(&now.sum, &twin.sum))
        return true;
    if (now.sum.rows == twin.sum.rows)
        belay_compare_note_difference(
            p->ret, belay_format("%s: %llu rows, but other values in at least one of them", what,
                        (unsigned long long)now.sum.rows));
    else
        belay_compare_note_difference(
            p->ret, belay_format("%s: expected %llu rows, got %llu", what, (unsigned long long)twin.sum.rows,
                        (unsigned long long)now.sum.rows));
    return true;
}

static bool compare_tables(pair *p, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *tables = NULL;
    if (!belay_pg_query0(p->twin, sql_twin_tables, &tables, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(tables); i++) {
        const char *name = belay_rows_text(tables, i, 0);
        BELAY_AUTO(belay_free) char *what = belay_format("table %s", name);
        BELAY_AUTO(belay_free) char *copy = belay_format("COPY (SELECT * FROM ONLY %s) TO STDOUT", name);
        const belay_progress progress = {.what = "compare",
            .item = name,
            .done_bytes = p->ret->raw_bytes,
            .done_rows = p->ret->rows,
            .elapsed_ms = belay_now_ms() - p->started_ms};
        belay_report_progress(p->options->reporter, &progress);
        if (!compare_copies(p, copy, false, what, err))
            return false;
    }
    return true;
}

/* A sequence may have moved on: nextval is not undone by a rollback. One that went back would give numbers
 * away again. */
static bool compare_positions(pair *p, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *now = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *twin = NULL;
    if (!belay_pg_query0(p->now, sql_twin_sequences, &now, err) ||
        !belay_pg_query0(p->twin, sql_twin_sequences, &twin, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(twin); i++) {
        const char *name = belay_rows_text(twin, i, 0);
        bool missing = !belay_equal(name, belay_rows_text(now, i, 0));
        int64_t want = belay_rows_int(twin, i, 2);
        int64_t got = missing ? 0 : belay_rows_int(now, i, 2);
        bool unused = !missing && belay_rows_is_null(now, i, 2);
        bool back = belay_rows_bool(twin, i, 1) ? got < want : got > want;
        if (belay_rows_is_null(twin, i, 2) ? missing : (missing || unused || back))
            belay_compare_note_difference(
                p->ret, belay_format("sequence %s: expected at least %lld, got %lld", name, (long long)want,
                            (long long)got));
    }
    return true;
}

bool belay_compare_twin(
    const belay_compare_options *options, const char *twin, belay_compare_differences *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *now_pg = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *twin_pg = NULL;
    pair p = {.options = options, .ret = ret, .started_ms = belay_now_ms()};
    if (!open_side(&p, options->dbname, &now_pg, err) || !open_side(&p, twin, &twin_pg, err))
        return false;
    p.now = now_pg;
    p.twin = twin_pg;
    bool ok = compare_positions(&p, err) &&
              compare_copies(&p, sql_twin_large_objects, true, "large objects", err) &&
              compare_tables(&p, err);
    ret->seconds = (double)(belay_now_ms() - p.started_ms) / 1000.0;
    return ok;
}
