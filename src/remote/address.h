/* [user@]host[:port] as a person writes it: a host name, an alias of ssh_config(5), an IPv4 address, [::1]:22
 * or ::1. Pure; any thread.
 */
#ifndef BELAY_REMOTE_ADDRESS_H
#define BELAY_REMOTE_ADDRESS_H

#include <stdbool.h>

#include "util/error.h"

typedef struct belay_ssh_address {
    char *user; /* NULL: not said */
    char *host; /* without brackets */
    int port;   /* 0: not said */
} belay_ssh_address;

/* BELAY_E_CONFIG for what cannot be an address: white space and control characters, a leading dash, what a
 * shell would read as more than a word (ProxyCommand is one's), a password, which is not repeated. */
bool belay_ssh_address_parse(const char *text, belay_ssh_address *ret, belay_error *err);
void belay_ssh_address_done(belay_ssh_address *address);
static inline void belay_ssh_address_done_p(belay_ssh_address *address)
{
    belay_ssh_address_done(address);
}

/* An address as ssh or sftp (`program`) takes it from a person, where a port goes with a URL only. The caller
 * frees. */
char *belay_ssh_address_word(const char *address, const char *program);

/* Can it stand in a command line, and in a file of host keys? Same errors; `what` names it. */
bool belay_ssh_check_host(const char *host, const char *what, belay_error *err);
bool belay_ssh_check_user(const char *user, const char *what, belay_error *err);

#endif
