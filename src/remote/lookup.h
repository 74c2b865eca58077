/* A host's addresses, with a deadline: the system's resolver, which can wait for a minute and more where a
 * name server does not answer, works in a thread of its own. One that is given up ends by itself, later.
 */
#ifndef BELAY_REMOTE_LOOKUP_H
#define BELAY_REMOTE_LOOKUP_H

#include <netdb.h>

#include "remote/session.h"

/* For stream sockets; numeric addresses ask nobody. The caller frees with freeaddrinfo. BELAY_E_SSH: there is
 * none, or no answer by deadline_ms (belay_now_ms's clock); BELAY_E_CANCELLED. `label` is for the error. */
bool belay_ssh_lookup(const belay_ssh_options *options, const char *label, const char *host, int port,
    int64_t deadline_ms, struct addrinfo **ret, belay_error *err);

#endif
