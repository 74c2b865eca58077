/* The comparison of a database with its twin. */
#include "restore/compare_parts.h"
#include "restore/compare_rows.h"
#include "restore/compare_twin.sql.h"
#include "util/clock.h"

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

static void add_objects(belay_compare_parts *to)
{
    const belay_compare_part part = {.name = belay_strdup("large objects"),
        .what = {.select = belay_strdup(sql_twin_large_objects), .format = "binary"}};
    belay_compare_parts_add(to, part, 0, false);
}

static bool list_parts(pair *p, belay_compare_parts *to, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *tables = NULL;
    if (!belay_pg_query0(p->twin, sql_twin_tables, &tables, err))
        return false;
    add_objects(to);
    for (size_t i = 0; i < belay_rows_count(tables); i++) {
        const char *name = belay_rows_text(tables, i, 0);
        const belay_compare_part part = {.name = belay_format("table %s", name),
            .what = {.select = belay_format("SELECT * FROM ONLY %s", name),
                .format = "text",
                .oid = (uint32_t)belay_rows_int(tables, i, 1)}};
        belay_compare_parts_add(
            to, part, (uint64_t)belay_rows_int(tables, i, 2), belay_rows_bool(tables, i, 3));
    }
    return true;
}

/* Rows may have moved between pages: only the sums of all parts of a table are equal. */
static void note_parts(pair *p, const belay_compare_parts *parts)
{
    for (size_t i = 0; i < parts->count; i += parts->items[i].what.parts) {
        const belay_compare_part *first = &parts->items[i];
        belay_readback now = {0};
        belay_readback twin = {0};
        const char *missing = NULL;
        for (size_t j = 0; j < first->what.parts; j++) {
            belay_readback_merge(&now, &first[j].got[0]);
            belay_readback_merge(&twin, &first[j].got[1]);
            missing = missing == NULL ? first[j].missing : missing;
        }
        p->ret->rows += now.sum.rows;
        p->ret->raw_bytes += now.bytes + twin.bytes;
        if (missing != NULL)
            belay_compare_note_difference(p->ret, belay_format("%s: %s", first->name, missing));
        else
            belay_compare_note_sums(p->ret, first->name, &twin.sum, &now.sum);
    }
}

static bool compare_rows(pair *p, const char *twin, belay_error *err)
{
    BELAY_AUTO(belay_compare_parts_done) belay_compare_parts parts = {0};
    const belay_compare_reading reading = {
        .options = p->options, .sides = {{p->options->dbname, p->now}, {twin, p->twin}}, .side_count = 2};
    if (!list_parts(p, &parts, err) || !belay_compare_read(&reading, &parts, err))
        return false;
    note_parts(p, &parts);
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
    bool ok = compare_positions(&p, err) && compare_rows(&p, twin, err);
    ret->seconds = (double)(belay_now_ms() - p.started_ms) / 1000.0;
    return ok;
}
