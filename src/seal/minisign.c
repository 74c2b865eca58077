#include "seal/minisign.h"

#include "util/clock.h"

/* As they stand in the files. */
typedef struct public_form {
    char algorithm[2]; /* Ed */
    uint8_t id[BELAY_SIGN_ID_BYTES];
    uint8_t key[BELAY_SIGN_PUBLIC_BYTES];
} public_form;

typedef struct secret_form {
    char algorithm[2]; /* Ed */
    char kdf[2];       /* Sc: with a password; zeros: without */
    char checksum[2];  /* B2 */
    uint8_t salt[32], limits[16];
    uint8_t id[BELAY_SIGN_ID_BYTES];
    uint8_t secret[BELAY_SIGN_SECRET_BYTES];
    uint8_t sum[BELAY_KEY_BYTES]; /* zeros without a password, as salt and limits are */
} secret_form;

typedef struct signature_form {
    char algorithm[2]; /* ED: of the hash; Ed: of the file itself */
    uint8_t id[BELAY_SIGN_ID_BYTES];
    uint8_t signature[BELAY_SIGNATURE_BYTES];
} signature_form;

_Static_assert(sizeof(public_form) == 42 && sizeof(secret_form) == 158 && sizeof(signature_form) == 74,
    "without padding");

static const char untrusted[] = "untrusted comment: ";
static const char trusted[] = "trusted comment: ";

enum { TEXT_SIZE = 4 * (sizeof(secret_form) / 3 + 1) + 1 };

static bool is(const char algorithm[static 2], const char *name)
{
    return memcmp(algorithm, name, 2) == 0;
}

/* The number that minisign shows: the lowest byte is the first. */
void belay_sign_id_text(
    const uint8_t id[static BELAY_SIGN_ID_BYTES], char ret[static BELAY_SIGN_ID_TEXT_SIZE])
{
    for (size_t i = 0; i < BELAY_SIGN_ID_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02X", id[BELAY_SIGN_ID_BYTES - 1 - i]);
}

/* Takes a line off the text, without its end; false when there is none. */
static bool take_line(const char **at, belay_span *ret)
{
    if (**at == '\0')
        return false;
    size_t length = strcspn(*at, "\n");
    *ret = (belay_span){*at, length};
    *at += length + ((*at)[length] == '\n' ? 1 : 0);
    if (ret->length > 0 && ret->data[ret->length - 1] == '\r')
        ret->length--;
    return true;
}

static bool decode(belay_span text, void *ret, size_t size_bytes)
{
    size_t got = 0;
    return belay_base64_decode(text.data, text.length, true, ret, size_bytes, &got) && got == size_bytes;
}

/* The second line of a file whose first is a comment. */
static bool decode_file(const char *text, void *ret, size_t size_bytes)
{
    belay_span line;
    return belay_starts_with(text, untrusted) && take_line(&text, &line) && take_line(&text, &line) &&
           decode(line, ret, size_bytes);
}

/* Do the two halves of an Ed25519 key belong together? */
static bool is_pair(const uint8_t secret[static BELAY_SIGN_SECRET_BYTES])
{
    uint8_t signature[BELAY_SIGNATURE_BYTES];
    belay_sign(secret, untrusted, sizeof untrusted, signature);
    return belay_sign_check(
        secret + BELAY_SIGN_SECRET_BYTES - BELAY_SIGN_PUBLIC_BYTES, untrusted, sizeof untrusted, signature);
}

static bool check_secret(const secret_form *form, const char *path, belay_error *err)
{
    if (is(form->kdf, "Sc")) {
        belay_fail(
            err, BELAY_E_KEY, "%s: this private key wants a password, and a run has nobody to type it", path);
        return belay_error_hint(err, "`minisign -C -W -s FILE` takes the password off a copy of it; `belay "
                                     "key new --sign` makes a key without");
    }
    if (is(form->algorithm, "Ed") && is(form->kdf, "\0") && is(form->checksum, "B2") && is_pair(form->secret))
        return true;
    return belay_fail(err, BELAY_E_KEY, "%s: this is no whole private key of minisign", path);
}

bool belay_signer_read(const char *text, const char *path, belay_signer *ret, belay_error *err)
{
    secret_form form = {0};
    bool ok = (decode_file(text, &form, sizeof form) ||
                  belay_fail(err, BELAY_E_KEY, "%s: this is no private key of minisign", path)) &&
              check_secret(&form, path, err);
    if (ok) {
        memcpy(ret->id, form.id, sizeof ret->id);
        memcpy(ret->secret, form.secret, sizeof ret->secret);
    }
    explicit_bzero(&form, sizeof form);
    return ok;
}

static bool take_public(belay_span text, belay_sign_public *ret)
{
    public_form form;
    if (!decode(text, &form, sizeof form) || !is(form.algorithm, "Ed"))
        return false;
    memcpy(ret->id, form.id, sizeof ret->id);
    memcpy(ret->key, form.key, sizeof ret->key);
    return true;
}

bool belay_sign_public_parse(const char *word, belay_sign_public *ret)
{
    return take_public(belay_span_of(word), ret);
}

bool belay_sign_public_read(const char *text, const char *path, belay_sign_public *ret, belay_error *err)
{
    belay_span line;
    bool comment = belay_starts_with(text, untrusted);
    if ((!comment || take_line(&text, &line)) && take_line(&text, &line) &&
        take_public(belay_span_trim(line), ret))
        return true;
    return belay_fail(err, BELAY_E_KEY, "%s: this is no public key of minisign", path);
}

/* Ed25519's private key holds the public one in its second half. */
void belay_sign_public_of(const belay_signer *signer, belay_sign_public *ret)
{
    memcpy(ret->id, signer->id, sizeof ret->id);
    memcpy(ret->key, signer->secret + BELAY_SIGN_SECRET_BYTES - BELAY_SIGN_PUBLIC_BYTES, sizeof ret->key);
}

void belay_sign_public_text(const belay_sign_public *key, char ret[static BELAY_SIGN_TEXT_SIZE])
{
    public_form form = {.algorithm = {'E', 'd'}};
    memcpy(form.id, key->id, sizeof form.id);
    memcpy(form.key, key->key, sizeof form.key);
    belay_base64_encode(&form, sizeof form, true, ret);
}

void belay_sign_generate(char **ret_secret_text, char **ret_public_text, belay_sign_public *ret)
{
    secret_form form = {.algorithm = {'E', 'd'}, .checksum = {'B', '2'}};
    char text[TEXT_SIZE], public_text[BELAY_SIGN_TEXT_SIZE], id[BELAY_SIGN_ID_TEXT_SIZE];
    belay_random_bytes(form.id, sizeof form.id);
    belay_sign_pair(ret->key, form.secret);
    memcpy(ret->id, form.id, sizeof ret->id);
    belay_base64_encode(&form, sizeof form, true, text);
    belay_sign_public_text(ret, public_text);
    belay_sign_id_text(ret->id, id);
    *ret_secret_text = belay_format("%sminisign encrypted secret key\n%s\n", untrusted, text);
    *ret_public_text = belay_format("%sminisign public key %s\n%s\n", untrusted, id, public_text);
    explicit_bzero(&form, sizeof form);
    explicit_bzero(text, sizeof text);
}

/* What the second signature is of. */
static char *signed_comment(const signature_form *form, const char *comment, size_t length, size_t *ret_bytes)
{
    char *all = belay_alloc(sizeof form->signature + length + 1);
    memcpy(all, form->signature, sizeof form->signature);
    memcpy(all + sizeof form->signature, comment, length);
    *ret_bytes = sizeof form->signature + length;
    return all;
}

char *belay_signature_make(
    const belay_signer *signer, const uint8_t hash[static BELAY_BLAKE2B_BYTES], const char *comment)
{
    signature_form form = {.algorithm = {'E', 'D'}};
    uint8_t whole[BELAY_SIGNATURE_BYTES];
    char text[TEXT_SIZE], whole_text[TEXT_SIZE];
    size_t bytes = 0;
    memcpy(form.id, signer->id, sizeof form.id);
    belay_sign(signer->secret, hash, BELAY_BLAKE2B_BYTES, form.signature);
    BELAY_AUTO(belay_free) char *all = signed_comment(&form, comment, strlen(comment), &bytes);
    belay_sign(signer->secret, all, bytes, whole);
    belay_base64_encode(&form, sizeof form, true, text);
    belay_base64_encode(whole, sizeof whole, true, whole_text);
    return belay_format(
        "%ssignature of a belay snapshot\n%s\n%s%s\n%s\n", untrusted, text, trusted, comment, whole_text);
}

/* The parts of a .minisig file. */
typedef struct signature_file {
    signature_form form;
    belay_span comment;
    uint8_t whole[BELAY_SIGNATURE_BYTES];
} signature_file;

static bool parse(const char *text, signature_file *ret, belay_error *err)
{
    belay_span first, second, third, fourth;
    size_t front = strlen(trusted);
    if (belay_starts_with(text, untrusted) && take_line(&text, &first) && take_line(&text, &second) &&
        take_line(&text, &third) && take_line(&text, &fourth) && third.length >= front &&
        memcmp(third.data, trusted, front) == 0 && decode(second, &ret->form, sizeof ret->form) &&
        decode(fourth, ret->whole, sizeof ret->whole)) {
        ret->comment = (belay_span){third.data + front, third.length - front};
        return true;
    }
    return belay_fail(err, BELAY_E_SIGNATURE, "the signature is no whole file of minisign");
}

static const belay_sign_public *find_key(
    const signature_form *form, const belay_sign_public *keys, size_t key_count)
{
    for (size_t i = 0; i < key_count; i++) {
        if (memcmp(keys[i].id, form->id, sizeof form->id) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool check_comment(const signature_file *file, const belay_sign_public *key)
{
    size_t bytes = 0;
    BELAY_AUTO(belay_free)
    char *all = signed_comment(&file->form, file->comment.data, file->comment.length, &bytes);
    return belay_sign_check(key->key, all, bytes, file->whole);
}

bool belay_signature_check(const char *text, const uint8_t hash[static BELAY_BLAKE2B_BYTES],
    const belay_sign_public *keys, size_t key_count, char **ret_comment, belay_error *err)
{
    signature_file file;
    char id[BELAY_SIGN_ID_TEXT_SIZE];
    if (!parse(text, &file, err))
        return false;
    if (!is(file.form.algorithm, "ED"))
        return belay_fail(err, BELAY_E_SIGNATURE,
            "the signature is of the old kind (minisign -S -l), which belay does not read");
    const belay_sign_public *key = find_key(&file.form, keys, key_count);
    belay_sign_id_text(file.form.id, id);
    if (key == NULL)
        return belay_fail(err, BELAY_E_SIGNATURE, "it is signed with key %s, which is not trusted here", id);
    if (!belay_sign_check(key->key, hash, BELAY_BLAKE2B_BYTES, file.form.signature))
        return belay_fail(err, BELAY_E_SIGNATURE,
            "the file is not what was signed with key %s, or the signature is forged", id);
    if (!check_comment(&file, key))
        return belay_fail(err, BELAY_E_SIGNATURE, "the signature's trusted comment was changed");
    *ret_comment = belay_strndup(file.comment.data, file.comment.length);
    return true;
}
