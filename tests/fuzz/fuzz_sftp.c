/* Any bytes as an answer of an SFTP server: taken or not, and never read behind their end. */
#include "remote/sftp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need_inside(belay_span part, const char *from, size_t size)
{
    if (part.length > 0 && (part.data < from || part.length > size - (size_t)(part.data - from)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Memory of its own, of just that size: a sanitizer sees what reads further. */
    BELAY_AUTO(belay_free) char *copy = belay_alloc(size);
    if (size > 0)
        memcpy(copy, data, size);
    belay_sftp_answer answer;
    if (!belay_wire_take_answer((belay_span){copy, size}, &answer))
        return 0;
    need_inside(answer.body, copy, size);
    uint64_t bytes;
    belay_sftp_free_bytes(answer.body, &bytes);
    if (answer.kind != BELAY_SFTP_NAMES || answer.body.length < 4)
        return 0;
    belay_span rest = {answer.body.data + 4, answer.body.length - 4}, name;
    belay_sftp_attributes it;
    for (size_t before = rest.length + 1; belay_sftp_take_name(&rest, &name, &it); before = rest.length) {
        need_inside(name, copy, size);
        if (rest.length >= before)
            abort();
    }
    return 0;
}
