#include "seal/bech32.h"

#include <ctype.h>
#include <string.h>

enum { BITS = 5, GROUPS = (BELAY_BECH32_BYTES * 8 + BITS - 1) / BITS, CHECKSUM_GROUPS = 6, PREFIX_MAX = 20 };

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t step(uint32_t sum, unsigned value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    unsigned top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++)
        sum ^= (top >> i & 1U) != 0 ? generator[i] : 0;
    return sum;
}

static uint32_t checksum(const char *prefix, const uint8_t *groups, size_t count)
{
    uint32_t sum = 1;
    for (const char *c = prefix; *c != '\0'; c++)
        sum = step(sum, (unsigned)tolower((unsigned char)*c) >> 5);
    sum = step(sum, 0);
    for (const char *c = prefix; *c != '\0'; c++)
        sum = step(sum, (unsigned)tolower((unsigned char)*c) & 31U);
    for (size_t i = 0; i < count; i++)
        sum = step(sum, groups[i]);
    return sum;
}

static void to_groups(const uint8_t *data, uint8_t groups[static GROUPS])
{
    unsigned held = 0, bits = 0;
    size_t count = 0;
    for (size_t i = 0; i < BELAY_BECH32_BYTES; i++) {
        held = (held << 8 | data[i]) & 0xfff;
        for (bits += 8; bits >= BITS; bits -= BITS)
            groups[count++] = (uint8_t)(held >> (bits - BITS) & 31U);
    }
    if (bits > 0)
        groups[count] = (uint8_t)(held << (BITS - bits) & 31U);
}

/* False when the bits that fill up the last group are not zero. */
static bool from_groups(const uint8_t groups[static GROUPS], uint8_t *data)
{
    unsigned held = 0, bits = 0;
    size_t count = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        held = (held << BITS | groups[i]) & 0xfff;
        bits += BITS;
        if (bits >= 8) {
            bits -= 8;
            data[count++] = (uint8_t)(held >> bits & 0xffU);
        }
    }
    return (held & ((1U << bits) - 1)) == 0;
}

void belay_bech32_encode(
    const char *prefix, const uint8_t data[static BELAY_BECH32_BYTES], char ret[static BELAY_BECH32_SIZE])
{
    uint8_t groups[GROUPS + CHECKSUM_GROUPS] = {0};
    bool upper = isupper((unsigned char)prefix[0]) != 0;
    size_t at = strnlen(prefix, PREFIX_MAX);
    to_groups(data, groups);
    uint32_t sum = checksum(prefix, groups, sizeof groups) ^ 1U;
    for (size_t i = 0; i < CHECKSUM_GROUPS; i++)
        groups[GROUPS + i] = (uint8_t)(sum >> (BITS * (CHECKSUM_GROUPS - 1 - i)) & 31U);
    memcpy(ret, prefix, at);
    ret[at++] = '1';
    for (size_t i = 0; i < sizeof groups; i++)
        ret[at++] = (char)(upper ? toupper((unsigned char)alphabet[groups[i]]) : alphabet[groups[i]]);
    ret[at] = '\0';
    explicit_bzero(groups, sizeof groups);
}

static bool is_of_one_case(const char *text)
{
    bool upper = false, lower = false;
    for (const char *c = text; *c != '\0'; c++) {
        upper = upper || isupper((unsigned char)*c);
        lower = lower || islower((unsigned char)*c);
    }
    return !(upper && lower);
}

bool belay_bech32_decode(const char *text, const char *prefix, uint8_t ret[static BELAY_BECH32_BYTES])
{
    uint8_t groups[GROUPS + CHECKSUM_GROUPS];
    size_t front = strlen(prefix);
    if (strlen(text) != front + 1 + sizeof groups || !is_of_one_case(text) ||
        strncasecmp(text, prefix, front) != 0 || text[front] != '1')
        return false;
    for (size_t i = 0; i < sizeof groups; i++) {
        const char *found = strchr(alphabet, tolower((unsigned char)text[front + 1 + i]));
        if (found == NULL)
            return false;
        groups[i] = (uint8_t)(found - alphabet);
    }
    bool ok = checksum(prefix, groups, sizeof groups) == 1 && from_groups(groups, ret);
    explicit_bzero(groups, sizeof groups);
    return ok;
}
