/* Why no keys could be exchanged: what a server offers for it, against what libssh2 knows. */
#ifndef BELAY_REMOTE_OFFER_H
#define BELAY_REMOTE_OFFER_H

#include "remote/endpoint.h"
#include "remote/ssh.h"
#include "remote/transport.h"

/* What the server offers is read from the packet that it begins every exchange of keys with, in the clear
 * (RFC 4253 section 7.1), on a connection of its own. Where it has nothing in common with libssh2, fills err
 * (BELAY_E_SSH) with what of, and the remedy, and returns true. `handle` is any session. Blocking; any
 * thread. */
bool belay_ssh_explain_offer(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    LIBSSH2_SESSION *handle, int64_t deadline_ms, belay_error *err);

/* Those of a list with commas that libssh2 knows, in their order; LIBSSH2_METHOD_*. The caller frees. It has
 * to be asked, since libssh2_session_method_pref moves memory wrongly where it leaves names out (1.10). */
char *belay_ssh_known_methods(LIBSSH2_SESSION *handle, int method, const char *wanted);

#endif
