/* A chunk on its way from a worker to the writer. */
#include "snapshot/flow.h"

bool belay_chunk_begin(belay_worker *w, belay_piece *piece, belay_error *err)
{
    void *chunk = NULL;
    if (!belay_queue_take(w->flow->free_chunks, &chunk))
        return belay_flow_given_up(err);
    w->chunk = chunk;
    w->chunk->piece = piece;
    w->chunk->raw_bytes = w->chunk->rows = 0;
    w->buffered = 0;
    belay_str_clear(&w->chunk->frame);
    belay_codec_begin(w->codec, &w->chunk->frame);
    return true;
}

static bool flush(belay_worker *w, belay_error *err)
{
    size_t size = w->buffered;
    w->buffered = 0;
    return belay_codec_write(w->codec, w->buffer, size, err);
}

bool belay_chunk_add(belay_worker *w, const void *data, size_t size_bytes, belay_error *err)
{
    w->chunk->raw_bytes += size_bytes;
    if (size_bytes > sizeof w->buffer - w->buffered && !flush(w, err))
        return false;
    if (size_bytes > sizeof w->buffer)
        return belay_codec_write(w->codec, data, size_bytes, err);
    memcpy(w->buffer + w->buffered, data, size_bytes);
    w->buffered += size_bytes;
    return true;
}

bool belay_chunk_end(belay_worker *w, belay_error *err)
{
    if (!belay_codec_end(w->codec, w->buffer, w->buffered, err))
        return false;
    if (!belay_queue_put(w->flow->full_chunks, w->chunk))
        return belay_flow_given_up(err);
    w->chunk = NULL;
    return true;
}

void belay_chunk_drop(belay_worker *w)
{
    if (w->chunk != NULL)
        belay_queue_put(w->flow->free_chunks, w->chunk);
    w->chunk = NULL;
}
