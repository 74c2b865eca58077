#include "util/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct belay_sha256 {
    EVP_MD_CTX *context;
};

static void begin(belay_sha256 *hash)
{
    if (EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1)
        abort(); /* libcrypto without SHA-256 */
}

belay_sha256 *belay_sha256_new(void)
{
    belay_sha256 *hash = belay_alloc(sizeof *hash);
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL)
        abort();
    begin(hash);
    return hash;
}

void belay_sha256_free(belay_sha256 *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void belay_hex(const void *data, size_t size_bytes, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size_bytes; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

void belay_sha256_update(belay_sha256 *hash, const void *data, size_t size_bytes)
{
    EVP_DigestUpdate(hash->context, data, size_bytes);
}

void belay_sha256_finish(belay_sha256 *hash, char hex[static BELAY_SHA256_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(hash->context, digest, NULL);
    belay_hex(digest, BELAY_SHA256_BYTES, hex);
    begin(hash);
}

void belay_sha256_of(const void *data, size_t size_bytes, char hex[static BELAY_SHA256_HEX_SIZE])
{
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    belay_sha256_update(hash, data, size_bytes);
    belay_sha256_finish(hash, hex);
}

void belay_rowsum_add(belay_rowsum *sum, const void *row, size_t size_bytes)
{
    XXH128_hash_t hash = XXH3_128bits(row, size_bytes);
    uint64_t low = sum->low + hash.low64;
    sum->high += hash.high64 + (low < sum->low);
    sum->low = low;
    sum->rows++;
}

void belay_rowsum_merge(belay_rowsum *sum, const belay_rowsum *other)
{
    uint64_t low = sum->low + other->low;
    sum->high += other->high + (low < sum->low);
    sum->low = low;
    sum->rows += other->rows;
}

void belay_rowsum_hex(const belay_rowsum *sum, char hex[static BELAY_ROWSUM_HEX_SIZE])
{
    snprintf(hex, BELAY_ROWSUM_HEX_SIZE, "%016llx%016llx", (unsigned long long)sum->high,
        (unsigned long long)sum->low);
}

bool belay_rowsum_parse(const char *hex, uint64_t rows, belay_rowsum *ret)
{
    unsigned long long high = 0;
    unsigned long long low = 0;
    if (hex == NULL || strlen(hex) != BELAY_ROWSUM_HEX_SIZE - 1 ||
        sscanf(hex, "%16llx%16llx", &high, &low) != 2)
        return false;
    *ret = (belay_rowsum){.low = low, .high = high, .rows = rows};
    return true;
}

bool belay_rowsum_equal(const belay_rowsum *a, const belay_rowsum *b)
{
    return a->low == b->low && a->high == b->high && a->rows == b->rows;
}
