#include "pipeline/lines.h"

enum { BLOCK_BYTES = 64 * 1024 };

/* A part of the object that was read last. */
typedef struct window {
    belay_source *source;
    uint64_t at;
    size_t length;
    char *bytes; /* BLOCK_BYTES */
} window;

static bool load(window *w, uint64_t at, uint64_t end, belay_error *err)
{
    w->at = at;
    w->length = end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES;
    return w->source->read(w->source, at, w->bytes, w->length, err);
}

/* An overlong line makes the builder fail, which is how it is known at its end. */
static bool end_line(belay_str *line, belay_line_visitor *visit, void *context, bool *stop, belay_error *err)
{
    bool ok = line->failed || visit(context, (belay_span){belay_str_text(line), line->length}, stop, err);
    belay_str_clear(line);
    return ok;
}

bool belay_lines_forwards(
    belay_source *source, size_t max_bytes, belay_line_visitor *visit, void *context, belay_error *err)
{
    BELAY_AUTO(belay_free) char *bytes = belay_alloc(BLOCK_BYTES);
    BELAY_AUTO(belay_str_done) belay_str line = BELAY_STR_MAX(max_bytes + 1); /* length < max */
    window w = {.source = source, .bytes = bytes};
    bool stop = false;
    for (uint64_t at = 0; at < source->size_bytes; at += w.length) {
        if (!load(&w, at, source->size_bytes, err))
            return false;
        for (size_t from = 0; from < w.length && !stop;) {
            const char *newline = memchr(bytes + from, '\n', w.length - from);
            size_t to = newline == NULL ? w.length : (size_t)(newline - bytes);
            belay_str_append_n(&line, bytes + from, to - from);
            from = to + 1;
            if (newline != NULL && !end_line(&line, visit, context, &stop, err))
                return false;
        }
        if (stop)
            return true;
    }
    return line.length == 0 || end_line(&line, visit, context, &stop, err);
}

/* Where the line begins that ends before `end`. */
static bool find_start(window *w, uint64_t end, uint64_t *ret, belay_error *err)
{
    uint64_t at = end;
    while (at > 0) {
        bool loaded = w->length > 0 && at > w->at && at <= w->at + w->length;
        if (!loaded && !load(w, at > BLOCK_BYTES ? at - BLOCK_BYTES : 0, at, err))
            return false;
        const char *newline = memrchr(w->bytes, '\n', (size_t)(at - w->at));
        at = w->at;
        if (newline != NULL) {
            at += (uint64_t)(newline - w->bytes) + 1;
            break;
        }
    }
    *ret = at;
    return true;
}

static bool visit_at(const window *w, uint64_t start, uint64_t end, belay_line_visitor *visit, void *context,
    bool *stop, belay_error *err)
{
    size_t length = (size_t)(end - start);
    if (length == 0 || (start >= w->at && end <= w->at + w->length))
        return visit(context, (belay_span){length == 0 ? "" : w->bytes + (start - w->at), length}, stop, err);
    BELAY_AUTO(belay_free) char *line = belay_try_alloc(length, err);
    return line != NULL && w->source->read(w->source, start, line, length, err) &&
           visit(context, (belay_span){line, length}, stop, err);
}

bool belay_lines_backwards(
    belay_source *source, size_t max_bytes, belay_line_visitor *visit, void *context, belay_error *err)
{
    BELAY_AUTO(belay_free) char *bytes = belay_alloc(BLOCK_BYTES);
    window w = {.source = source, .bytes = bytes};
    uint64_t end = source->size_bytes;
    char last = '\0';
    bool stop = false;
    if (end > 0 && !source->read(source, end - 1, &last, 1, err))
        return false;
    end -= last == '\n';
    while (end > 0 && !stop) {
        uint64_t start = 0;
        if (!find_start(&w, end, &start, err) ||
            (end - start <= max_bytes && !visit_at(&w, start, end, visit, context, &stop, err)))
            return false;
        end = start == 0 ? 0 : start - 1;
    }
    return true;
}
