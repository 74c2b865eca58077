/* Bech32 (BIP 173, without its limit of 90 characters): how age writes keys. Internal to src/seal. */
#ifndef BELAY_SEAL_BECH32_H
#define BELAY_SEAL_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BELAY_BECH32_BYTES = 32, BELAY_BECH32_SIZE = 96 }; /* of what is encoded; of the text, with NUL */

/* "<prefix>1<data><checksum>", all in the case of the prefix, which has at most 20 characters. */
void belay_bech32_encode(
    const char *prefix, const uint8_t data[static BELAY_BECH32_BYTES], char ret[static BELAY_BECH32_SIZE]);
/* False unless the text has that (lower-case) prefix, is of one case, whole, and holds exactly as many bytes.
 */
bool belay_bech32_decode(const char *text, const char *prefix, uint8_t ret[static BELAY_BECH32_BYTES]);

#endif
