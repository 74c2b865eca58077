/* Any bytes as a file of known hosts, and as an SSH address: read, or refused with a message that has its
 * place; what is read is a key, and a password is not repeated. */
#include "remote/address.h"
#include "remote/host_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need_message(bool ok, const belay_error *err, belay_code code)
{
    if (!ok && (err->message[0] == '\0' || err->hint[0] == '\0' || err->code != code))
        abort();
}

static void check_key(const belay_known_key *key)
{
    size_t size = 0;
    BELAY_AUTO(belay_free) unsigned char *blob = belay_key_blob_decode(key->blob, &size);
    char type[BELAY_FINGERPRINT_SIZE];
    if (blob == NULL || !belay_starts_with(key->place, "fuzz:"))
        abort();
    belay_host_key_type(blob, size, type);
    if (type[0] == '\0' || !belay_equal(type, key->type))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    belay_error err = {0};
    BELAY_AUTO(belay_known_keys_done) belay_known_keys keys = {0};
    bool ok = belay_known_keys_parse((const char *)data, size, "fuzz", "db.example", &keys, &err);
    need_message(ok, &err, BELAY_E_UNSUPPORTED);
    for (size_t i = 0; i < keys.count; i++)
        check_key(&keys.items[i]);
    BELAY_AUTO(belay_free) char *text = belay_strndup((const char *)data, size);
    BELAY_AUTO(belay_ssh_address_done) belay_ssh_address address = {0};
    ok = belay_ssh_address_parse(text, &address, &err);
    need_message(ok, &err, BELAY_E_CONFIG);
    if (ok &&
        (address.host[0] == '\0' || address.host[0] == '-' || strpbrk(address.host, " \t\n'\"`$;") != NULL))
        abort();
    char type[BELAY_FINGERPRINT_SIZE];
    belay_host_key_type(data, size, type);
    return 0;
}
