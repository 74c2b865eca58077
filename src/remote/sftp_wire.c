#include "remote/sftp_wire.h"

/* Which attributes a packet has. */
enum { HAS_SIZE = 1, HAS_OWNER = 2, HAS_MODE = 4, HAS_TIMES = 8 };
#define HAS_EXTENDED 0x80000000U

void belay_wire_set_u32(char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(unsigned char)(number >> (24 - 8 * i));
}

uint32_t belay_wire_u32(const char *at)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

void belay_wire_put_u32(belay_str *to, uint32_t number)
{
    char bytes[4];
    belay_wire_set_u32(bytes, number);
    belay_str_append_n(to, bytes, sizeof bytes);
}

void belay_wire_put_u64(belay_str *to, uint64_t number)
{
    belay_wire_put_u32(to, (uint32_t)(number >> 32));
    belay_wire_put_u32(to, (uint32_t)number);
}

void belay_wire_put_span(belay_str *to, belay_span bytes)
{
    belay_wire_put_u32(to, (uint32_t)bytes.length);
    belay_str_append_n(to, bytes.data, bytes.length);
}

void belay_wire_put_mode(belay_str *to, uint32_t mode)
{
    belay_wire_put_u32(to, HAS_MODE);
    belay_wire_put_u32(to, mode);
}

bool belay_wire_take_u32(belay_wire *wire, uint32_t *ret)
{
    if (wire->length < 4)
        return false;
    *ret = belay_wire_u32(wire->data);
    *wire = (belay_wire){wire->data + 4, wire->length - 4};
    return true;
}

bool belay_wire_take_u64(belay_wire *wire, uint64_t *ret)
{
    uint32_t high, low;
    if (wire->length < 8 || !belay_wire_take_u32(wire, &high) || !belay_wire_take_u32(wire, &low))
        return false;
    *ret = (uint64_t)high << 32 | low;
    return true;
}

bool belay_wire_take_span(belay_wire *wire, belay_span *ret)
{
    uint32_t length = wire->length < 4 ? 0 : belay_wire_u32(wire->data);
    if (wire->length < 4 || wire->length - 4 < length)
        return false;
    *ret = (belay_span){wire->data + 4, length};
    *wire = (belay_wire){wire->data + 4 + length, wire->length - 4 - length};
    return true;
}

static bool take_extended(belay_wire *wire)
{
    uint32_t count;
    belay_span kind, value;
    bool whole = belay_wire_take_u32(wire, &count);
    for (uint32_t i = 0; whole && i < count; i++)
        whole = belay_wire_take_span(wire, &kind) && belay_wire_take_span(wire, &value);
    return whole;
}

bool belay_wire_take_attributes(belay_wire *wire, belay_sftp_attributes *ret)
{
    belay_wire rest = *wire;
    uint32_t flags, mode = 0, ignored, modified = 0;
    *ret = (belay_sftp_attributes){0};
    if (!belay_wire_take_u32(&rest, &flags) ||
        ((flags & HAS_SIZE) != 0 && !belay_wire_take_u64(&rest, &ret->size_bytes)) ||
        ((flags & HAS_OWNER) != 0 &&
            (!belay_wire_take_u32(&rest, &ignored) || !belay_wire_take_u32(&rest, &ignored))) ||
        ((flags & HAS_MODE) != 0 && !belay_wire_take_u32(&rest, &mode)) ||
        ((flags & HAS_TIMES) != 0 &&
            (!belay_wire_take_u32(&rest, &ignored) || !belay_wire_take_u32(&rest, &modified))) ||
        ((flags & HAS_EXTENDED) != 0 && !take_extended(&rest)))
        return false;
    ret->has_size = (flags & HAS_SIZE) != 0;
    ret->has_mode = (flags & HAS_MODE) != 0;
    ret->has_time = (flags & HAS_TIMES) != 0;
    ret->mode = (mode_t)mode;
    ret->modified_utc = modified; /* until 2106 */
    *wire = rest;
    return true;
}

bool belay_wire_take_answer(belay_span packet, belay_sftp_answer *ret)
{
    if (packet.length == 0)
        return false;
    belay_wire wire = {packet.data + 1, packet.length - 1};
    *ret = (belay_sftp_answer){.kind = (belay_sftp_kind)(unsigned char)packet.data[0]};
    bool whole = belay_wire_take_u32(&wire, &ret->id);
    if (ret->kind == BELAY_SFTP_STATUS) {
        whole = whole && belay_wire_take_u32(&wire, &ret->status);
        /* The words came with version 3; some servers leave them out. */
        if (!belay_wire_take_span(&wire, &ret->body))
            ret->body = belay_span_of("");
    } else if (ret->kind == BELAY_SFTP_HANDLE || ret->kind == BELAY_SFTP_DATA) {
        whole = whole && belay_wire_take_span(&wire, &ret->body);
    } else if (ret->kind == BELAY_SFTP_ATTRIBUTES) {
        whole = whole && belay_wire_take_attributes(&wire, &ret->attributes);
    } else if (ret->kind == BELAY_SFTP_NAMES || ret->kind == BELAY_SFTP_EXTENDED) {
        ret->body = (belay_span){wire.data, wire.length};
    } else {
        whole = false;
    }
    return whole;
}
