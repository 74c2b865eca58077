/* Cuts what is to be read into pieces, has them taken, and puts each table's results together. */
#include "snapshot/flow.h"

/* Of table and TOAST, so that a piece makes a few chunks. */
#define PIECE_BYTES ((uint64_t)2 * BELAY_CHUNK_BYTES)

/* A heap of no page has no row for any snapshot: pages go only by TRUNCATE, after which COPY finds none
 * either, and by VACUUM when all that saw their rows has ended. */
static bool is_empty(const belay_planned *planned)
{
    return planned->is_heap && planned->block_count == 0;
}

/* Only a heap's rows have places by block. */
static uint64_t count_pieces(const belay_planned *planned)
{
    if (is_empty(planned))
        return 0;
    uint64_t pieces = planned->total_bytes / PIECE_BYTES;
    if (!planned->is_heap || planned->table->filter != NULL || pieces < 2)
        return 1;
    return pieces < planned->block_count ? pieces : planned->block_count;
}

static void cut(belay_planned *planned, belay_piece *pieces, uint64_t count)
{
    atomic_store(&planned->pieces_left, count);
    for (uint64_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        pieces[i] = (belay_piece){.take = belay_take_rows,
            .planned = planned,
            .first_block = planned->block_count * i / count,
            .end_block = last ? 0 : planned->block_count * (i + 1) / count,
            .cost_bytes = planned->total_bytes / count};
    }
}

static int compare_costs(const void *a, const void *b)
{
    const belay_piece *left = *(belay_piece *const *)a, *right = *(belay_piece *const *)b;
    if (left->cost_bytes != right->cost_bytes)
        return left->cost_bytes < right->cost_bytes ? 1 : -1;
    return (left > right) - (left < right);
}

static const char *sum_text(belay_taking *t, const belay_rowsum *sum)
{
    char hex[BELAY_ROWSUM_HEX_SIZE];
    belay_rowsum_hex(sum, hex);
    return belay_arena_strdup(t->arena, hex);
}

/* The table's chunks are in the order of its ranges, whatever order they were written in. */
static void collect_table(belay_taking *t, belay_planned *planned, const belay_piece *pieces, size_t count)
{
    belay_table *table = planned->table;
    belay_rowsum sum = {0}, generated = {0};
    const char **chunks = belay_arena_alloc(t->arena, (planned->member_count + 1) * sizeof *chunks);
    for (size_t i = 0; i < count; i++) {
        belay_rowsum_merge(&sum, &pieces[i].sum);
        belay_rowsum_merge(&generated, &pieces[i].generated_sum);
        table->raw_bytes += pieces[i].raw_bytes;
        for (size_t chunk = 0; chunk < pieces[i].chunk_count; chunk++)
            chunks[table->chunk_count++] = pieces[i].chunks[chunk];
    }
    table->chunks = chunks;
    table->rows = sum.rows;
    table->row_hash = sum_text(t, &sum);
    table->generated_hash = table->generated_count > 0 ? sum_text(t, &generated) : NULL;
    t->rows += table->rows;
    t->raw_bytes += table->raw_bytes;
}

static void collect(belay_taking *t, const belay_piece *pieces, size_t count)
{
    size_t at = BELAY_SECTION_COUNT;
    for (size_t i = 0; i < t->table_count; i++) {
        size_t from = at;
        while (at < count && pieces[at].planned == &t->planned[i])
            at++;
        collect_table(t, &t->planned[i], &pieces[from], at - from);
    }
}

static size_t cut_all(belay_taking *t, belay_piece *pieces)
{
    size_t count = BELAY_SECTION_COUNT;
    belay_section_pieces(pieces);
    for (size_t i = 0; i < t->table_count; i++) {
        uint64_t own = count_pieces(&t->planned[i]);
        t->progress.total_items += own > 0;
        cut(&t->planned[i], &pieces[count], own);
        count += own;
    }
    return count;
}

static bool take_all(belay_taking *t, belay_piece *pieces, size_t count, belay_error *err)
{
    BELAY_AUTO(belay_free) belay_piece **order = belay_realloc_array(NULL, count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = &pieces[i];
    qsort(order, count, sizeof(belay_piece *), compare_costs);
    if (!belay_flow_run(t, order, count, err))
        return false;
    collect(t, pieces, count);
    return true;
}

bool belay_taking_bulk(belay_taking *t, belay_error *err)
{
    size_t most = BELAY_SECTION_COUNT;
    for (size_t i = 0; i < t->table_count; i++)
        most += count_pieces(&t->planned[i]);
    BELAY_AUTO(belay_free) belay_piece *pieces = belay_realloc_array(NULL, most, sizeof *pieces);
    size_t count = cut_all(t, pieces);
    bool ok =
        belay_sections_begin(t, err) && take_all(t, pieces, count, err) && belay_sections_end(t, pieces, err);
    for (size_t i = 0; i < BELAY_SECTION_COUNT; i++)
        json_decref(pieces[i].entries);
    return ok;
}
