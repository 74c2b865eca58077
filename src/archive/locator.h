/* The locator: the last member, one block of 512 bytes that says where manifest.json is, found at a fixed
 * distance from the end.
 *
 *   ... | locator's tar header 512 | locator 512 | end of archive 1024 zero bytes |
 *
 * It holds the SHA-256 of its own tar header and of the manifest's span. Written and read through one
 * formatting function, and compared byte for byte, so that any changed bit is noticed. Internal to
 * src/archive.
 */
#ifndef BELAY_ARCHIVE_LOCATOR_H
#define BELAY_ARCHIVE_LOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/hash.h"

enum { BELAY_TAR_BLOCK = 512, BELAY_LOCATOR_TAIL = 4 * BELAY_TAR_BLOCK };

typedef struct belay_locator {
    uint64_t manifest_offset;      /* of its span */
    uint64_t manifest_data_offset; /* of its first content byte */
    uint64_t manifest_bytes;       /* content */
    uint64_t manifest_span_bytes;
    char manifest_sha256[BELAY_SHA256_HEX_SIZE];
    char header_sha256[BELAY_SHA256_HEX_SIZE]; /* of the locator's own tar header block */
} belay_locator;

void belay_locator_format(const belay_locator *locator, char block[static BELAY_TAR_BLOCK]);
/* `tail`: the last BELAY_LOCATOR_TAIL bytes of a file of size_bytes. */
bool belay_locator_parse(
    const char tail[static BELAY_LOCATOR_TAIL], uint64_t size_bytes, belay_locator *ret, belay_error *err);

static inline uint64_t belay_tar_padded(uint64_t bytes)
{
    return (bytes + BELAY_TAR_BLOCK - 1) / BELAY_TAR_BLOCK * BELAY_TAR_BLOCK;
}

#endif
