#include "seal/age_header.h"
#include "util/clock.h"

enum {
    COLUMNS = 64,
    WRAPPED_BYTES = BELAY_AGE_FILE_KEY_BYTES + BELAY_TAG_BYTES,
    TEXT_SIZE = 4 * (BELAY_KEY_BYTES / 3 + 1) + 1,
    KINDS_SHOWN_BYTES = 120
};
_Static_assert((int)WRAPPED_BYTES == (int)BELAY_KEY_BYTES, "one buffer for both");

static const char first_line[] = "age-encryption.org/v1\n";
static const char wrap_info[] = "age-encryption.org/v1/X25519";
static const char stanza_start[] = "-> ";
static const char mac_start[] = "---";

static void wrapping_key(const uint8_t shared[static BELAY_KEY_BYTES],
    const uint8_t share[static BELAY_KEY_BYTES], const uint8_t recipient[static BELAY_KEY_BYTES],
    uint8_t ret[static BELAY_KEY_BYTES])
{
    uint8_t salt[2 * BELAY_KEY_BYTES];
    memcpy(salt, share, BELAY_KEY_BYTES);
    memcpy(salt + BELAY_KEY_BYTES, recipient, BELAY_KEY_BYTES);
    belay_hkdf(shared, BELAY_KEY_BYTES, salt, sizeof salt, wrap_info, ret);
}

/* Each wrapping key is used once: the nonce may be zero. */
static const uint8_t no_nonce[BELAY_NONCE_BYTES];

static bool write_stanza(const uint8_t recipient[static BELAY_KEY_BYTES],
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], belay_str *to, belay_error *err)
{
    struct {
        uint8_t ephemeral[BELAY_KEY_BYTES], shared[BELAY_KEY_BYTES], key[BELAY_KEY_BYTES];
    } secret;
    uint8_t share[BELAY_KEY_BYTES], wrapped[WRAPPED_BYTES];
    char text[TEXT_SIZE];
    belay_random_bytes(secret.ephemeral, sizeof secret.ephemeral);
    belay_x25519_public(secret.ephemeral, share);
    bool ok = belay_x25519(secret.ephemeral, recipient, secret.shared);
    if (ok) {
        wrapping_key(secret.shared, share, recipient, secret.key);
        belay_aead_seal(secret.key, no_nonce, file_key, BELAY_AGE_FILE_KEY_BYTES, wrapped);
        belay_base64_encode(share, sizeof share, false, text);
        belay_str_appendf(to, "%sX25519 %s\n", stanza_start, text);
        belay_base64_encode(wrapped, sizeof wrapped, false, text);
        belay_str_appendf(to, "%s\n", text);
    }
    explicit_bzero(&secret, sizeof secret);
    return ok || belay_fail(err, BELAY_E_KEY, "a recipient is no point that anything could be encrypted to");
}

static void mac_of(
    const char *data, size_t size_bytes, const uint8_t *file_key, uint8_t ret[static BELAY_KEY_BYTES])
{
    uint8_t key[BELAY_KEY_BYTES];
    belay_hkdf(file_key, BELAY_AGE_FILE_KEY_BYTES, NULL, 0, "header", key);
    belay_hmac(key, sizeof key, data, size_bytes, ret);
    explicit_bzero(key, sizeof key);
}

bool belay_age_header_write(const belay_age_recipients *recipients,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], belay_str *to, belay_error *err)
{
    size_t start = to->length;
    uint8_t mac[BELAY_KEY_BYTES];
    char text[TEXT_SIZE];
    belay_str_append(to, first_line);
    for (size_t i = 0; i < recipients->count; i++) {
        if (!write_stanza(recipients->keys[i], file_key, to, err))
            return false;
    }
    belay_str_append(to, mac_start);
    if (!belay_str_check(to, "the age header", err))
        return false;
    mac_of(to->data + start, to->length - start, file_key, mac);
    belay_base64_encode(mac, sizeof mac, false, text);
    belay_str_appendf(to, " %s\n", text);
    if (to->length - start > BELAY_AGE_HEADER_MAX)
        return belay_fail(err, BELAY_E_KEY, "%zu recipients are too many", recipients->count);
    return belay_str_check(to, "the age header", err);
}

/* What is being read, and what was found in it. */
typedef struct parse {
    const char *at, *end;
    const belay_age_identities *identities; /* NULL: the file key is known */
    uint8_t *file_key;
    bool found;
    bool passphrase;
    size_t stanzas, ours; /* ours: of kind X25519 */
    char other_kinds[KINDS_SHOWN_BYTES];
} parse;

static bool broken(const char *what, belay_error *err)
{
    return belay_fail(err, BELAY_E_ARCHIVE, "the age header is not whole: %s", what);
}

static bool take_line(parse *p, belay_span *ret, belay_error *err)
{
    const char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (end == NULL)
        return broken(p->end - p->at >= BELAY_AGE_HEADER_MAX ? "it has no end" : "it is cut off", err);
    *ret = (belay_span){p->at, (size_t)(end - p->at)};
    p->at = end + 1;
    return true;
}

static bool span_starts(belay_span span, const char *prefix)
{
    return span.length >= strlen(prefix) && memcmp(span.data, prefix, strlen(prefix)) == 0;
}

/* The words of "-> kind argument ..."; all but the first two are only counted. */
static bool split_stanza(belay_span line, belay_span ret[static 2], size_t *ret_count, belay_error *err)
{
    size_t count = 0;
    for (size_t at = strlen(stanza_start); at <= line.length; count++) {
        size_t start = at;
        for (; at < line.length && line.data[at] != ' '; at++) {
            if (line.data[at] < 33 || line.data[at] > 126)
                return broken("an argument has a character that is not allowed", err);
        }
        if (at == start)
            return broken("an argument is empty", err);
        if (count < 2)
            ret[count] = (belay_span){line.data + start, at - start};
        at++;
    }
    *ret_count = count;
    return true;
}

/* Lines of 64 characters and a shorter one, which ends it. Only bodies of one line can be a file key for us,
 * so of longer ones no more than the form is checked. */
static bool take_body(parse *p, uint8_t ret[static WRAPPED_BYTES], size_t *ret_bytes, belay_error *err)
{
    enum { LINE_BYTES = COLUMNS / 4 * 3 };
    belay_span line;
    *ret_bytes = 0;
    do {
        uint8_t bytes[LINE_BYTES];
        size_t count = 0;
        if (!take_line(p, &line, err))
            return false;
        if (line.length > COLUMNS ||
            !belay_base64_decode(line.data, line.length, false, bytes, sizeof bytes, &count))
            return broken("a stanza's body is not base64 in lines of 64 characters", err);
        if (*ret_bytes == 0 && count <= WRAPPED_BYTES)
            memcpy(ret, bytes, count);
        *ret_bytes += count;
    } while (line.length == COLUMNS);
    return true;
}

static bool unwrap(const belay_age_identity *identity, const uint8_t share[static BELAY_KEY_BYTES],
    const uint8_t wrapped[static WRAPPED_BYTES], uint8_t *ret_file_key)
{
    struct {
        uint8_t shared[BELAY_KEY_BYTES], key[BELAY_KEY_BYTES];
    } secret;
    bool ok = belay_x25519(identity->secret, share, secret.shared);
    if (ok) {
        wrapping_key(secret.shared, share, identity->recipient, secret.key);
        ok = belay_aead_open(secret.key, no_nonce, wrapped, WRAPPED_BYTES, ret_file_key);
    }
    explicit_bzero(&secret, sizeof secret);
    return ok;
}

static bool try_x25519(parse *p, const belay_span *words, size_t word_count, const uint8_t *body,
    size_t body_bytes, belay_error *err)
{
    uint8_t share[BELAY_KEY_BYTES];
    size_t share_bytes = 0;
    p->ours++;
    if (word_count != 2 || body_bytes != WRAPPED_BYTES ||
        !belay_base64_decode(words[1].data, words[1].length, false, share, sizeof share, &share_bytes) ||
        share_bytes != sizeof share)
        return broken("a stanza of kind X25519 has another form", err);
    for (size_t i = 0; p->identities != NULL && i < p->identities->count && !p->found; i++)
        p->found = unwrap(&p->identities->items[i], share, body, p->file_key);
    return true;
}

static void note_kind(parse *p, belay_span kind)
{
    size_t used = strlen(p->other_kinds);
    BELAY_AUTO(belay_free) char *text = belay_strndup(kind.data, kind.length);
    if (strstr(p->other_kinds, text) == NULL && used + kind.length + 3 < sizeof p->other_kinds)
        snprintf(p->other_kinds + used, sizeof p->other_kinds - used, "%s%s", used == 0 ? "" : ", ", text);
}

static bool take_stanza(parse *p, belay_span line, belay_error *err)
{
    belay_span words[2] = {{0}};
    uint8_t body[WRAPPED_BYTES] = {0};
    size_t word_count = 0, body_bytes = 0;
    if (!split_stanza(line, words, &word_count, err) || !take_body(p, body, &body_bytes, err))
        return false;
    p->stanzas++;
    if (belay_span_equals(words[0], "X25519"))
        return try_x25519(p, words, word_count, body, body_bytes, err);
    p->passphrase = p->passphrase || belay_span_equals(words[0], "scrypt");
    note_kind(p, words[0]);
    return true;
}

static bool no_key(const parse *p, belay_error *err)
{
    if (p->passphrase) {
        belay_fail(err, BELAY_E_KEY, "it is encrypted with a passphrase (age -p), which belay does not read");
        return belay_error_hint(err, "`age -d` decrypts it");
    }
    if (p->ours == 0) {
        belay_fail(err, BELAY_E_KEY, "it is encrypted to keys of a kind that belay does not read: %s",
            p->other_kinds);
        return belay_error_hint(err, "`age -d -i KEY` decrypts it; belay reads X25519 keys (age1...)");
    }
    belay_fail(err, BELAY_E_KEY, "it is encrypted to %zu other key%s than %s here", p->stanzas,
        p->stanzas == 1 ? "" : "s", p->identities->count == 1 ? "the identity" : "the identities");
    return belay_error_hint(err, "set `identity` of the target, or BELAY_IDENTITY, to the file of the "
                                 "private key; where that is the right "
                                 "one, the file's header is damaged");
}

static bool begins(parse *p, belay_error *err)
{
    size_t length = strlen(first_line);
    size_t there = (size_t)(p->end - p->at);
    if (there >= length && memcmp(p->at, first_line, length) == 0) {
        p->at += length;
        return true;
    }
    static const char armor[] = "-----BEGIN AGE ENCRYPTED FILE";
    if (there >= strlen(armor) && memcmp(p->at, armor, strlen(armor)) == 0) {
        belay_fail(err, BELAY_E_KEY, "it is an age file as text (age -a), which belay does not read");
        return belay_error_hint(err, "decrypt it with `age -d` and encrypt it again without -a");
    }
    return belay_fail(err, BELAY_E_ARCHIVE, "it does not begin as a file of age does");
}

/* Reads to the end of the header and finds, or has, the key that it was made with. */
static bool parse_header(parse *p, size_t *ret_header_bytes, belay_error *err)
{
    const char *start = p->at;
    belay_span line;
    uint8_t said[BELAY_KEY_BYTES], mac[BELAY_KEY_BYTES];
    size_t said_bytes = 0;
    if (!begins(p, err) || !take_line(p, &line, err))
        return false;
    for (; span_starts(line, stanza_start);) {
        if (!take_stanza(p, line, err) || !take_line(p, &line, err))
            return false;
    }
    if (!span_starts(line, "--- ") ||
        !belay_base64_decode(line.data + 4, line.length - 4, false, said, sizeof said, &said_bytes) ||
        said_bytes != sizeof said)
        return broken("it does not end with a MAC", err);
    if (p->passphrase && p->stanzas > 1)
        return broken("a passphrase stands beside other keys", err);
    if (!p->found)
        return no_key(p, err);
    mac_of(start, (size_t)(line.data - start) + strlen(mac_start), p->file_key, mac);
    if (!belay_same_bytes(mac, said, sizeof mac))
        return broken("its MAC is not that of its text", err);
    *ret_header_bytes = (size_t)(p->at - start);
    return true;
}

bool belay_age_header_open(const char *data, size_t size_bytes, const belay_age_identities *identities,
    uint8_t ret_file_key[static BELAY_AGE_FILE_KEY_BYTES], size_t *ret_header_bytes, belay_error *err)
{
    parse p = {.at = data, .end = data + size_bytes, .identities = identities, .file_key = ret_file_key};
    return parse_header(&p, ret_header_bytes, err);
}

bool belay_age_header_check(const char *data, size_t size_bytes,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], size_t *ret_header_bytes, belay_error *err)
{
    uint8_t key[BELAY_AGE_FILE_KEY_BYTES];
    memcpy(key, file_key, sizeof key);
    parse p = {.at = data, .end = data + size_bytes, .file_key = key, .found = true};
    bool ok = parse_header(&p, ret_header_bytes, err);
    explicit_bzero(key, sizeof key);
    return ok;
}
