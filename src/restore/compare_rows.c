#include "restore/compare_rows.h"

#include <stdatomic.h>

#include "restore/restore.sql.h"
#include "util/clock.h"
#include "util/crew.h"

void belay_compare_parts_add(belay_compare_parts *parts, belay_compare_part part, uint64_t bytes, bool heap)
{
    size_t count = belay_readback_parts(bytes, heap);
    BELAY_AUTO(belay_free) char *name = part.name;
    BELAY_AUTO(belay_free) char *select = (char *)(uintptr_t)part.what.select;
    part.bytes = bytes / count;
    part.what.parts = count;
    part.pages = belay_alloc(BELAY_COMPARE_SIDES * sizeof *part.pages);
    for (size_t i = 0; i < count; i++) {
        if (parts->count == parts->capacity) {
            parts->capacity = parts->capacity == 0 ? 64 : parts->capacity * 2;
            parts->items = belay_realloc_array(parts->items, parts->capacity, sizeof *parts->items);
        }
        part.what.part = i;
        part.what.select = belay_strdup(select);
        part.name = belay_strdup(name);
        parts->items[parts->count++] = part;
    }
}

void belay_compare_parts_done(belay_compare_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        belay_compare_part *part = &parts->items[i];
        free((char *)(uintptr_t)part->what.select);
        free(part->name);
        free(part->missing);
        if (part->what.part == 0)
            free(part->pages);
    }
    free(parts->items);
    *parts = (belay_compare_parts){0};
}

typedef struct reading {
    const belay_compare_reading *how;
    belay_compare_part **order; /* as they are read */
    char *begin[BELAY_COMPARE_SIDES];
    _Atomic(const belay_compare_part *) at;
    atomic_uint_fast64_t bytes, rows; /* of the first side */
    int64_t started_ms;
} reading;

/* A thread's connections, made when it has something to read. */
typedef struct reader {
    belay_row_reader sides[BELAY_COMPARE_SIDES];
} reader;

static void *begin(void *context)
{
    (void)context;
    return belay_alloc(sizeof(reader));
}

static void end(void *context, void *own)
{
    const reading *r = context;
    reader *mine = own;
    for (size_t side = 0; side < r->how->side_count; side++)
        belay_pg_close(mine->sides[side].pg);
    free(mine);
}

static bool connect_side(const reading *r, size_t side, belay_row_reader *ret, belay_error *err)
{
    const belay_pg_options how = {.dbname = r->how->sides[side].dbname,
        .application_name = r->how->options->run_id,
        .profile = BELAY_PG_DATA};
    if (ret->pg != NULL)
        return true;
    ret->begin = r->begin[side];
    ret->path = "SET LOCAL search_path = DEFAULT;";
    return belay_pg_open(r->how->options->dialer, &how, &ret->pg, err);
}

static bool read_part(void *context, void *own, size_t number, belay_error *err)
{
    reading *r = context;
    reader *mine = own;
    belay_compare_part *part = r->order[number];
    atomic_store(&r->at, part);
    for (size_t side = 0; side < r->how->side_count && part->missing == NULL; side++) {
        belay_readback_part what = part->what;
        what.pages = &part->pages[side];
        if (!connect_side(r, side, &mine->sides[side], err) ||
            !belay_readback_read(&mine->sides[side], &what, &part->got[side], &part->missing, err))
            return belay_error_prefix(err, "%s", part->name);
    }
    atomic_fetch_add(&r->bytes, part->generated ? 0 : part->got[0].bytes);
    atomic_fetch_add(&r->rows, part->generated ? 0 : part->got[0].sum.rows);
    return true;
}

static void report(void *context)
{
    reading *r = context;
    const belay_compare_part *at = atomic_load(&r->at);
    const belay_progress progress = {.what = "compare",
        .item = at == NULL          ? NULL
                : at->table == NULL ? at->name
                                    : at->table->name,
        .done_bytes = atomic_load(&r->bytes),
        .total_bytes = r->how->total_bytes,
        .done_rows = atomic_load(&r->rows),
        .elapsed_ms = belay_now_ms() - r->started_ms};
    belay_report_progress(r->how->options->reporter, &progress);
}

static int largest_first(const void *a, const void *b)
{
    const belay_compare_part *left = *(belay_compare_part *const *)a;
    const belay_compare_part *right = *(belay_compare_part *const *)b;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? 1 : -1;
    return (left > right) - (left < right);
}

static bool export_snapshots(reading *r, belay_error *err)
{
    for (size_t side = 0; side < r->how->side_count; side++) {
        BELAY_AUTO(belay_free) char *snapshot = NULL;
        if (!belay_pg_value(r->how->sides[side].pg, sql_export_snapshot, NULL, 0, &snapshot, err))
            return false;
        r->begin[side] = belay_format(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s';", snapshot);
    }
    return true;
}

bool belay_compare_read(const belay_compare_reading *how, belay_compare_parts *parts, belay_error *err)
{
    BELAY_AUTO(belay_free)
    belay_compare_part **order = belay_realloc_array(NULL, parts->count + 1, sizeof(belay_compare_part *));
    for (size_t i = 0; i < parts->count; i++)
        order[i] = &parts->items[i];
    qsort(order, parts->count, sizeof *order, largest_first);
    reading r = {.how = how, .order = order, .started_ms = belay_now_ms()};
    const belay_crew_task task = {
        .work = read_part, .begin = begin, .end = end, .tick = report, .context = &r};
    bool ok = export_snapshots(&r, err) &&
              belay_crew_run(&task, parts->count, belay_crew_size(how->options->jobs), err);
    for (size_t side = 0; side < how->side_count; side++)
        free(r.begin[side]);
    return ok;
}
