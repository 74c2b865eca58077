/* zstd frames: one per member, with content size and checksum, so that a cut or damaged frame is always
 * noticed. A codec belongs to one thread; its contexts are reused.
 */
#ifndef BELAY_ARCHIVE_CODEC_H
#define BELAY_ARCHIVE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/mem.h"
#include "util/str.h"

typedef struct belay_codec belay_codec;
belay_codec *belay_codec_new(int level);
void belay_codec_free(belay_codec *codec);
BELAY_DEFINE_AUTO(belay_codec, belay_codec_free)

/* Whole buffer at once, appended to `to`. */
bool belay_codec_encode(
    belay_codec *codec, const void *data, size_t size_bytes, belay_str *to, belay_error *err);
/* Decodes in pieces: on_data gets each piece and returns false (with err) to stop. Exactly one complete frame
 * is required, nothing behind it. *ret_raw_bytes may be NULL. */
typedef bool belay_codec_sink(void *context, const void *data, size_t size_bytes, belay_error *err);
bool belay_codec_decode(belay_codec *codec, const void *frame, size_t size_bytes, belay_codec_sink *on_data,
    void *context, uint64_t *ret_raw_bytes, belay_error *err);

#endif
