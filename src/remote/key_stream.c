#include "remote/key_stream.h"

#include <openssl/conf.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum { STREAM_BYTES = 4096, BLOCK_BYTES = 16 };

/* Of one direction of a session; one thread at a time. */
typedef struct key_stream {
    EVP_CIPHER_CTX *aes; /* libcrypto's, whose counter stands behind the stream */
    size_t at;           /* of `bytes`: those before are used */
    bool begun;          /* some of it went out under the key that is set */
    _Alignas(BLOCK_BYTES) unsigned char bytes[STREAM_BYTES];
} key_stream;

static void free_stream(void *context)
{
    key_stream *stream = context;
    if (stream != NULL)
        EVP_CIPHER_CTX_free(stream->aes);
    OPENSSL_clear_free(stream, sizeof *stream);
}

static void *new_stream(const char *name)
{
    key_stream *stream = OPENSSL_zalloc(sizeof *stream);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, "provider=default");
    bool ok = stream != NULL && cipher != NULL && (stream->aes = EVP_CIPHER_CTX_new()) != NULL &&
              EVP_EncryptInit_ex2(stream->aes, cipher, NULL, NULL, NULL) == 1;
    EVP_CIPHER_free(cipher);
    if (ok) {
        stream->at = STREAM_BYTES;
        return stream;
    }
    free_stream(stream);
    return NULL;
}

/* Either may be set alone, the key first; a key in the middle of a stream would need to know how far the
 * counter is, which nobody asks for. Both directions of the mode are the same. */
static int init_stream(void *context, const unsigned char *key, size_t key_bytes, const unsigned char *iv,
    size_t iv_bytes, const OSSL_PARAM params[])
{
    key_stream *stream = context;
    (void)params;
    if ((key != NULL && key_bytes != (size_t)EVP_CIPHER_CTX_get_key_length(stream->aes)) ||
        (iv != NULL && iv_bytes != BLOCK_BYTES) || (key != NULL && iv == NULL && stream->begun))
        return 0;
    stream->at = STREAM_BYTES;
    stream->begun = false;
    return EVP_EncryptInit_ex2(stream->aes, NULL, key, iv, NULL);
}

static bool refill(key_stream *stream)
{
    static const unsigned char zeros[STREAM_BYTES];
    int made = 0;
    if (EVP_EncryptUpdate(stream->aes, stream->bytes, &made, zeros, STREAM_BYTES) != 1 ||
        made != STREAM_BYTES)
        return false;
    stream->at = 0;
    stream->begun = true;
    return true;
}

/* `to` may be `from`. */
static inline void xor_block(unsigned char *to, const unsigned char *from, const unsigned char *with)
{
    uint64_t a[2], b[2];
    memcpy(a, from, sizeof a);
    memcpy(b, with, sizeof b);
    a[0] ^= b[0];
    a[1] ^= b[1];
    memcpy(to, a, sizeof a);
}

/* What is no whole block of what is there. Out of line, so that the other way saves no registers. */
__attribute__((noinline)) static int use_pieces(
    key_stream *stream, unsigned char *to, const unsigned char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (stream->at == STREAM_BYTES && !refill(stream))
            return 0;
        to[i] = (unsigned char)(from[i] ^ stream->bytes[stream->at++]);
    }
    return 1;
}

/* By the block, as libssh2 calls. */
static int use_stream(
    void *context, unsigned char *to, size_t *ret_size, size_t room, const unsigned char *from, size_t size)
{
    key_stream *stream = context;
    if (size > room)
        return 0;
    *ret_size = size;
    if (size != BLOCK_BYTES || stream->at > STREAM_BYTES - BLOCK_BYTES)
        return use_pieces(stream, to, from, size);
    xor_block(to, from, stream->bytes + stream->at);
    stream->at += BLOCK_BYTES;
    return 1;
}

static int end_stream(void *context, unsigned char *to, size_t *ret_size, size_t room)
{
    (void)context, (void)to, (void)room;
    *ret_size = 0;
    return 1;
}

static int tell_size(OSSL_PARAM params[], const char *name, size_t size)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return param == NULL || OSSL_PARAM_set_size_t(param, size);
}

static int tell_cipher(OSSL_PARAM params[], size_t key_bytes)
{
    OSSL_PARAM *mode = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);
    return (mode == NULL || OSSL_PARAM_set_uint(mode, EVP_CIPH_CTR_MODE)) &&
           tell_size(params, OSSL_CIPHER_PARAM_KEYLEN, key_bytes) &&
           tell_size(params, OSSL_CIPHER_PARAM_IVLEN, BLOCK_BYTES) &&
           tell_size(params, OSSL_CIPHER_PARAM_BLOCK_SIZE, 1);
}

static const OSSL_PARAM *list_cipher(void *provider)
{
    static const OSSL_PARAM told[] = {OSSL_PARAM_uint(OSSL_CIPHER_PARAM_MODE, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL), OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_BLOCK_SIZE, NULL), OSSL_PARAM_END};
    (void)provider;
    return told;
}

static int tell_stream(void *context, OSSL_PARAM params[])
{
    const key_stream *stream = context;
    return tell_size(params, OSSL_CIPHER_PARAM_KEYLEN, (size_t)EVP_CIPHER_CTX_get_key_length(stream->aes)) &&
           tell_size(params, OSSL_CIPHER_PARAM_IVLEN, BLOCK_BYTES);
}

static const OSSL_PARAM *list_stream(void *context, void *provider)
{
    static const OSSL_PARAM told[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL), OSSL_PARAM_END};
    (void)context, (void)provider;
    return told;
}

/* What differs by the size of the key knows it by its function alone. */
#define AES_CTR(BITS)                                                                                        \
    static void *new_stream_##BITS(void *provider)                                                           \
    {                                                                                                        \
        (void)provider;                                                                                      \
        return new_stream("AES-" #BITS "-CTR");                                                              \
    }                                                                                                        \
    static int tell_cipher_##BITS(OSSL_PARAM params[])                                                       \
    {                                                                                                        \
        return tell_cipher(params, (BITS) / 8);                                                              \
    }                                                                                                        \
    static const OSSL_DISPATCH aes_##BITS##_ctr[] = {                                                        \
        {OSSL_FUNC_CIPHER_NEWCTX, (void (*)(void))new_stream_##BITS},                                        \
        {OSSL_FUNC_CIPHER_FREECTX, (void (*)(void))free_stream},                                             \
        {OSSL_FUNC_CIPHER_ENCRYPT_INIT, (void (*)(void))init_stream},                                        \
        {OSSL_FUNC_CIPHER_DECRYPT_INIT, (void (*)(void))init_stream},                                        \
        {OSSL_FUNC_CIPHER_UPDATE, (void (*)(void))use_stream},                                               \
        {OSSL_FUNC_CIPHER_FINAL, (void (*)(void))end_stream},                                                \
        {OSSL_FUNC_CIPHER_CIPHER, (void (*)(void))use_stream},                                               \
        {OSSL_FUNC_CIPHER_GET_PARAMS, (void (*)(void))tell_cipher_##BITS},                                   \
        {OSSL_FUNC_CIPHER_GETTABLE_PARAMS, (void (*)(void))list_cipher},                                     \
        {OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))tell_stream},                                      \
        {OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS, (void (*)(void))list_stream}, {0, NULL}};

AES_CTR(128)
AES_CTR(192)
AES_CTR(256)

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const char from[] = "provider=belay";
    static const OSSL_ALGORITHM ciphers[] = {{"AES-128-CTR", from, aes_128_ctr, NULL},
        {"AES-192-CTR", from, aes_192_ctr, NULL}, {"AES-256-CTR", from, aes_256_ctr, NULL}, {0}};
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static int init_provider(
    const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};
    (void)handle, (void)in;
    *out = functions;
    *context = NULL;
    return 1;
}

/* config(5ssl): openssl_conf names a section, its alg_section another, which has the rule. */
bool belay_openssl_has_rule(const char *path)
{
    CONF *conf = NCONF_new(NULL);
    bool found = false;
    ERR_set_mark();
    if (conf != NULL && NCONF_load(conf, path, NULL) == 1) {
        const char *all = NCONF_get_string(conf, NULL, "openssl_conf");
        const char *rules = all == NULL ? NULL : NCONF_get_string(conf, all, "alg_section");
        found = rules != NULL && (NCONF_get_string(conf, rules, "default_properties") != NULL ||
                                     NCONF_get_string(conf, rules, "fips_mode") != NULL);
    }
    ERR_pop_to_mark();
    NCONF_free(conf);
    return found;
}

static OSSL_LIB_CTX *own; /* until the process ends; NULL: libcrypto's ciphers stay */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The question mark makes it a wish; the random numbers stay with libcrypto's own ciphers. */
static bool fill_context(OSSL_LIB_CTX *context)
{
    return OSSL_PROVIDER_add_builtin(context, "belay", init_provider) == 1 &&
           OSSL_PROVIDER_load(context, "default") != NULL && OSSL_PROVIDER_load(context, "belay") != NULL &&
           RAND_set_DRBG_type(context, NULL, "provider=default", NULL, NULL) == 1 &&
           EVP_set_default_properties(context, "?provider=belay") == 1;
}

/* Not where openssl.cnf lists other providers only (fips): a context of our own would bring it back. */
static bool has_own_ciphers(void)
{
    EVP_CIPHER *found = EVP_CIPHER_fetch(NULL, "AES-128-CTR", "provider=default");
    EVP_CIPHER_free(found);
    return found != NULL;
}

static void make_context(void)
{
    char *path = CONF_get1_default_config_file();
    ERR_set_mark();
    bool free_to_choose = path != NULL && !belay_openssl_has_rule(path) && has_own_ciphers();
    OPENSSL_free(path);
    OSSL_LIB_CTX *context = free_to_choose ? OSSL_LIB_CTX_new() : NULL;
    if (context != NULL && fill_context(context))
        own = context;
    else
        OSSL_LIB_CTX_free(context);
    ERR_pop_to_mark();
}

void *belay_key_stream_enter(void)
{
    pthread_once(&once, make_context);
    return own == NULL ? NULL : OSSL_LIB_CTX_set0_default(own);
}

void belay_key_stream_leave(void *before)
{
    if (own != NULL)
        OSSL_LIB_CTX_set0_default(before);
}
