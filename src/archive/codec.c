#include "archive/codec.h"

#include <zstd.h>

struct belay_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    char *buffer;
    size_t buffer_size;
};

enum { DECODE_BUFFER_BYTES = 1024 * 1024 };

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

bool belay_codec_encode(
    belay_codec *codec, const void *data, size_t size_bytes, belay_str *to, belay_error *err)
{
    size_t left = ZSTD_CCtx_reset(codec->compressor, ZSTD_reset_session_only);
    if (!ZSTD_isError(left))
        left = ZSTD_CCtx_setPledgedSrcSize(codec->compressor, size_bytes);
    if (ZSTD_isError(left))
        return encoder_failed(left, err);
    ZSTD_inBuffer in = {data, size_bytes, 0};
    do {
        ZSTD_outBuffer out = {codec->buffer, codec->buffer_size, 0};
        left = ZSTD_compressStream2(codec->compressor, &out, &in, ZSTD_e_end);
        if (ZSTD_isError(left))
            return encoder_failed(left, err);
        belay_str_append_n(to, codec->buffer, out.pos);
    } while (left != 0);
    return belay_str_check(to, "a compressed chunk", err);
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
