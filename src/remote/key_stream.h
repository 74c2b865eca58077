/* AES in counter mode for libssh2, with the key stream made ahead.
 *
 * libssh2 (1.10 and 1.11) hands a packet to EVP_Cipher in blocks of 16 bytes, 2,000 calls for a full packet,
 * so that AES-CTR runs at a tenth of what the processor's instructions give. In counter mode what is XORed to
 * the data (the key stream) does not depend on them: here it is made 4 KiB at a time by libcrypto's own
 * cipher, and a call is only the XOR.
 *
 * It is a provider of libcrypto ("belay", see provider-cipher(7ssl)) that the process carries itself, in a
 * library context (OSSL_LIB_CTX(3ssl)) of its own, which a thread has as its default while libssh2 makes its
 * ciphers: nothing else in the process finds them, least of all libcrypto's random numbers, which rest on
 * AES-CTR, too. The cipher is the same: tests/unit/remote/test_key_stream.c compares.
 */
#ifndef BELAY_REMOTE_KEY_STREAM_H
#define BELAY_REMOTE_KEY_STREAM_H

#include <stdbool.h>

/* Between the two, ciphers that the calling thread makes are those; one that is made lives on after it. Where
 * openssl.cnf has a rule of its own on which ciphers to take, or lists providers without the default one, or
 * libcrypto refuses, nothing changes. What
 * enter returns goes to leave. */
void *belay_key_stream_enter(void);
void belay_key_stream_leave(void *before);

/* Has that openssl.cnf a rule on which ciphers to take (default_properties, fips_mode)? A file that is absent
 * or cannot be read has none. */
bool belay_openssl_has_rule(const char *path);

#endif
