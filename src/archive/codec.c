#include "archive/codec.h"

#include <zstd.h>

struct belay_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    char *buffer;
    size_t buffer_size;
    belay_str *to; /* of the frame that was begun */
};

enum { DECODE_BUFFER_BYTES = 1024 * 1024, LONG_WINDOW_LOG = 23 };

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
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_windowLog, LONG_WINDOW_LOG);
}

void belay_codec_begin(belay_codec *codec, belay_str *to)
{
    ZSTD_CCtx_reset(codec->compressor, ZSTD_reset_session_only);
    codec->to = to;
}

/* Feeds until the input is taken, or until the frame is whole. */
static bool feed(
    belay_codec *codec, const void *data, size_t size_bytes, ZSTD_EndDirective how, belay_error *err)
{
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
    size_t status = ZSTD_CCtx_setPledgedSrcSize(codec->compressor, size_bytes);
    if (ZSTD_isError(status))
        return encoder_failed(status, err);
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
