#include "seal/keyring.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "config/tracked.h"
#include "util/file.h"

enum { KEY_FILE_MAX_BYTES = 1024 * 1024 };

struct belay_keyring {
    const belay_target *target;
    belay_age_recipients recipients;
    belay_age_identities identities;
    belay_signer *signer; /* locked */
    belay_sign_public *trusted;
    size_t trusted_count;
};

belay_keyring *belay_keyring_new(const belay_target *target)
{
    belay_keyring *keyring = belay_alloc(sizeof *keyring);
    keyring->target = target;
    return keyring;
}

void belay_keyring_free(belay_keyring *keyring)
{
    if (keyring == NULL)
        return;
    belay_age_recipients_done(&keyring->recipients);
    belay_age_identities_done(&keyring->identities);
    belay_locked_free(keyring->signer);
    free(keyring->trusted);
    free(keyring);
}

/* Whatever the reason, it is a key that is missing. */
static bool of_target(const belay_keyring *k, const char *key, belay_error *err)
{
    if (err != NULL) {
        err->code = BELAY_E_KEY;
        if (err->hint[0] == '\0')
            belay_error_hint(err, "let `%s` name a file that is there and that this user can read", key);
    }
    return belay_error_prefix(err, "target %s, %s", k->target->name, key);
}

/* Whoever gets the store would get the key with it. */
static bool is_in_store(const char *path, const char *store_url)
{
    static const char scheme[] = "file://";
    char real_path[PATH_MAX], real_store[PATH_MAX];
    if (store_url != NULL && belay_starts_with(store_url, scheme))
        store_url += sizeof scheme - 1;
    if (store_url == NULL || realpath(path, real_path) == NULL || realpath(store_url, real_store) == NULL)
        return false;
    size_t length = strlen(real_store);
    return strncmp(real_path, real_store, length) == 0 && (real_path[length] == '/' || length == 1);
}

static bool check_place(const belay_keyring *k, const char *path, belay_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return belay_fail_errno(err, errno, "cannot read %s", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        belay_fail(err, BELAY_E_KEY, "%s: others can read this private key (mode %03o)", path,
            (unsigned)status.st_mode & 0777U);
        return belay_error_hint(err, "chmod 600 %s", path);
    }
    if (is_in_store(path, k->target->store_url)) {
        belay_fail(err, BELAY_E_KEY, "%s: this private key lies in the store, beside what it protects", path);
        return belay_error_hint(err, "move it to where copies of the store do not take it along");
    }
    if (belay_git_tracks(path)) {
        belay_fail(err, BELAY_E_KEY, "%s: git tracks this private key", path);
        return belay_error_hint(err,
            "`git rm --cached` takes it out of git; then make a new one with `belay key new`, since git's "
            "history still has it");
    }
    return true;
}

static bool read_private(const belay_keyring *k, const char *path, char **ret, belay_error *err)
{
    return check_place(k, path, err) && belay_read_file(path, KEY_FILE_MAX_BYTES, ret, NULL, err);
}

static bool read_public(const char *path, char **ret, belay_error *err)
{
    return belay_read_file(path, KEY_FILE_MAX_BYTES, ret, NULL, err);
}

/* A recipient, or the path of a file of recipients: it has a slash or a dot. */
static bool add_recipient(belay_keyring *k, const char *entry, belay_error *err)
{
    if (strpbrk(entry, "/.") == NULL)
        return belay_age_recipients_add(&k->recipients, entry, err);
    BELAY_AUTO(belay_free) char *path = belay_path_join(k->target->project_root, entry);
    BELAY_AUTO(belay_free) char *text = NULL;
    return read_public(path, &text, err) && belay_age_recipients_read(&k->recipients, text, path, err);
}

bool belay_keyring_recipients(belay_keyring *k, const belay_age_recipients **ret, belay_error *err)
{
    const belay_list *entries = &k->target->encrypt_to;
    bool missing = k->recipients.count == 0 && entries->count > 0;
    if (missing && !belay_crypto_load(err))
        return false;
    for (size_t i = 0; missing && i < entries->count; i++) {
        if (!add_recipient(k, entries->items[i], err)) {
            belay_age_recipients_done(&k->recipients);
            return of_target(k, "encrypt_to", err);
        }
    }
    *ret = &k->recipients;
    return true;
}

static bool no_identity(const belay_keyring *k, belay_error *err)
{
    belay_fail(err, BELAY_E_KEY, "it is encrypted, and target %s names no identity to read it with",
        k->target->name);
    return belay_error_hint(
        err, "set `identity` of the target, or the variable BELAY_IDENTITY, to the file of the private key");
}

bool belay_keyring_identities(belay_keyring *k, const belay_age_identities **ret, belay_error *err)
{
    const belay_list *paths = &k->target->identity;
    if (paths->count == 0)
        return no_identity(k, err);
    bool missing = k->identities.count == 0;
    if (missing && !belay_crypto_load(err))
        return false;
    for (size_t i = 0; missing && i < paths->count; i++) {
        BELAY_AUTO(belay_free_secret) char *text = NULL;
        if (!read_private(k, paths->items[i], &text, err) ||
            !belay_age_identities_read(&k->identities, text, paths->items[i], err)) {
            belay_age_identities_done(&k->identities);
            return of_target(k, "identity", err);
        }
    }
    *ret = &k->identities;
    return true;
}

static bool read_signer(const belay_keyring *k, belay_signer *ret, belay_error *err)
{
    BELAY_AUTO(belay_free_secret) char *text = NULL;
    return read_private(k, k->target->sign_with, &text, err) &&
           belay_signer_read(text, k->target->sign_with, ret, err);
}

bool belay_keyring_signer(belay_keyring *k, const belay_signer **ret, belay_error *err)
{
    if (k->signer == NULL && k->target->sign_with != NULL) {
        if (!belay_crypto_load(err))
            return false;
        belay_signer *signer = belay_locked_alloc(sizeof *signer);
        if (!read_signer(k, signer, err)) {
            belay_locked_free(signer);
            return of_target(k, "sign_with", err);
        }
        k->signer = signer;
    }
    *ret = k->signer;
    return true;
}

/* A key as a word, or the path of its file: base64 may have a slash, so the word is tried first. */
static bool read_trusted(const belay_keyring *k, const char *entry, belay_sign_public *ret, belay_error *err)
{
    if (belay_sign_public_parse(entry, ret))
        return true;
    BELAY_AUTO(belay_free) char *path = belay_path_join(k->target->project_root, entry);
    BELAY_AUTO(belay_free) char *text = NULL;
    return read_public(path, &text, err) && belay_sign_public_read(text, path, ret, err);
}

bool belay_keyring_trusted(
    belay_keyring *k, const belay_sign_public **ret, size_t *ret_count, belay_error *err)
{
    const belay_list *entries = &k->target->require_signature;
    if (k->trusted == NULL && entries->count > 0) {
        BELAY_AUTO(belay_free) belay_sign_public *keys = belay_alloc(entries->count * sizeof *keys);
        if (!belay_crypto_load(err))
            return false;
        for (size_t i = 0; i < entries->count; i++) {
            if (!read_trusted(k, entries->items[i], &keys[i], err))
                return of_target(k, "require_signature", err);
        }
        k->trusted = belay_take(keys);
        k->trusted_count = entries->count;
    }
    *ret = k->trusted;
    *ret_count = k->trusted_count;
    return true;
}

static bool fail_untrusted(const belay_keyring *k, const belay_sign_public *own, belay_error *err)
{
    char id[BELAY_SIGN_ID_TEXT_SIZE];
    belay_str wanted = BELAY_STR_INIT;
    for (size_t i = 0; i < k->trusted_count; i++) {
        belay_sign_id_text(k->trusted[i].id, id);
        belay_str_appendf(&wanted, "%s%s", i == 0 ? "" : ", ", id);
    }
    BELAY_AUTO(belay_free) char *ids = belay_str_steal(&wanted);
    belay_sign_id_text(own->id, id);
    belay_fail(err, BELAY_E_KEY,
        "target %s signs with key %s, but require_signature wants %s: what it signs it could not restore",
        k->target->name, id, ids);
    return belay_error_hint(err,
        "add the public key of sign_with, which `belay key show FILE` prints, to require_signature, or let "
        "sign_with name the private key of one that is there");
}

bool belay_keyring_check_signer(belay_keyring *k, belay_error *err)
{
    const belay_signer *signer = NULL;
    const belay_sign_public *trusted = NULL;
    size_t count = 0;
    belay_sign_public own;
    if (!belay_keyring_signer(k, &signer, err) || !belay_keyring_trusted(k, &trusted, &count, err))
        return false;
    if (signer == NULL || count == 0)
        return true;
    belay_sign_public_of(signer, &own);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&own, &trusted[i], sizeof own) == 0)
            return true;
    }
    return fail_untrusted(k, &own, err);
}
