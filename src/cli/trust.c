#include "cli/trust.h"

#include "cli/confirm.h"
#include "remote/host_key.h"
#include "remote/session.h"

enum { JUMPS_MAX = 8 };

static const char sftp[] = "sftp://";

typedef struct trust {
    belay_cli *cli;
    bool yes;
    json_t *hosts;
    belay_list seen; /* names in files of known hosts */
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

/* Somebody's yes to a key that is not known. `known`: what the files say of the host nevertheless; may be
 * empty. */
static bool confirm(const trust *t, const server *of, const char *file, const char *known, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(&of->endpoint);
    BELAY_AUTO(belay_free)
    char *shown = belay_format("%s (%s: %s) shows a key that is not known: %s %s", of->endpoint.label,
        of->role, name, of->type, of->fingerprint);
    if (t->yes) {
        belay_say(t->cli->reporter, BELAY_INFO, "%s; --yes has it recorded in %s", shown, file);
        return true;
    }
    if (!belay_cli_is_attended()) {
        belay_fail(
            err, BELAY_E_POLICY, "%s, and nobody is at a terminal to say that it is the right one", shown);
        return belay_error_hint(err, "compare it with what the server's owner says, then run this command "
                                     "with --yes, or at a terminal");
    }
    BELAY_AUTO(belay_free)
    char *question =
        belay_format("%s%s%s\nCompare it with what the server's owner says (on the server: "
                     "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub).\nTo record it in %s type yes:",
            shown, *known == '\0' ? "" : "\n", known, file);
    if (belay_cli_ask(NULL, question, "yes"))
        return true;
    belay_fail(err, BELAY_E_POLICY, "%s; it was not recorded, since \"yes\" was not typed", shown);
    return belay_error_hint(err, "belay connects to no server whose key it does not know");
}

static bool settle(const trust *t, const server *of, belay_error *err)
{
    const belay_known_key *line = NULL;
    const char *file = of->endpoint.known_hosts.items[0];
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    if (!belay_known_keys_find(&of->endpoint, &known, err))
        return false;
    belay_error refusal = {0};
    switch (belay_host_key_judge(&of->endpoint, &known, of->blob, of->size_bytes, &line, &refusal)) {
    case BELAY_HOST_KEY_KNOWN:
        tell(t, of, "known", line->place);
        return true;
    case BELAY_HOST_KEY_UNKNOWN:
        if (!confirm(t, of, file, refusal.detail, err)) {
            tell(t, of, "unknown", "");
            return false;
        }
        if (!belay_host_key_trust(&of->endpoint, of->blob, of->size_bytes, err))
            return false;
        tell(t, of, "added", file);
        return true;
    case BELAY_HOST_KEY_REFUSED:
    default:
        tell(t, of, "refused", "");
        *err = refusal;
        return false;
    }
}

/* Was a server of that name in those files looked at before? */
static bool is_seen(trust *t, const belay_ssh_endpoint *endpoint)
{
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(endpoint);
    BELAY_AUTO(belay_free) char *key = belay_format("%s %s", name, endpoint->known_hosts.items[0]);
    if (belay_list_has(&t->seen, key))
        return true;
    belay_list_add(&t->seen, key);
    return false;
}

/* The one before it on the way is settled first, since the key is fetched through it. `via`: the way, where
 * the next server's says it; NULL: ssh_config does. */
static bool trust_server(trust *t, const belay_ssh_login *login, const belay_list *via, const char *role,
    int depth, belay_error *err)
{
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = {0};
    if (!belay_ssh_resolve(login, &endpoint, err))
        return false;
    if (is_seen(t, &endpoint))
        return true;
    const belay_list *way = via != NULL ? via : &endpoint.jumps;
    if (way->count > 0 && depth < JUMPS_MAX) {
        BELAY_AUTO(belay_ssh_login_done) belay_ssh_login jump = {0};
        belay_ssh_login_copy(&jump, login);
        free(jump.address);
        jump.address = belay_strdup(way->items[way->count - 1]);
        const belay_list before = {.items = way->items, .count = way->count - 1};
        BELAY_AUTO(belay_free) char *jump_role = belay_format("on the way to %s", endpoint.label);
        if (!trust_server(t, &jump, before.count > 0 ? &before : NULL, jump_role, depth + 1, err))
            return false;
    }
    const belay_ssh_options options = {.login = login, .via = via, .depth = depth};
    BELAY_AUTO(server_done) server shown = {.role = role};
    if (!belay_ssh_show_host_key(&options, &shown.endpoint, &shown.blob, &shown.size_bytes, err))
        return false;
    belay_host_key_type(shown.blob, shown.size_bytes, shown.type);
    belay_host_key_fingerprint(shown.blob, shown.size_bytes, shown.fingerprint);
    return settle(t, &shown, err);
}

static bool trust_store(trust *t, const belay_target *target, belay_error *err)
{
    if (target->store_url == NULL || !belay_starts_with(target->store_url, sftp))
        return true;
    const char *authority = target->store_url + strlen(sftp);
    BELAY_AUTO(belay_ssh_login_done) belay_ssh_login login = {0};
    belay_ssh_login_copy(&login, &target->store_login);
    free(login.address);
    login.address = belay_strndup(authority, strcspn(authority, "/"));
    return trust_server(t, &login, NULL, "store", 0, err);
}

/* Each server of the target, after the hosts on the way there. */
static bool trust_target(trust *t, const belay_target *target, belay_error *err)
{
    bool ok = target->ssh.address == NULL || trust_server(t, &target->ssh, NULL, "ssh", 0, err);
    ok = ok && trust_store(t, target, err);
    for (size_t i = 0; ok && i < target->host_count; i++) {
        BELAY_AUTO(belay_free) char *role = belay_format("host %s", target->hosts[i].name);
        ok = trust_server(t, &target->hosts[i].ssh, NULL, role, 0, err);
    }
    if (ok && t->seen.count == 0)
        belay_cli_print(t->cli, "target %s reaches nothing over SSH, so no host key is needed", target->name);
    return ok;
}

int belay_cli_trust(belay_cli *cli, bool yes)
{
    belay_error err = {0};
    belay_target target = {0};
    trust t = {.cli = cli, .yes = yes, .hosts = json_array()};
    bool ok =
        belay_config_target(cli->config, cli->target_name, &target, &err) && trust_target(&t, &target, &err);
    json_t *answer = json_pack("{s:b, s:s?, s:o}", "ok", (int)ok, "target", target.name, "hosts", t.hosts);
    belay_list_done(&t.seen);
    belay_target_done(&target);
    return belay_cli_finish(cli, ok, answer, &err);
}
