#include "remote/key_file.h"

#include <openssl/evp.h>

#include "remote/known_hosts.h"
#include "util/file.h"

enum { KEY_MAX_BYTES = 64 * 1024 };

static const char magic[] = "openssh-key-v1"; /* with its NUL */

/* Bytes from which wire strings are taken: uint32 length, bytes (RFC 4251 section 5). */
typedef struct wire {
    const unsigned char *at;
    size_t left;
} wire;

static bool take(wire *from, const unsigned char **ret, size_t *ret_size)
{
    if (from->left < 4)
        return false;
    size_t size =
        (size_t)from->at[0] << 24 | (size_t)from->at[1] << 16 | (size_t)from->at[2] << 8 | from->at[3];
    if (size > from->left - 4)
        return false;
    *ret = from->at + 4;
    *ret_size = size;
    from->at += 4 + size;
    from->left -= 4 + size;
    return true;
}

static bool read_header(const unsigned char *data, size_t size, belay_key_file *ret)
{
    const unsigned char *cipher, *ignored, *blob, *type;
    size_t cipher_size, ignored_size, blob_size, type_size;
    if (size < sizeof magic || memcmp(data, magic, sizeof magic) != 0)
        return false;
    wire all = {data + sizeof magic, size - sizeof magic};
    if (!take(&all, &cipher, &cipher_size) || !take(&all, &ignored, &ignored_size) ||
        !take(&all, &ignored, &ignored_size) || all.left < 4)
        return false;
    all.at += 4; /* how many keys */
    all.left -= 4;
    if (!take(&all, &blob, &blob_size))
        return false;
    wire inner = {blob, blob_size};
    if (!take(&inner, &type, &type_size) || type_size >= sizeof ret->type)
        return false;
    memcpy(ret->type, type, type_size);
    ret->type[type_size] = '\0';
    ret->encrypted = cipher_size != 4 || memcmp(cipher, "none", 4) != 0;
    ret->blob = belay_alloc(blob_size + 1);
    memcpy(ret->blob, blob, blob_size);
    ret->blob_size = blob_size;
    return true;
}

/* Base64 in lines between the marks. */
static bool read_openssh(const char *text, belay_key_file *ret)
{
    const char *begin = strchr(text, '\n');
    const char *end = begin == NULL ? NULL : strstr(begin, "-----END");
    if (end == NULL)
        return false;
    size_t room = (size_t)(end - begin);
    BELAY_AUTO(belay_free) unsigned char *data = belay_alloc(room + 64);
    EVP_ENCODE_CTX *decoder = EVP_ENCODE_CTX_new();
    int size = 0, rest = 0;
    EVP_DecodeInit(decoder);
    bool ok = EVP_DecodeUpdate(decoder, data, &size, (const unsigned char *)begin, (int)room) >= 0 &&
              EVP_DecodeFinal(decoder, data + size, &rest) >= 0;
    EVP_ENCODE_CTX_free(decoder);
    ok = ok && read_header(data, (size_t)(size + rest), ret);
    explicit_bzero(data, room + 64);
    return ok;
}

static bool read_text(const char *text, belay_key_file *ret)
{
    static const struct {
        const char *mark, *type;
        bool encrypted;
    } marks[] = {{"-----BEGIN RSA PRIVATE KEY-----", "ssh-rsa", false},
        {"-----BEGIN EC PRIVATE KEY-----", "ecdsa", false},
        {"-----BEGIN DSA PRIVATE KEY-----", "ssh-dss", false}, {"-----BEGIN PRIVATE KEY-----", "", false},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----", "", true}};
    if (belay_starts_with(text, "-----BEGIN OPENSSH PRIVATE KEY-----"))
        return read_openssh(text, ret);
    for (size_t i = 0; i < BELAY_COUNT(marks); i++) {
        if (!belay_starts_with(text, marks[i].mark))
            continue;
        memcpy(ret->type, marks[i].type, strlen(marks[i].type) + 1);
        ret->encrypted = marks[i].encrypted || strstr(text, "Proc-Type: 4,ENCRYPTED") != NULL;
        return true;
    }
    return false;
}

bool belay_key_file_read(const char *path, belay_key_file *ret, belay_error *err)
{
    char *text = NULL;
    size_t length = 0;
    *ret = (belay_key_file){0};
    if (!belay_read_file(path, KEY_MAX_BYTES, &text, &length, err))
        return false;
    bool ok = read_text(text, ret);
    explicit_bzero(text, length);
    free(text);
    return ok || belay_fail(err, BELAY_E_KEY, "%s is no private key that belay can read", path);
}

void belay_key_file_done(belay_key_file *file)
{
    free(file->blob);
    *file = (belay_key_file){0};
}

/* "ssh-ed25519 BASE64 comment" */
static unsigned char *read_public(const char *path, size_t *ret_bytes)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    BELAY_AUTO(belay_list_done) belay_list words = {0};
    size_t length = 0;
    if (!belay_read_file(path, KEY_MAX_BYTES, &text, &length, NULL))
        return NULL;
    belay_list_split(&words, text, " \t\r\n");
    return words.count < 2 ? NULL : belay_key_blob_decode(words.items[1], ret_bytes);
}

unsigned char *belay_identity_blob(const char *path, size_t *ret_bytes)
{
    BELAY_AUTO(belay_key_file_done) belay_key_file file = {0};
    BELAY_AUTO(belay_free) char *beside = belay_format("%s.pub", path);
    if (!belay_key_file_read(path, &file, NULL) && belay_file_exists(path))
        return read_public(path, ret_bytes);
    if (file.blob == NULL)
        return read_public(beside, ret_bytes);
    *ret_bytes = file.blob_size;
    return belay_take(file.blob);
}
