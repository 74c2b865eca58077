/* Forged archives: an attacker's, or a defective writer's, where every hash is right and the numbers are not.
 *
 *     members (as they were written) | manifest.json as given | locator that fits | zeros
 *
 * What is forged is only what a reader must not trust: the manifest. */
#ifndef BELAY_TESTS_FORGE_H
#define BELAY_TESTS_FORGE_H

#include "archive/archive.h"
#include "archive/locator.h"
#include "util/str.h"

/* Appends manifest.json with `text` and the tail behind the members that `to` holds (a multiple of 512
 * bytes). */
static inline void forge_tail(belay_str *to, const char *text, size_t length)
{
    static const char zeros[2 * BELAY_TAR_BLOCK];
    char block[BELAY_TAR_BLOCK];
    belay_locator l = {.manifest_offset = to->length, .manifest_bytes = length};
    belay_str_append_n(to, zeros, BELAY_TAR_BLOCK); /* its tar header: covered by the hash only */
    l.manifest_data_offset = to->length;
    belay_str_append_n(to, text, length);
    belay_str_append_n(to, zeros, belay_tar_padded(length) - length);
    l.manifest_span_bytes = to->length - l.manifest_offset;
    belay_sha256_of(to->data + l.manifest_offset, l.manifest_span_bytes, l.manifest_sha256);
    belay_sha256_of(zeros, BELAY_TAR_BLOCK, l.header_sha256);
    belay_locator_format(&l, block);
    belay_str_append_n(to, zeros, BELAY_TAR_BLOCK);
    belay_str_append_n(to, block, sizeof block);
    belay_str_append_n(to, zeros, sizeof zeros);
}

#endif
