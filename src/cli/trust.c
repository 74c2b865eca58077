#include "cli/trust.h"

#include "cli/confirm.h"
#include "remote/host_key.h"
#include "remote/session.h"

enum { JUMPS_MAX = 8 };

static const char sftp[] = "sftp://";

typedef struct trust {
    belay_cli *cli;
    bool yes;
    const belay_list *fingerprints; /* those that a person has compared */
    belay_list given;               /* of those, the ones that a server showed */
    json_t *hosts;
    belay_list seen;  /* names in files of known hosts */
    belay_list known; /* of those, the ones whose key is known now */
    size_t unknown_count;
    belay_error error; /* the first one besides keys that are not known */
} trust;

/* A server's key, and where it belongs. */
typedef struct server {
    const char *role; /* "ssh", "jump host of me@db", "store", "host app1" */
    belay_ssh_endpoint endpoint;
    void *blob;
    size_t size_bytes;
    char type[BELAY_FINGERPRINT_SIZE];
    char fingerprint[BELAY_FINGERPRINT_SIZE];
} server;

static void server_done_p(server *of)
{
    belay_ssh_endpoint_done(&of->endpoint);
    free(of->blob);
}

static void tell(const trust *t, const server *of, const char *state, const char *place)
{
    belay_cli_print(t->cli, "%-8s %-20s %-28s %-20s %s  %s", state, of->role, of->endpoint.label, of->type,
        of->fingerprint, place);
    json_array_append_new(
        t->hosts, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "state", state, "role", of->role, "address",
                      of->endpoint.label, "type", of->type, "fingerprint", of->fingerprint, "place", place));
}

/* The first is the command's; what comes after it is said at once. Returns false. */
static bool note_error(trust *t, const belay_error *err)
{
    if (t->error.code == BELAY_E_NONE)
        t->error = *err;
    else
        belay_say_error(t->cli->reporter, err);
    return false;
}

static bool has_fingerprint(trust *t, const server *of)
{
    if (!belay_list_has(t->fingerprints, of->fingerprint))
        return false;
    belay_list_add(&t->given, of->fingerprint);
    return true;
}

/* Somebody's yes to a key that is not known. `known`: what the files say of the host nevertheless; may be
 * empty. */
static bool confirm(trust *t, const server *of, const char *file, const char *known)
{
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(&of->endpoint);
    BELAY_AUTO(belay_free)
    char *shown = belay_format("%s (%s: %s) shows a key that is not known: %s %s", of->endpoint.label,
        of->role, name, of->type, of->fingerprint);
    if (has_fingerprint(t, of)) {
        belay_say(t->cli->reporter, BELAY_INFO, "%s, as --fingerprint says; recorded in %s", shown, file);
        return true;
    }
    if (t->yes) {
        belay_say(t->cli->reporter, BELAY_INFO, "%s; --yes has it recorded in %s", shown, file);
        return true;
    }
    if (t->fingerprints->count > 0 || !belay_cli_is_attended()) {
        belay_say(t->cli->reporter, BELAY_WARN, "%s", shown);
        return false;
    }
    BELAY_AUTO(belay_free)
    char *question =
        belay_format("%s%s%s\nCompare it with what the server's owner says (on the server: "
                     "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub).\nTo record it in %s type yes:",
            shown, *known == '\0' ? "" : "\n", known, file);
    if (belay_cli_ask(NULL, question, "yes"))
        return true;
    belay_say(t->cli->reporter, BELAY_WARN, "%s; it was not recorded, since \"yes\" was not typed", shown);
    return false;
}

/* Is the server's key known now? */
static bool settle(trust *t, const server *of)
{
    const belay_known_key *line = NULL;
    const char *file = of->endpoint.known_hosts.items[0];
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    belay_error err = {0};
    if (!belay_known_keys_find(&of->endpoint, &known, &err))
        return note_error(t, &err);
    switch (belay_host_key_judge(&of->endpoint, &known, of->blob, of->size_bytes, &line, &err)) {
    case BELAY_HOST_KEY_KNOWN:
        has_fingerprint(t, of);
        tell(t, of, "known", line->place);
        return true;
    case BELAY_HOST_KEY_UNKNOWN:
        if (!confirm(t, of, file, err.detail)) {
            t->unknown_count++;
            tell(t, of, "unknown", "");
            return false;
        }
        belay_error_clear(&err);
        if (!belay_host_key_trust(&of->endpoint, of->blob, of->size_bytes, &err))
            return note_error(t, &err);
        tell(t, of, "added", file);
        return true;
    case BELAY_HOST_KEY_REFUSED:
    default:
        tell(t, of, "refused", "");
        return note_error(t, &err);
    }
}

/* Its name, and the file that would have it. The caller frees. */
static char *key_of(const belay_ssh_endpoint *endpoint)
{
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(endpoint);
    return belay_format("%s %s", name, endpoint->known_hosts.items[0]);
}

static bool show(trust *t, const belay_ssh_options *options, const char *role)
{
    belay_error err = {0};
    BELAY_AUTO(server_done) server shown = {.role = role};
    if (!belay_ssh_show_host_key(options, &shown.endpoint, &shown.blob, &shown.size_bytes, &err))
        return note_error(t, &err);
    belay_host_key_type(shown.blob, shown.size_bytes, shown.type);
    belay_host_key_fingerprint(shown.blob, shown.size_bytes, shown.fingerprint);
    return settle(t, &shown);
}

/* Is the server's key known, in the end? The one before it on the way is settled first, since the key is
 * fetched through it. `via`: the way, where the next server's says it; NULL: ssh_config does. */
static bool trust_server(
    trust *t, const belay_ssh_login *login, const belay_list *via, const char *role, int depth)
{
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = {0};
    if (!belay_ssh_resolve(login, &endpoint, &err))
        return note_error(t, &err);
    BELAY_AUTO(belay_free) char *key = key_of(&endpoint);
    if (belay_list_has(&t->seen, key))
        return belay_list_has(&t->known, key);
    belay_list_add(&t->seen, key);
    const belay_list *way = via != NULL ? via : &endpoint.jumps;
    if (way->count > 0 && depth < JUMPS_MAX) {
        BELAY_AUTO(belay_ssh_login_done) belay_ssh_login jump = {0};
        belay_ssh_login_copy(&jump, login);
        free(jump.address);
        jump.address = belay_strdup(way->items[way->count - 1]);
        const belay_list before = {.items = way->items, .count = way->count - 1};
        BELAY_AUTO(belay_free) char *jump_role = belay_format("on the way to %s", endpoint.label);
        if (!trust_server(t, &jump, before.count > 0 ? &before : NULL, jump_role, depth + 1)) {
            const server behind = {.role = role, .endpoint = endpoint};
            BELAY_AUTO(belay_free) char *place = belay_format("behind %s: not looked at", jump.address);
            tell(t, &behind, "behind", place);
            return false;
        }
    }
    const belay_ssh_options options = {.login = login, .via = via, .depth = depth};
    if (!show(t, &options, role))
        return false;
    belay_list_add(&t->known, key);
    return true;
}

static void trust_store(trust *t, const belay_target *target)
{
    if (target->store_url == NULL || !belay_starts_with(target->store_url, sftp))
        return;
    const char *authority = target->store_url + strlen(sftp);
    BELAY_AUTO(belay_ssh_login_done) belay_ssh_login login = {0};
    belay_ssh_login_copy(&login, &target->store_login);
    free(login.address);
    login.address = belay_strndup(authority, strcspn(authority, "/"));
    trust_server(t, &login, NULL, "store", 0);
}

/* Each server of the target, after the hosts on the way there. */
static void trust_target(trust *t, const belay_target *target)
{
    if (target->ssh.address != NULL)
        trust_server(t, &target->ssh, NULL, "ssh", 0);
    trust_store(t, target);
    for (size_t i = 0; i < target->host_count; i++) {
        BELAY_AUTO(belay_free) char *role = belay_format("host %s", target->hosts[i].name);
        trust_server(t, &target->hosts[i].ssh, NULL, role, 0);
    }
    if (t->seen.count == 0)
        belay_cli_print(t->cli, "target %s reaches nothing over SSH, so no host key is needed", target->name);
}

/* What stays open, after all servers were looked at. */
static bool judge(const trust *t, const belay_target *target, belay_error *err)
{
    if (t->error.code != BELAY_E_NONE) {
        *err = t->error;
        return false;
    }
    if (t->unknown_count > 0) {
        belay_fail(err, BELAY_E_POLICY, "%zu host %s of target %s %s not known, and %s not recorded",
            t->unknown_count, t->unknown_count == 1 ? "key" : "keys", target->name,
            t->unknown_count == 1 ? "is" : "are", t->unknown_count == 1 ? "was" : "were");
        return belay_error_hint(err,
            "compare each with what the server's owner says, then run `belay targets trust %s` at a "
            "terminal, "
            "or with --fingerprint SHA256:... for each of them; --yes takes whatever is shown",
            target->name);
    }
    for (size_t i = 0; i < t->fingerprints->count; i++) {
        const char *one = t->fingerprints->items[i];
        if (belay_list_has(&t->given, one))
            continue;
        belay_fail(err, BELAY_E_POLICY, "no server of target %s shows the key %s", target->name, one);
        return belay_error_hint(err, "the keys that they show are above: was it copied as a whole, and is it "
                                     "of a server of this target?");
    }
    return true;
}

/* As ssh-keygen -l prints them: 32 bytes in base64 without the padding. */
static bool check_fingerprints(const belay_list *fingerprints, belay_error *err)
{
    static const char kind[] = "SHA256:";
    enum { DIGITS = 43 };
    for (size_t i = 0; i < fingerprints->count; i++) {
        const char *one = fingerprints->items[i];
        if (belay_starts_with(one, kind) && strlen(one) == sizeof kind - 1 + DIGITS)
            continue;
        belay_fail(err, BELAY_E_USAGE, "\"%s\" is no fingerprint of a host key", one);
        return belay_error_hint(
            err, "it has the form SHA256: and 43 characters, as `ssh-keygen -lf` on the server prints it");
    }
    return true;
}

int belay_cli_trust(belay_cli *cli, bool yes, const belay_list *fingerprints)
{
    belay_error err = {0};
    belay_target target = {0};
    trust t = {.cli = cli, .yes = yes, .fingerprints = fingerprints, .hosts = json_array()};
    bool ok = check_fingerprints(fingerprints, &err) &&
              belay_config_target(cli->config, cli->target_name, &target, &err);
    if (ok) {
        trust_target(&t, &target);
        ok = judge(&t, &target, &err);
    }
    json_t *answer = json_pack("{s:b, s:s?, s:o}", "ok", (int)ok, "target", target.name, "hosts", t.hosts);
    belay_list_done(&t.seen);
    belay_list_done(&t.known);
    belay_list_done(&t.given);
    belay_target_done(&target);
    return belay_cli_finish(cli, ok, answer, &err);
}
