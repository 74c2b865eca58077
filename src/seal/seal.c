#include "seal/seal.h"

#include <pthread.h>

#include "seal/age_file.h"
#include "seal/keyring.h"
#include "util/clock.h"

#define PART ".part"

/* A file that this process writes: its key, until it has its name. */
typedef struct writing {
    char *name; /* with ".part" */
    uint8_t *file_key;
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

static bool is_encrypted(const char *name)
{
    return belay_ends_with(name, BELAY_SUFFIX_ENCRYPTED) ||
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
static const uint8_t *new_file_key(sealed_store *self, const char *name)
{
    forget_writing(self, name);
    writing *added = belay_alloc(sizeof *added);
    added->name = belay_strdup(name);
    added->file_key = belay_locked_alloc(BELAY_AGE_FILE_KEY_BYTES);
    belay_random_bytes(added->file_key, BELAY_AGE_FILE_KEY_BYTES);
    added->next = self->writings;
    self->writings = added;
    return added->file_key;
}

/* With the mutex. Keys first: a file that cannot be encrypted is not begun. */
static bool encrypt(sealed_store *self, const char *name, belay_sink **ret, belay_error *err)
{
    const belay_age_recipients *recipients = NULL;
    BELAY_AUTO(belay_sink_close) belay_sink *plain = NULL;
    if (!belay_keyring_recipients(self->keyring, &recipients, err))
        return false;
    if (recipients->count == 0)
        return belay_fail(err, BELAY_E_KEY, "%s: there is nobody to encrypt it to", name);
    if (!self->plain->create(self->plain, name, &plain, err))
        return false;
    if (!belay_age_encrypt(plain, recipients, new_file_key(self, name), ret, err)) {
        self->plain->remove(self->plain, name, NULL);
        return false;
    }
    plain = NULL;
    return true;
}

static bool sealed_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    if (!is_encrypted(name))
        return self->plain->create(self->plain, name, ret, err);
    pthread_mutex_lock(&self->mutex);
    bool ok = encrypt(self, name, ret, err);
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

static bool sealed_rename(belay_store *base, const char *from, const char *to, belay_error *err)
{
    sealed_store *self = (sealed_store *)base;
    if (!self->plain->rename(self->plain, from, to, err))
        return false;
    forget(self, from);
    return true;
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
        .create = sealed_create,
        .append = sealed_append,
        .open = sealed_open,
        .rename = sealed_rename,
        .remove = sealed_remove,
        .list = sealed_list,
        .folders = sealed_folders,
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
