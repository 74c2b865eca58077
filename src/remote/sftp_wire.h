/* Numbers, strings and attributes as they stand in packets of SFTP. Any thread. */
#ifndef BELAY_REMOTE_SFTP_WIRE_H
#define BELAY_REMOTE_SFTP_WIRE_H

#include "remote/sftp.h"

void belay_wire_put_u32(belay_str *to, uint32_t number);
void belay_wire_put_u64(belay_str *to, uint64_t number);
void belay_wire_put_span(belay_str *to, belay_span bytes); /* with its length in front */
void belay_wire_put_mode(belay_str *to, uint32_t mode);    /* attributes that say nothing but the mode */
void belay_wire_set_u32(char *at, uint32_t number);
uint32_t belay_wire_u32(const char *at);

/* What is left of a packet. The functions take from its front; false, and nothing is taken: it is too short.
 */
typedef struct belay_wire {
    const char *data;
    size_t length;
} belay_wire;
bool belay_wire_take_u32(belay_wire *wire, uint32_t *ret);
bool belay_wire_take_u64(belay_wire *wire, uint64_t *ret);
bool belay_wire_take_span(belay_wire *wire, belay_span *ret);
bool belay_wire_take_attributes(belay_wire *wire, belay_sftp_attributes *ret);
/* A whole packet, without its length, as an answer; its body is the packet's memory. False: it is cut, or
 * none. */
bool belay_wire_take_answer(belay_span packet, belay_sftp_answer *ret);

#endif
