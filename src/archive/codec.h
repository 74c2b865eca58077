/* zstd frames: one per member, with a checksum, so that a cut or damaged frame is always noticed. The content
 * size stands in the manifest, and in the header of frames that were encoded at once. A codec belongs to one
 * thread; its contexts are reused.
 *
 *     belay_codec_begin(codec, &frame); --belay_codec_write, any number--> belay_codec_end
 *
 * The compressor of level 1 looks half a megabyte back. A decoder needs 8 MB for any frame.
 */
#ifndef BELAY_ARCHIVE_CODEC_H
#define BELAY_ARCHIVE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/mem.h"
#include "util/str.h"

enum { BELAY_CODEC_LONG_BYTES = 8 * 1024 * 1024 };

typedef struct belay_codec belay_codec;
belay_codec *belay_codec_new(int level);
void belay_codec_free(belay_codec *codec);
BELAY_DEFINE_AUTO(belay_codec, belay_codec_free)
/* Frames from now on: matches over the whole of BELAY_CODEC_LONG_BYTES, instead of over the level's window.
 * Costs that much memory, and time. */
void belay_codec_look_far(belay_codec *codec);

/* A frame in pieces, appended to `to`, which is borrowed until the end; a begun frame may be dropped by
 * another begin. */
void belay_codec_begin(belay_codec *codec, belay_str *to);
bool belay_codec_write(belay_codec *codec, const void *data, size_t size_bytes, belay_error *err);
/* With the last of the data; with all of it, it is compressed from where it stands, without a copy: a seventh
 * faster than by pieces. */
bool belay_codec_end(belay_codec *codec, const void *data, size_t size_bytes, belay_error *err);

/* Whole buffer at once, appended to `to`. */
bool belay_codec_encode(
    belay_codec *codec, const void *data, size_t size_bytes, belay_str *to, belay_error *err);
/* Decodes in pieces: on_data gets each piece and returns false (with err) to stop. Exactly one complete frame
 * is required, nothing behind it. *ret_raw_bytes may be NULL. */
typedef bool belay_codec_sink(void *context, const void *data, size_t size_bytes, belay_error *err);
bool belay_codec_decode(belay_codec *codec, const void *frame, size_t size_bytes, belay_codec_sink *on_data,
    void *context, uint64_t *ret_raw_bytes, belay_error *err);

#endif
