/* Where an SSH server is, and with what to log in there.
 *
 * Where the OpenSSH client is installed, `ssh -G` says it: aliases, Include, Match and all of ssh_config(5)
 * mean the same as for ssh (so ~ is the home of the password database, whatever HOME says). Without it,
 * user@host:port is taken as it stands, with ~/.ssh/id_ed25519 and id_ecdsa, and the usual files of host keys
 * (~: HOME, where it is set). BELAY_SSH in the environment names another program than `ssh` to ask; empty:
 * none is asked. Blocking (a child runs, at most 10 s); any thread.
 */
#ifndef BELAY_REMOTE_ENDPOINT_H
#define BELAY_REMOTE_ENDPOINT_H

#include "config/target.h"
#include "util/error.h"
#include "util/str.h"

typedef struct belay_ssh_endpoint {
    char *label;  /* for messages: the address as it was written */
    char *target; /* for hints: whose it is; NULL: of none */
    char *host;
    int port;
    char *user;
    char *key_alias;           /* name under which host keys are looked up instead of host; NULL */
    belay_list identity_files; /* in the order in which they are tried; those that exist */
    belay_list known_hosts;    /* files, user's first; the first is where `trust` adds to */
    bool hash_names;           /* `trust` adds the host's name as a hash */
    char *revoked_keys;        /* RevokedHostKeys: file of keys that no host may have; NULL: none */
    char *agent;               /* socket of the agent; NULL: none */
    bool identities_only;      /* keys of the agent only where identity_files has them, too */
    belay_list jumps;          /* addresses of the hosts on the way, first the one that is reached first */
    char *proxy_command; /* ProxyCommand with its tokens replaced; NULL: none. Not together with jumps */
} belay_ssh_endpoint;

/* BELAY_E_CONFIG for what cannot be an address (spaces, a leading dash, a password in it), for what ssh
 * refuses in its configuration, and for a key file of the login that is not there; BELAY_E_DEADLINE. */
bool belay_ssh_resolve(const belay_ssh_login *login, belay_ssh_endpoint *ret, belay_error *err);
void belay_ssh_endpoint_done(belay_ssh_endpoint *endpoint);
static inline void belay_ssh_endpoint_done_p(belay_ssh_endpoint *endpoint)
{
    belay_ssh_endpoint_done(endpoint);
}

/* `belay targets trust` with the target's name, as a person would type it. The caller frees. */
char *belay_ssh_trust_command(const belay_ssh_endpoint *endpoint);
/* The host as files of known hosts name it: key_alias, host, or [host]:port. The caller frees. */
char *belay_ssh_known_name(const belay_ssh_endpoint *endpoint);
/* The same without a port. */
char *belay_ssh_bare_name(const belay_ssh_endpoint *endpoint);

#endif
