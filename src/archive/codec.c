#include "archive/codec.h"

#include <zstd.h>

struct belay_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    char *buffer;
    size_t buffer_size;
    belay_str *to; /* of the frame that was begun */
    bool may_hurry;
    bool is_fresh; /* nothing of the frame was fed */
};

enum { DECODE_BUFFER_BYTES = 1024 * 1024, LONG_WINDOW_LOG = 23 };

/* Level 1 spends a third of its time on the entropy coding of what does not repeat itself. With a target
 * length of its own the fast strategy goes without, and in longer steps (zstd.h, ZSTD_c_targetLength and
 * ZSTD_c_literalCompressionMode). */
enum { HURRY_TARGET_LENGTH = 2, SAMPLE_BYTES = 64 * 1024, HURRY_FROM_BYTES = 16 * SAMPLE_BYTES };
enum {
    HURRY_MAX_PERCENT = 109
}; /* of a sample; of the whole that is 105: what stands further back matches too */

belay_codec *belay_codec_new(int level)
{
    belay_codec *codec = belay_alloc(sizeof *codec);
    codec->compressor = ZSTD_createCCtx();
    codec->decompressor = ZSTD_createDCtx();
    codec->buffer_size =
        ZSTD_CStreamOutSize() > DECODE_BUFFER_BYTES ? ZSTD_CStreamOutSize() : DECODE_BUFFER_BYTES;
    codec->buffer = belay_alloc(codec->buffer_size);
    if (codec->compressor == NULL || codec->decompressor == NULL)
        abort(); /* out of memory: see util/mem.h */
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_checksumFlag, 1);
    codec->may_hurry = level == 1;
    return codec;
}

void belay_codec_free(belay_codec *codec)
{
    if (codec == NULL)
        return;
    ZSTD_freeCCtx(codec->compressor);
    ZSTD_freeDCtx(codec->decompressor);
    free(codec->buffer);
    free(codec);
}

static bool encoder_failed(size_t status, belay_error *err)
{
    return belay_fail(err, BELAY_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(status));
}

void belay_codec_look_far(belay_codec *codec)
{
    codec->may_hurry = false; /* who asks for it wants small files */
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_windowLog, LONG_WINDOW_LOG);
}

void belay_codec_begin(belay_codec *codec, belay_str *to)
{
    ZSTD_CCtx_reset(codec->compressor, ZSTD_reset_session_only);
    codec->to = to;
    codec->is_fresh = true;
}

static void set_pace(belay_codec *codec, bool in_a_hurry)
{
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_targetLength, in_a_hurry ? HURRY_TARGET_LENGTH : 0);
}

/* What the sample takes; 0 when it cannot be told. The output is thrown away. */
static size_t size_of_sample(belay_codec *codec, const void *data, bool in_a_hurry)
{
    set_pace(codec, in_a_hurry);
    size_t room = ZSTD_compressBound(SAMPLE_BYTES);
    if (!belay_str_reserve(codec->to, room))
        return 0;
    size_t size =
        ZSTD_compress2(codec->compressor, codec->to->data + codec->to->length, room, data, SAMPLE_BYTES);
    return ZSTD_isError(size) ? 0 : size;
}

/* Rows of numbers, keys and short words lose a twentieth and are done a quarter sooner; text, or base64,
 * would lose a third. */
static void choose_pace(belay_codec *codec, const void *data, size_t size_bytes)
{
    bool in_a_hurry = false;
    if (size_bytes >= HURRY_FROM_BYTES) {
        size_t slow = size_of_sample(codec, data, false), fast = size_of_sample(codec, data, true);
        in_a_hurry = fast > 0 && fast * 100 <= slow * HURRY_MAX_PERCENT;
    }
    set_pace(codec, in_a_hurry);
}

/* Feeds until the input is taken, or until the frame is whole. */
static bool feed(
    belay_codec *codec, const void *data, size_t size_bytes, ZSTD_EndDirective how, belay_error *err)
{
    if (codec->may_hurry && codec->is_fresh)
        choose_pace(codec, data, size_bytes);
    codec->is_fresh = false;
    ZSTD_inBuffer in = {data, size_bytes, 0};
    belay_str *to = codec->to;
    size_t left;
    do {
        size_t room = ZSTD_compressBound(in.size - in.pos);
        if (!belay_str_reserve(to, room))
            break;
        ZSTD_outBuffer out = {to->data + to->length, room, 0};
        left = ZSTD_compressStream2(codec->compressor, &out, &in, how);
        if (ZSTD_isError(left))
            return encoder_failed(left, err);
        to->length += out.pos;
    } while (how == ZSTD_e_end ? left != 0 : in.pos < in.size);
    return belay_str_check(codec->to, "a compressed chunk", err);
}

bool belay_codec_write(belay_codec *codec, const void *data, size_t size_bytes, belay_error *err)
{
    return feed(codec, data, size_bytes, ZSTD_e_continue, err);
}

bool belay_codec_end(belay_codec *codec, const void *data, size_t size_bytes, belay_error *err)
{
    return feed(codec, data, size_bytes, ZSTD_e_end, err);
}

bool belay_codec_encode(
    belay_codec *codec, const void *data, size_t size_bytes, belay_str *to, belay_error *err)
{
    belay_codec_begin(codec, to);
    return feed(codec, data, size_bytes, ZSTD_e_end, err);
}

static bool damaged(const char *what, belay_error *err)
{
    return belay_fail(err, BELAY_E_ARCHIVE, "zstd frame: %s", what);
}

bool belay_codec_decode(belay_codec *codec, const void *frame, size_t size_bytes, belay_codec_sink *on_data,
    void *context, uint64_t *ret_raw_bytes, belay_error *err)
{
    /* A cut stream can satisfy a reader that only looks for errors, so the frame's own length must be the
     * member's. */
    size_t frame_bytes = ZSTD_findFrameCompressedSize(frame, size_bytes);
    if (ZSTD_isError(frame_bytes))
        return damaged(ZSTD_getErrorName(frame_bytes), err);
    if (frame_bytes != size_bytes)
        return damaged("bytes stand behind its end", err);
    ZSTD_DCtx_reset(codec->decompressor, ZSTD_reset_session_only);
    ZSTD_inBuffer in = {frame, size_bytes, 0};
    uint64_t raw = 0;
    size_t left = 1;
    while (left != 0) {
        ZSTD_outBuffer out = {codec->buffer, codec->buffer_size, 0};
        left = ZSTD_decompressStream(codec->decompressor, &out, &in);
        if (ZSTD_isError(left))
            return damaged(ZSTD_getErrorName(left), err);
        raw += out.pos;
        if (on_data != NULL && out.pos > 0 && !on_data(context, codec->buffer, out.pos, err))
            return false;
        if (left != 0 && in.pos == in.size && out.pos == 0)
            return damaged("it ends too early", err);
    }
    if (ret_raw_bytes != NULL)
        *ret_raw_bytes = raw;
    return true;
}
