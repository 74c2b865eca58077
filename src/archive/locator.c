#include "archive/locator.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void belay_locator_format(const belay_locator *l, char block[static BELAY_TAR_BLOCK])
{
    char text[BELAY_TAR_BLOCK + 1];
    memset(block, '\n', BELAY_TAR_BLOCK);
    int length = snprintf(text, sizeof text,
        "belay locator 1\nheader_sha256 %s\nmanifest_offset %020" PRIu64 "\nmanifest_data_offset %020" PRIu64
        "\nmanifest_bytes %020" PRIu64 "\nmanifest_span_bytes %020" PRIu64 "\nmanifest_sha256 %s\n",
        l->header_sha256, l->manifest_offset, l->manifest_data_offset, l->manifest_bytes,
        l->manifest_span_bytes, l->manifest_sha256);
    memcpy(block, text, (size_t)length);
}

static bool broken(const char *what, belay_error *err)
{
    belay_fail(err, BELAY_E_ARCHIVE, "locator: %s", what);
    return belay_error_hint(
        err, "the file was cut, or is not a snapshot of belay; `belay snapshots` lists others");
}

bool belay_locator_parse(
    const char tail[static BELAY_LOCATOR_TAIL], uint64_t size_bytes, belay_locator *ret, belay_error *err)
{
    const char *block = tail + BELAY_TAR_BLOCK;
    char text[BELAY_TAR_BLOCK + 1];
    char again[BELAY_TAR_BLOCK];
    char header[BELAY_SHA256_HEX_SIZE];
    belay_locator l = {0};
    for (size_t i = 2 * BELAY_TAR_BLOCK; i < BELAY_LOCATOR_TAIL; i++) {
        if (tail[i] != '\0')
            return broken("the end of the archive is not two blocks of zeros", err);
    }
    memcpy(text, block, BELAY_TAR_BLOCK);
    text[BELAY_TAR_BLOCK] = '\0';
    int got = sscanf(text,
        "belay locator 1\nheader_sha256 %64[0-9a-f]\nmanifest_offset %20" SCNu64
        "\nmanifest_data_offset %20" SCNu64 "\nmanifest_bytes %20" SCNu64 "\nmanifest_span_bytes %20" SCNu64
        "\nmanifest_sha256 %64[0-9a-f]\n",
        l.header_sha256, &l.manifest_offset, &l.manifest_data_offset, &l.manifest_bytes,
        &l.manifest_span_bytes, l.manifest_sha256);
    if (got != 6)
        return broken("not there", err);
    belay_locator_format(&l, again);
    if (memcmp(again, block, BELAY_TAR_BLOCK) != 0)
        return broken("damaged", err);
    belay_sha256_of(tail, BELAY_TAR_BLOCK, header);
    if (strcmp(header, l.header_sha256) != 0)
        return broken("its tar header is damaged", err);
    uint64_t end = size_bytes - BELAY_LOCATOR_TAIL;
    if (l.manifest_offset > end || l.manifest_span_bytes != end - l.manifest_offset ||
        l.manifest_data_offset < l.manifest_offset + BELAY_TAR_BLOCK || l.manifest_data_offset > end ||
        l.manifest_bytes > end - l.manifest_data_offset ||
        l.manifest_data_offset + belay_tar_padded(l.manifest_bytes) != end)
        return broken("it points outside of the file", err);
    *ret = l;
    return true;
}
