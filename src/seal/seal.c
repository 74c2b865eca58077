#include "seal/seal.h"

#include <pthread.h>

#include "seal/age_file.h"
#include "seal/keyring.h"
#include "util/clock.h"
#include "util/stop.h"

#define PART ".part"

enum { HASHED_AT_ONCE_BYTES = 1024 * 1024, NAME_SHOWN_MAX = 200 };

/* A snapshot that this process writes, until it has its name. */
typedef struct writing {
    char *name;        /* with ".part" */
    uint8_t *file_key; /* locked; NULL: not encrypted */
    bool hashed;       /* it was written to its end, and `hash` is that of all its bytes */
    uint8_t hash[BELAY_BLAKE2B_BYTES];
    struct writing *next;
} writing;

typedef struct sealed_store {
    belay_store base;
    belay_store *plain;
    const belay_target *target;
    pthread_mutex_t mutex; /* over what follows */
    belay_keyring *keyring;
    writing *writings;
} sealed_store;

const char *belay_seal_suffix_of(const char *name)
{
    static const char *const suffixes[] = {BELAY_SUFFIX_PLAIN, BELAY_SUFFIX_ENCRYPTED};
    for (size_t i = 0; i < BELAY_COUNT(suffixes); i++) {
        if (belay_ends_with(name, suffixes[i]))
            return suffixes[i];
    }
    return NULL;
}

static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

static bool is_encrypted(const char *name)
{
    return belay_ends_with(name, BELAY_SUFFIX_AGE) || belay_ends_with(name, BELAY_SUFFIX_AGE PART);
}

/* A snapshot that is being written: it is signed, too. */
static bool is_unfinished(const char *name)
{
    return belay_ends_with(name, BELAY_SUFFIX_PLAIN PART) ||
           belay_ends_with(name, BELAY_SUFFIX_ENCRYPTED PART);
}

/* With the mutex. */
static writing **find_writing(sealed_store *self, const char *name)
{
    writing **at = &self->writings;
    while (*at != NULL && !belay_equal((*at)->name, name))
        at = &(*at)->next;
    return at;
}

/* With the mutex. */
static void forget_writing(sealed_store *self, const char *name)
{
    writing **at = find_writing(self, name), *gone = *at;
    if (gone == NULL)
        return;
    *at = gone->next;
    belay_locked_free(gone->file_key);
    free(gone->name);
    free(gone);
}

/* With the mutex. */
static writing *begin_writing(sealed_store *self, const char *name, bool encrypted)
{
    forget_writing(self, name);
    writing *added = belay_alloc(sizeof *added);
    added->name = belay_strdup(name);
    if (encrypted) {
        added->file_key = belay_locked_alloc(BELAY_AGE_FILE_KEY_BYTES);
        belay_random_bytes(added->file_key, BELAY_AGE_FILE_KEY_BYTES);
    }
    added->next = self->writings;
    self->writings = added;
    return added;
}

/* Hashes what passes, for the signature. */
typedef struct hashing_sink {
    belay_sink base;
    belay_sink *to;
    sealed_store *store;
    char *name;
    belay_blake2b *hash;
} hashing_sink;

static bool hashing_write(belay_sink *base, const void *data, size_t size_bytes, belay_error *err)
{
    hashing_sink *self = (hashing_sink *)base;
    belay_blake2b_update(self->hash, data, size_bytes);
    return self->to->write(self->to, data, size_bytes, err);
}

/* The last write came before it. */
static bool hashing_sync(belay_sink *base, belay_error *err)
{
    hashing_sink *self = (hashing_sink *)base;
    pthread_mutex_lock(&self->store->mutex);
    writing *own = *find_writing(self->store, self->name);
    if (own != NULL && !own->hashed) {
        belay_blake2b_finish(self->hash, own->hash);
        own->hashed = true;
    }
    pthread_mutex_unlock(&self->store->mutex);
    return self->to->sync(self->to, err);
}

static void hashing_close(belay_sink *base)
{
    hashing_sink *self = (hashing_sink *)base;
    belay_sink_close(self->to);
    belay_blake2b_free(self->hash);
    free(self->name);
    free(self);
}

static belay_sink *hashing(sealed_store *store, const char *name, belay_sink *to)
{
    hashing_sink *sink = belay_alloc(sizeof *sink);
    *sink = (hashing_sink){.base = {hashing_write, hashing_sync, hashing_close},
        .to = to,
        .store = store,
        .name = belay_strdup(name),
        .hash = belay_blake2b_new()};
    return &sink->base;
}

/* With the mutex: whom what is encrypted is for. */
static bool find_recipients(
    sealed_store *self, const char *name, const belay_age_recipients **ret, belay_error *err)
{
    return belay_keyring_recipients(self->keyring, ret, err) &&
           ((*ret)->count > 0 || belay_fail(err, BELAY_E_KEY, "%s: there is nobody to encrypt it to", name));
}

/* With the mutex: the keys that a new snapshot needs. One that cannot be encrypted or signed, or that nobody
 * would take with that signature, is not begun. */
static bool find_keys(sealed_store *self, const char *name, const belay_age_recipients **ret_recipients,
    const belay_signer **ret_signer, belay_error *err)
{
    if (!belay_keyring_recipients(self->keyring, ret_recipients, err) ||
        !belay_keyring_signer(self->keyring, ret_signer, err) ||
        !belay_keyring_check_signer(self->keyring, err))
        return false;
    return !is_encrypted(name) || find_recipients(self, name, ret_recipients, err);
}

/* With the mutex. */
static bool create_sealed(sealed_store *self, const char *name, belay_sink **ret, belay_error *err)
{
    const belay_age_recipients *recipients = NULL;
    const belay_signer *signer = NULL;
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    if (!(is_unfinished(name) ? find_keys(self, name, &recipients, &signer, err)
                              : find_recipients(self, name, &recipients, err)) ||
        !self->plain->create(self->plain, name, &sink, err))
        return false;
    const writing *own = begin_writing(self, name, is_encrypted(name));
    if (signer != NULL)
        sink = hashing(self, name, sink);
    if (own->file_key == NULL) {
        *ret = belay_take(sink);
        return true;
    }
    if (!belay_age_encrypt(sink, recipients, own->file_key, ret, err)) {
        self->plain->remove(self->plain, name, NULL);
        return false;
    }
    sink = NULL;
    return true;
}

static bool sealed_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    if (!is_unfinished(name) && !is_encrypted(name))
        return self->plain->create(self->plain, name, ret, err);
    pthread_mutex_lock(&self->mutex);
    bool ok = create_sealed(self, name, ret, err);
    pthread_mutex_unlock(&self->mutex);
    return ok;
}

static bool sealed_append(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    if (is_encrypted(name))
        return belay_fail(err, BELAY_E_INTERNAL, "%s: nothing is appended to an encrypted file", name);
    return self->plain->append(self->plain, name, ret, err);
}

/* With the mutex. */
static bool decrypt(
    sealed_store *self, const char *name, belay_source *plain, belay_source **ret, belay_error *err)
{
    const writing *own = *find_writing(self, name);
    belay_age_opener opener = {.file_key = own == NULL ? NULL : own->file_key};
    return (own != NULL || belay_keyring_identities(self->keyring, &opener.identities, err)) &&
           belay_age_decrypt(plain, &opener, ret, err);
}

static bool sealed_open(belay_store *base, const char *name, belay_source **ret, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    BELAY_AUTO(belay_source_close) belay_source *plain = NULL;
    if (!self->plain->open(self->plain, name, &plain, err))
        return false;
    if (!is_encrypted(name)) {
        *ret = belay_take(plain);
        return true;
    }
    pthread_mutex_lock(&self->mutex);
    bool ok = decrypt(self, name, plain, ret, err);
    pthread_mutex_unlock(&self->mutex);
    if (ok)
        plain = NULL;
    return ok || belay_error_prefix(err, "%s", name);
}

static void forget(sealed_store *self, const char *name)
{
    pthread_mutex_lock(&self->mutex);
    forget_writing(self, name);
    pthread_mutex_unlock(&self->mutex);
}

/* With the mutex: the signature of what was written, NULL when it is not to be signed. */
static bool sign(sealed_store *self, const char *from, const char *to, char **ret, belay_error *err)
{
    const writing *own = *find_writing(self, from);
    const belay_signer *signer = NULL;
    *ret = NULL;
    if (!belay_keyring_signer(self->keyring, &signer, err))
        return false;
    if (signer == NULL)
        return true;
    if (own == NULL || !own->hashed)
        return belay_fail(err, BELAY_E_INTERNAL, "%s: only what was just written is signed", from);
    BELAY_AUTO(belay_free)
    char *comment =
        belay_format("timestamp:%lld\tfile:%s\thashed", (long long)belay_now_utc(), base_name(to));
    *ret = belay_signature_make(signer, own->hash, comment);
    return true;
}

/* The signature is there before the file has its name: a signature without its file does no harm, and a file
 * without its signature would not be used. */
static bool publish(sealed_store *self, const char *from, const char *to, belay_error *err)
{
    BELAY_AUTO(belay_free) char *signature = NULL;
    BELAY_AUTO(belay_free) char *name = belay_format("%s" BELAY_SUFFIX_SIGNATURE, to);
    pthread_mutex_lock(&self->mutex);
    bool ok = sign(self, from, to, &signature, err);
    pthread_mutex_unlock(&self->mutex);
    if (!ok ||
        (signature != NULL && !belay_store_write_all(self->plain, name, signature, strlen(signature), err)))
        return false;
    if (self->plain->rename(self->plain, from, to, err))
        return true;
    if (signature != NULL)
        self->plain->remove(self->plain, name, NULL);
    return false;
}

static bool sealed_rename(belay_store *base, const char *from, const char *to, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    if (!(is_unfinished(from) ? publish(self, from, to, err)
                              : self->plain->rename(self->plain, from, to, err)))
        return false;
    forget(self, from);
    return true;
}

static bool hash_all(belay_source *source, uint8_t ret[static BELAY_BLAKE2B_BYTES], belay_error *err)
{
    BELAY_AUTO(belay_blake2b_free) belay_blake2b *hash = belay_blake2b_new();
    BELAY_AUTO(belay_free) char *data = belay_try_alloc(HASHED_AT_ONCE_BYTES, err);
    if (data == NULL)
        return false;
    for (uint64_t at = 0; at < source->size_bytes;) {
        uint64_t rest = source->size_bytes - at;
        size_t size = rest < HASHED_AT_ONCE_BYTES ? (size_t)rest : HASHED_AT_ONCE_BYTES;
        if (!belay_stop_check(err) || !source->read(source, at, data, size, err))
            return false;
        belay_blake2b_update(hash, data, size);
        at += size;
    }
    belay_blake2b_finish(hash, ret);
    return true;
}

/* The trusted comment of minisign and belay names the file: another snapshot of the same signer, put in its
 * place under its name, is not the one that was asked for. */
static bool check_named(const char *comment, const char *name, belay_error *err)
{
    static const char field[] = "file:";
    const char *at = strstr(comment, field);
    if (at == NULL || (at != comment && at[-1] != '\t' && at[-1] != ' '))
        return true;
    at += strlen(field);
    size_t length = strcspn(at, "\t");
    if (belay_span_equals((belay_span){at, length}, base_name(name)))
        return true;
    return belay_fail(err, BELAY_E_SIGNATURE, "it was signed as %.*s: another file lies under this name",
        (int)(length < NAME_SHOWN_MAX ? length : NAME_SHOWN_MAX), at);
}

static bool check_signature(sealed_store *self, const char *name, belay_source *source,
    const belay_sign_public *keys, size_t key_count, belay_error *err)
{
    BELAY_AUTO(belay_free) char *signature_name = belay_format("%s" BELAY_SUFFIX_SIGNATURE, name);
    BELAY_AUTO(belay_free) char *text = NULL;
    BELAY_AUTO(belay_free) char *comment = NULL;
    uint8_t hash[BELAY_BLAKE2B_BYTES];
    belay_error why = {0};
    if (!belay_store_read_all(self->plain, signature_name, BELAY_SIGNATURE_MAX, &text, NULL, &why)) {
        *(err == NULL ? &why : err) = why;
        return why.code == BELAY_E_NOT_FOUND
                   ? belay_fail(err, BELAY_E_SIGNATURE,
                         "it is not signed, and target %s has require_signature", self->target->name)
                   : false;
    }
    return hash_all(is_encrypted(name) ? belay_age_encrypted(source) : source, hash, err) &&
           belay_signature_check(text, hash, keys, key_count, &comment, err) &&
           check_named(comment, name, err);
}

static bool sealed_trust(belay_store *base, const char *name, belay_source *source, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    const belay_sign_public *keys = NULL;
    size_t key_count = 0;
    pthread_mutex_lock(&self->mutex);
    bool own = *find_writing(self, name) != NULL;
    bool ok = belay_keyring_trusted(self->keyring, &keys, &key_count, err);
    pthread_mutex_unlock(&self->mutex);
    return ok && (own || key_count == 0 || check_signature(self, name, source, keys, key_count, err));
}

static bool sealed_remove(belay_store *base, const char *name, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    forget(self, name);
    return self->plain->remove(self->plain, name, err);
}

static bool sealed_list(belay_store *base, const char *prefix, belay_store_listing *ret, belay_error *err)
{
    belay_store *plain = ((sealed_store *)base)->plain;
    return plain->list(plain, prefix, ret, err);
}

static bool sealed_folders(belay_store *base, const char *folder, belay_list *ret, belay_error *err)
{
    belay_store *plain = ((sealed_store *)base)->plain;
    return plain->folders(plain, folder, ret, err);
}

static bool sealed_is_held(belay_store *base, const char *name)
{
    belay_store *plain = ((sealed_store *)base)->plain;
    return plain->is_held(plain, name);
}

static bool sealed_free_space(belay_store *base, uint64_t *ret_bytes, belay_error *err)
{
    belay_store *plain = ((sealed_store *)base)->plain;
    return plain->free_space(plain, ret_bytes, err);
}

static void sealed_free(belay_store *base)
{
    sealed_store *self = (sealed_store *)base;
    while (self->writings != NULL)
        forget_writing(self, self->writings->name);
    belay_keyring_free(self->keyring);
    belay_store_free(self->plain);
    pthread_mutex_destroy(&self->mutex);
    free(self->base.url);
    free(self);
}

belay_store *belay_seal_store(belay_store *plain, const belay_target *target)
{
    sealed_store *store = belay_alloc(sizeof *store);
    store->base = (belay_store){.url = belay_strdup(plain->url),
        .bytes_per_s = plain->bytes_per_s,
        .is_remote = plain->is_remote,
        .caveat = plain->caveat,
        .create = sealed_create,
        .append = sealed_append,
        .open = sealed_open,
        .rename = sealed_rename,
        .remove = sealed_remove,
        .list = sealed_list,
        .folders = sealed_folders,
        .trust = sealed_trust,
        .is_held = sealed_is_held,
        .free_space = sealed_free_space,
        .free = sealed_free};
    store->plain = plain;
    store->target = target;
    store->keyring = belay_keyring_new(target);
    pthread_mutex_init(&store->mutex, NULL);
    return &store->base;
}

const char *belay_seal_suffix(const belay_store *store)
{
    bool encrypts = store->free == sealed_free && ((const sealed_store *)store)->target->encrypt_to.count > 0;
    return encrypts ? BELAY_SUFFIX_ENCRYPTED : BELAY_SUFFIX_PLAIN;
}

bool belay_seal_encrypts(const belay_store *store)
{
    return belay_equal(belay_seal_suffix(store), BELAY_SUFFIX_ENCRYPTED);
}
