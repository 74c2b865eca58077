/* Any bytes as manifest.json: a manifest that writes back what it read, or a message. */
#include "archive/check.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BELAY_AUTO(belay_manifest_free) belay_manifest *manifest = NULL;
    belay_error err = {0};
    if (!belay_manifest_read((const char *)data, size, &manifest, &err)) {
        if (err.message[0] == '\0')
            abort();
        return 0;
    }
    const belay_member *last =
        manifest->member_count == 0 ? NULL : &manifest->members[manifest->member_count - 1];
    /* Where members whose places fit each other end, so that what is behind that check is reached. */
    uint64_t fits = last == NULL ? 0 : last->offset + last->span_bytes;
    const uint64_t ends[] = {0, 512, 2048, UINT64_MAX / 512 * 512, fits};
    for (size_t i = 0; i < BELAY_COUNT(ends); i++)
        belay_manifest_check(manifest, ends[i], &err);
    json_t *json = belay_manifest_to_json(manifest);
    if (json == NULL)
        abort();
    json_decref(json);
    return 0;
}
