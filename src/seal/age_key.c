#include "seal/age_key.h"

#include "util/clock.h"
#include "util/str.h"

static const char recipient_prefix[] = "age";
static const char identity_prefix[] = "age-secret-key-";

enum { LINE_MAX_BYTES = 1024 };

/* What people have in such places and belay does not read, by how it begins. */
static const struct {
    const char *start, *what;
} others[] = {{"ssh-", "an SSH key"}, {"age1pq1", "a post-quantum key"}, {"age1tag", "a key on a token"},
    {"AGE-PLUGIN-", "a key of an age plugin"}, {"AGE-SECRET-KEY-PQ-", "a post-quantum key"},
    {"-----BEGIN OPENSSH PRIVATE KEY", "an SSH key"}, {"-----BEGIN RSA PRIVATE KEY", "an SSH key"},
    {"age-encryption.org/v1", "encrypted itself (age -p)"},
    {"-----BEGIN AGE ENCRYPTED FILE", "encrypted itself (age -p)"}, {"AGE-SECRET-KEY-", "a private key"},
    {"age1", "a recipient"}, {"untrusted comment:", "a key of minisign"}};

static bool refuse(const char *line, const char *wanted, belay_error *err)
{
    for (size_t i = 0; i < BELAY_COUNT(others); i++) {
        if (belay_starts_with(line, others[i].start) && !belay_starts_with(others[i].start, wanted)) {
            belay_fail(err, BELAY_E_KEY, "it is %s, which belay does not take here", others[i].what);
            break;
        }
        if (i + 1 == BELAY_COUNT(others))
            belay_fail(err, BELAY_E_KEY, "it is not a whole key of age");
    }
    return belay_error_hint(
        err, "wanted is an X25519 key of age (%s...), as `belay key new` and age-keygen make them", wanted);
}

bool belay_age_recipients_add(belay_age_recipients *recipients, const char *text, belay_error *err)
{
    uint8_t key[BELAY_KEY_BYTES];
    if (!belay_bech32_decode(text, recipient_prefix, key))
        return refuse(text, "age1", err);
    if (belay_age_recipients_has(recipients, key))
        return true;
    recipients->keys = belay_realloc_array(recipients->keys, recipients->count + 1, sizeof *recipients->keys);
    memcpy(recipients->keys[recipients->count++], key, sizeof key);
    return true;
}

bool belay_age_recipients_has(
    const belay_age_recipients *recipients, const uint8_t recipient[static BELAY_KEY_BYTES])
{
    for (size_t i = 0; i < recipients->count; i++) {
        if (memcmp(recipients->keys[i], recipient, BELAY_KEY_BYTES) == 0)
            return true;
    }
    return false;
}

void belay_age_recipients_done(belay_age_recipients *recipients)
{
    free(recipients->keys);
    *recipients = (belay_age_recipients){0};
}

/* The next line that says something, trimmed, in `line`. False at the end. */
static bool next_line(const char **at, char line[static LINE_MAX_BYTES], long *number)
{
    while (**at != '\0') {
        size_t length = strcspn(*at, "\n");
        belay_span text = belay_span_trim((belay_span){*at, length});
        *at += length + ((*at)[length] == '\n' ? 1 : 0);
        ++*number;
        if (text.length == 0 || text.data[0] == '#')
            continue;
        size_t kept = text.length < LINE_MAX_BYTES ? text.length : LINE_MAX_BYTES - 1;
        memcpy(line, text.data, kept);
        line[kept] = '\0';
        return true;
    }
    return false;
}

bool belay_age_recipients_read(
    belay_age_recipients *recipients, const char *text, const char *path, belay_error *err)
{
    char line[LINE_MAX_BYTES];
    long number = 0;
    size_t before = recipients->count;
    while (next_line(&text, line, &number)) {
        if (!belay_age_recipients_add(recipients, line, err))
            return belay_error_prefix(err, "%s, line %ld", path, number);
    }
    return recipients->count > before ||
           belay_fail(err, BELAY_E_KEY, "%s: there is no recipient in it", path);
}

static void add_identity(belay_age_identities *identities, const uint8_t secret[static BELAY_KEY_BYTES])
{
    belay_age_identity *items = belay_locked_alloc((identities->count + 1) * sizeof *items);
    if (identities->count > 0)
        memcpy(items, identities->items, identities->count * sizeof *items);
    belay_age_identity *added = &items[identities->count++];
    memcpy(added->secret, secret, BELAY_KEY_BYTES);
    belay_x25519_public(secret, added->recipient);
    belay_locked_free(identities->items);
    identities->items = items;
}

bool belay_age_identities_read(
    belay_age_identities *identities, const char *text, const char *path, belay_error *err)
{
    char line[LINE_MAX_BYTES];
    uint8_t secret[BELAY_KEY_BYTES];
    long number = 0;
    size_t before = identities->count;
    bool ok = true;
    while (ok && next_line(&text, line, &number)) {
        ok = belay_bech32_decode(line, identity_prefix, secret);
        if (ok)
            add_identity(identities, secret);
        else
            refuse(line, "AGE-SECRET-KEY-1", err);
    }
    explicit_bzero(line, sizeof line);
    explicit_bzero(secret, sizeof secret);
    if (!ok)
        return belay_error_prefix(err, "%s, line %ld", path, number);
    return identities->count > before || belay_fail(err, BELAY_E_KEY, "%s: there is no identity in it", path);
}

void belay_age_identities_done(belay_age_identities *identities)
{
    belay_locked_free(identities->items);
    *identities = (belay_age_identities){0};
}

void belay_age_generate(
    char ret_identity[static BELAY_BECH32_SIZE], char ret_recipient[static BELAY_BECH32_SIZE])
{
    uint8_t secret[BELAY_KEY_BYTES], recipient[BELAY_KEY_BYTES];
    belay_random_bytes(secret, sizeof secret);
    belay_x25519_public(secret, recipient);
    belay_bech32_encode("AGE-SECRET-KEY-", secret, ret_identity);
    belay_age_recipient_text(recipient, ret_recipient);
    explicit_bzero(secret, sizeof secret);
}

void belay_age_recipient_text(
    const uint8_t recipient[static BELAY_KEY_BYTES], char ret[static BELAY_BECH32_SIZE])
{
    belay_bech32_encode(recipient_prefix, recipient, ret);
}
