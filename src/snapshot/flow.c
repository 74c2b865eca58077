#include "snapshot/flow.h"

#include "util/clock.h"
#include "util/condition.h"
#include "util/crew.h"
#include "util/stop.h"

enum { SPARE_CHUNKS = 3, TICK_MS = 200 };

/* A chunk that one huge row made large is not kept so. */
#define KEPT_FRAME_BYTES ((size_t)2 * BELAY_CHUNK_BYTES)

/* A row may hold a gigabyte, and twice as much as text. */
#define FRAME_MAX_BYTES ((size_t)4 * 1024 * 1024 * 1024)

bool belay_flow_fail(belay_flow *flow, const belay_error *err)
{
    pthread_mutex_lock(&flow->mutex);
    if (!atomic_load(&flow->t->given_up))
        flow->failure = *err;
    atomic_store(&flow->t->given_up, true);
    pthread_mutex_unlock(&flow->mutex);
    belay_queue_cancel(flow->free_chunks);
    belay_queue_cancel(flow->full_chunks);
    return false;
}

bool belay_flow_given_up(belay_error *err)
{
    return belay_stop_check(err) && belay_fail(err, BELAY_E_CANCELLED, "another part of the snapshot failed");
}

static belay_piece *find_wanted(belay_flow *flow)
{
    for (size_t i = flow->next; i < flow->piece_count; i++) {
        belay_piece *piece = flow->pieces[i];
        if (!piece->is_begun && piece->planned != NULL && atomic_load(&piece->planned->is_wanted))
            return piece;
    }
    return NULL;
}

static belay_piece *find_next(belay_flow *flow)
{
    while (flow->pieces[flow->next]->is_begun)
        flow->next++;
    return flow->pieces[flow->next];
}

belay_piece *belay_flow_next(belay_flow *flow)
{
    pthread_mutex_lock(&flow->mutex);
    belay_piece *piece = atomic_exchange(&flow->t->any_wanted, false) ? find_wanted(flow) : NULL;
    if (piece != NULL)
        atomic_store(&flow->t->any_wanted, true); /* there may be more */
    else
        piece = find_next(flow);
    piece->is_begun = true;
    pthread_mutex_unlock(&flow->mutex);
    return piece;
}

static void note_member(belay_taking *t, belay_piece *piece, const char *member, uint64_t raw_bytes)
{
    if (piece->chunk_count == piece->chunk_capacity) {
        size_t capacity = piece->chunk_capacity == 0 ? 2 : piece->chunk_capacity * 2;
        const char **chunks = belay_arena_alloc(t->arena, capacity * sizeof *chunks);
        if (piece->chunk_count > 0)
            memcpy(chunks, piece->chunks, piece->chunk_count * sizeof *chunks);
        piece->chunks = chunks;
        piece->chunk_capacity = capacity;
    }
    piece->chunks[piece->chunk_count++] = belay_arena_strdup(t->arena, member);
    piece->raw_bytes += raw_bytes;
}

static char *member_name(belay_taking *t, const belay_piece *piece)
{
    if (piece->member != NULL)
        return belay_strdup(piece->member);
    if (piece->series != NULL)
        return belay_format("%s%zu.zst", piece->series, piece->chunk_count + 1);
    if (piece->planned == NULL)
        return belay_format("blobs/%zu.zst", ++t->blob_count);
    return belay_format("data/%s/%zu.copy.zst", piece->planned->folder, ++piece->planned->member_count);
}

static bool append(belay_taking *t, const belay_chunk *chunk, belay_error *err)
{
    belay_piece *piece = chunk->piece;
    BELAY_AUTO(belay_free) char *member = member_name(t, piece);
    if (!belay_archive_add(
            t->writer, member, chunk->frame.data, chunk->frame.length, chunk->raw_bytes, chunk->rows, err))
        return false;
    note_member(t, piece, member, chunk->raw_bytes);
    return true;
}

/* The writer thread: the only one at the archive, and at the arena, while it runs. */
static void *write_chunks(void *context)
{
    belay_flow *flow = context;
    void *item = NULL;
    while (belay_queue_take(flow->full_chunks, &item)) {
        belay_chunk *chunk = item;
        belay_error err = {0};
        if (!append(flow->t, chunk, &err))
            belay_flow_fail(flow, &err);
        if (chunk->frame.capacity > KEPT_FRAME_BYTES)
            belay_str_done(&chunk->frame);
        belay_queue_put(flow->free_chunks, chunk);
    }
    pthread_mutex_lock(&flow->mutex);
    flow->is_writing = false;
    pthread_cond_signal(&flow->written);
    pthread_mutex_unlock(&flow->mutex);
    return NULL;
}

static void report(belay_flow *flow)
{
    belay_taking *t = flow->t;
    const belay_planned *at = atomic_load(&flow->at);
    t->progress.item = at != NULL                             ? at->table->name
                       : atomic_load(&flow->schema_left) == 0 ? "large objects"
                                                              : "schema";
    t->progress.item_done_bytes = at == NULL ? 0 : atomic_load(&at->read_bytes);
    t->progress.item_total_bytes = at == NULL ? 0 : at->total_bytes;
    t->progress.done_items = atomic_load(&flow->tables_done);
    t->progress.done_bytes = atomic_load(&flow->bytes);
    t->progress.done_rows = atomic_load(&flow->rows);
    belay_taking_advance(t, 0, 0);
}

/* pg_dump needs the locks of all tables until it is done. */
static bool may_give_back(const belay_flow *flow)
{
    const belay_waiters *waiters = &flow->t->waiters;
    return waiters->at_holder > 0 && waiters->unread == 0 && atomic_load(&flow->schema_left) == 0;
}

static bool give_back(belay_flow *flow, belay_error *err)
{
    if (!may_give_back(flow))
        return true;
    flow->t->waiters = (belay_waiters){0}; /* until it looks again */
    return belay_holder_renew(flow, err);
}

/* Without the coordinator's transaction nobody else can join the snapshot. */
static void tick(void *context)
{
    belay_flow *flow = context;
    belay_error err = {0};
    report(flow);
    if (atomic_load(&flow->t->given_up))
        return;
    if (belay_stop_check(&err) && belay_holder_check(flow, &err) && belay_taking_watch(flow->t, &err) &&
        give_back(flow, &err))
        return;
    belay_flow_fail(flow, &err);
    belay_holder_let_go(flow); /* at once, however long the writer still has to do with a slow store */
}

static void init(belay_flow *flow, belay_taking *t, belay_piece **pieces, size_t count)
{
    flow->t = t;
    flow->pieces = pieces;
    flow->piece_count = count;
    flow->chunk_count = t->jobs + SPARE_CHUNKS;
    flow->chunks = belay_realloc_array(NULL, flow->chunk_count, sizeof *flow->chunks);
    flow->free_chunks = belay_queue_new(flow->chunk_count);
    flow->full_chunks = belay_queue_new(flow->chunk_count);
    pthread_mutex_init(&flow->mutex, NULL);
    belay_condition_init(&flow->written);
    belay_condition_init(&flow->returned);
    flow->checked_ms = belay_now_ms();
    for (size_t i = 0; i < count; i++)
        flow->schema_left += pieces[i]->is_schema;
    for (size_t i = 0; i < flow->chunk_count; i++) {
        flow->chunks[i] = (belay_chunk){.frame = BELAY_STR_MAX(FRAME_MAX_BYTES)};
        belay_queue_put(flow->free_chunks, &flow->chunks[i]);
    }
}

static void done(belay_flow *flow)
{
    for (size_t i = 0; i < flow->chunk_count; i++)
        belay_str_done(&flow->chunks[i].frame);
    free(flow->chunks);
    belay_queue_free(flow->free_chunks);
    belay_queue_free(flow->full_chunks);
    pthread_cond_destroy(&flow->written);
    pthread_cond_destroy(&flow->returned);
    pthread_mutex_destroy(&flow->mutex);
}

/* What it still has to write may take long on a slow store, and the locks are held meanwhile. */
static void join_writer(belay_flow *flow, pthread_t writer)
{
    pthread_mutex_lock(&flow->mutex);
    while (flow->is_writing) {
        belay_condition_wait(&flow->written, &flow->mutex, TICK_MS);
        pthread_mutex_unlock(&flow->mutex);
        tick(flow);
        pthread_mutex_lock(&flow->mutex);
    }
    pthread_mutex_unlock(&flow->mutex);
    pthread_join(writer, NULL);
}

/* The crew under the writer's eyes; everybody has ended when it returns. */
static bool work(belay_flow *flow, belay_error *err)
{
    const belay_crew_task task = {.work = belay_worker_work,
        .begin = belay_worker_begin,
        .end = belay_worker_end,
        .tick = tick,
        .context = flow};
    pthread_t writer;
    flow->is_writing = true;
    int fault = pthread_create(&writer, NULL, write_chunks, flow);
    if (fault != 0)
        return belay_fail_errno(err, fault, "cannot start a thread");
    bool ok = belay_crew_run(&task, flow->piece_count, flow->t->jobs, err);
    if (ok)
        belay_queue_close(flow->full_chunks);
    else
        belay_queue_cancel(flow->full_chunks);
    join_writer(flow, writer);
    return ok && belay_stop_check(err);
}

bool belay_flow_run(belay_taking *t, belay_piece **pieces, size_t count, belay_error *err)
{
    belay_flow flow = {0};
    init(&flow, t, pieces, count);
    bool ok = work(&flow, err);
    if (atomic_load(&t->given_up)) {
        ok = false;
        if (err != NULL)
            *err = flow.failure;
    }
    report(&flow);
    t->progress.item = NULL;
    t->progress.item_done_bytes = t->progress.item_total_bytes = 0;
    done(&flow);
    return ok;
}
