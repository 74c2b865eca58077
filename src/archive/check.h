/* Whether a manifest can be true: internal to src/archive. */
#ifndef BELAY_ARCHIVE_CHECK_H
#define BELAY_ARCHIVE_CHECK_H

#include "archive/manifest.h"

/* The members cover the file from its first byte to the manifest's span, without gap or overlap, under names
 * that are fit and stand once; each chunk of a table is a member and belongs to one table; rows and sizes add
 * up. No number is trusted before it was compared with the file's size. BELAY_E_ARCHIVE names the first
 * fault. */
bool belay_manifest_check(const belay_manifest *manifest, uint64_t manifest_offset, belay_error *err);

#endif
