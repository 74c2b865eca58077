/* Any bytes as a file of age: opened and read to its end with an identity, or a message. Then the same as a
 * signature of minisign's, and as a file of keys. */
#include "seal/age_file.h"
#include "seal/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the seeds that decrypt. */
static const char identity[] = "AGE-SECRET-KEY-13KJPNR3ZF5RN7QMPASVMTZG82E3QWKSMU9A4K7LEFPM85YD9U6VSGJ0KLY";

typedef struct memory_source {
    belay_source base;
    const uint8_t *data;
} memory_source;

static bool memory_read(belay_source *base, uint64_t offset, void *data, size_t size_bytes, belay_error *err)
{
    memory_source *self = (memory_source *)base;
    if (offset > base->size_bytes || size_bytes > base->size_bytes - offset)
        return belay_fail(err, BELAY_E_IO, "beyond the end");
    memcpy(data, self->data + offset, size_bytes);
    return true;
}

static void memory_close(belay_source *base)
{
    free(base);
}

static void read_file(const belay_age_identities *identities, const uint8_t *data, size_t size)
{
    memory_source *memory = belay_alloc(sizeof *memory);
    *memory = (memory_source){{size, memory_read, memory_close}, data};
    const belay_age_opener opener = {.identities = identities};
    BELAY_AUTO(belay_source_close) belay_source *source = NULL;
    belay_error err = {0};
    if (!belay_age_decrypt(&memory->base, &opener, &source, &err)) {
        memory_close(&memory->base);
        if (err.message[0] == '\0')
            abort();
        return;
    }
    BELAY_AUTO(belay_free) char *plain = belay_alloc((size_t)source->size_bytes + 1);
    if (!source->read(source, 0, plain, (size_t)source->size_bytes, &err) && err.message[0] == '\0')
        abort();
}

static void read_texts(const uint8_t *data, size_t size)
{
    BELAY_AUTO(belay_free) char *text = belay_strndup((const char *)data, size);
    BELAY_AUTO(belay_free) char *comment = NULL;
    static const uint8_t hash[BELAY_BLAKE2B_BYTES];
    belay_sign_public key;
    belay_signer signer;
    belay_age_identities identities = {0};
    belay_age_recipients recipients = {0};
    if (belay_sign_public_read(text, "f", &key, NULL))
        belay_signature_check(text, hash, &key, 1, &comment, NULL);
    belay_signature_check(text, hash, NULL, 0, &comment, NULL);
    belay_signer_read(text, "f", &signer, NULL);
    belay_age_identities_read(&identities, text, "f", NULL);
    belay_age_recipients_read(&recipients, text, "f", NULL);
    belay_age_identities_done(&identities);
    belay_age_recipients_done(&recipients);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static belay_age_identities identities;
    if (identities.count == 0 &&
        (!belay_crypto_load(NULL) || !belay_age_identities_read(&identities, identity, "identity", NULL)))
        abort();
    read_file(&identities, data, size);
    read_texts(data, size);
    return 0;
}
