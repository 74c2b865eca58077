/* SHA-256 (libcrypto, which uses the CPU's instructions) and XXH3-128 sums of rows.
 *
 * A row hash of a table is the sum modulo 2^128 of XXH3-128 over each row's bytes: order-free, so it can be
 * compared after a restore. It detects damage and loss, it does not resist an attacker; SHA-256 of members
 * does.
 */
#ifndef BELAY_UTIL_HASH_H
#define BELAY_UTIL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/mem.h"

enum { BELAY_SHA256_BYTES = 32, BELAY_SHA256_HEX_SIZE = 65, BELAY_ROWSUM_HEX_SIZE = 33 };

/* Two lower-case digits per byte and a NUL: ret has room for 2 * size_bytes + 1. */
void belay_hex(const void *data, size_t size_bytes, char *ret);

typedef struct belay_sha256 belay_sha256;
belay_sha256 *belay_sha256_new(void);
void belay_sha256_free(belay_sha256 *hash);
BELAY_DEFINE_AUTO(belay_sha256, belay_sha256_free)
void belay_sha256_update(belay_sha256 *hash, const void *data, size_t size_bytes);
/* Lower-case hex; the hash starts afresh. */
void belay_sha256_finish(belay_sha256 *hash, char hex[static BELAY_SHA256_HEX_SIZE]);
void belay_sha256_of(const void *data, size_t size_bytes, char hex[static BELAY_SHA256_HEX_SIZE]);

typedef struct belay_rowsum {
    uint64_t low, high;
    uint64_t rows;
} belay_rowsum;
void belay_rowsum_add(belay_rowsum *sum, const void *row, size_t size_bytes);
void belay_rowsum_merge(belay_rowsum *sum, const belay_rowsum *other);
void belay_rowsum_hex(const belay_rowsum *sum, char hex[static BELAY_ROWSUM_HEX_SIZE]);
/* Back from hex; false when that is none. */
bool belay_rowsum_parse(const char *hex, uint64_t rows, belay_rowsum *ret);
bool belay_rowsum_equal(const belay_rowsum *a, const belay_rowsum *b);

#endif
