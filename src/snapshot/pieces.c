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
            .needs_server = true,
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

static void collect_tables(belay_taking *t, const belay_piece *pieces, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < t->table_count; i++) {
        size_t from = at;
        while (at < count && pieces[at].planned == &t->planned[i])
            at++;
        collect_table(t, &t->planned[i], &pieces[from], at - from);
    }
}

static size_t cut_tables(belay_taking *t, belay_piece *pieces)
{
    size_t count = 0;
    for (size_t i = 0; i < t->table_count; i++) {
        uint64_t own = count_pieces(&t->planned[i]);
        t->progress.total_items += own > 0;
        cut(&t->planned[i], &pieces[count], own);
        count += own;
    }
    return count;
}

/* In the order of their members. */
static const belay_extra *const extras[] = {
    &belay_extra_sections, &belay_extra_large_objects, &belay_extra_sequences, &belay_extra_statistics};

/* All pieces: those of each of `extras`, then the tables'. */
typedef struct pile {
    belay_piece *pieces;
    size_t extra_counts[BELAY_COUNT(extras)];
    size_t extra_count, count;
} pile;

static bool gather(belay_taking *t, pile *all, belay_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < BELAY_COUNT(extras); i++) {
        if (extras[i]->begin != NULL && !extras[i]->begin(t, &all->extra_counts[i], err))
            return false;
        most += all->extra_counts[i];
    }
    for (size_t i = 0; i < t->table_count; i++)
        most += count_pieces(&t->planned[i]);
    all->pieces = belay_realloc_array(NULL, most, sizeof *all->pieces);
    for (size_t i = 0; i < BELAY_COUNT(extras); i++) {
        if (extras[i]->cut != NULL)
            extras[i]->cut(t, &all->pieces[all->extra_count], all->extra_counts[i]);
        all->extra_count += all->extra_counts[i];
    }
    all->count = all->extra_count + cut_tables(t, &all->pieces[all->extra_count]);
    return true;
}

static bool take_all(belay_taking *t, const pile *all, belay_error *err)
{
    BELAY_AUTO(belay_free) belay_piece **order = belay_realloc_array(NULL, all->count, sizeof *order);
    for (size_t i = 0; i < all->count; i++)
        order[i] = &all->pieces[i];
    qsort(order, all->count, sizeof(belay_piece *), compare_costs);
    return belay_flow_run(t, order, all->count, err);
}

static bool collect(belay_taking *t, const pile *all, belay_error *err)
{
    const belay_piece *at = all->pieces;
    collect_tables(t, &all->pieces[all->extra_count], all->count - all->extra_count);
    for (size_t i = 0; i < BELAY_COUNT(extras); at += all->extra_counts[i++]) {
        if (!extras[i]->end(t, at, all->extra_counts[i], err))
            return false;
    }
    return true;
}

bool belay_taking_bulk(belay_taking *t, belay_error *err)
{
    pile all = {0};
    bool ok = gather(t, &all, err) && take_all(t, &all, err) && collect(t, &all, err);
    for (size_t i = 0; i < all.extra_count; i++)
        json_decref(all.pieces[i].entries);
    free(all.pieces);
    return ok;
}
