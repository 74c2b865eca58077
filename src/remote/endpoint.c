#include "remote/endpoint.h"

#include <ctype.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

#include "remote/address.h"
#include "remote/openssh.h"
#include "util/file.h"
#include "util/host_name.h"

enum { SSH_PORT = 22, ANSWER_MAX_BYTES = 1024 * 1024, PASSWD_BYTES = 16384 };

/* What `ssh -G` says, as it says it. */
typedef struct answer {
    char *user, *host, *port, *key_alias;
    char *hash_path, *keys_command;
    char *agent, *jumps, *proxy_command, *revoked_keys;
    char *user_known_hosts, *global_known_hosts;
    char *identities_only, *hash_names;
    belay_list identity_files;
} answer;

static const struct {
    const char *keyword;
    size_t offset;
} texts[] = {{"user", offsetof(answer, user)}, {"hostname", offsetof(answer, host)},
    {"controlpath", offsetof(answer, hash_path)}, {"knownhostscommand", offsetof(answer, keys_command)},
    {"port", offsetof(answer, port)}, {"hostkeyalias", offsetof(answer, key_alias)},
    {"identityagent", offsetof(answer, agent)}, {"proxyjump", offsetof(answer, jumps)},
    {"proxycommand", offsetof(answer, proxy_command)}, {"revokedhostkeys", offsetof(answer, revoked_keys)},
    {"userknownhostsfile", offsetof(answer, user_known_hosts)},
    {"globalknownhostsfile", offsetof(answer, global_known_hosts)},
    {"identitiesonly", offsetof(answer, identities_only)}, {"hashknownhosts", offsetof(answer, hash_names)}};

static char **text_of(answer *of, size_t i)
{
    return (char **)(void *)((char *)of + texts[i].offset);
}

static void answer_done(answer *of)
{
    for (size_t i = 0; i < BELAY_COUNT(texts); i++)
        free(*text_of(of, i));
    belay_list_done(&of->identity_files);
}

static void answer_done_p(answer *of)
{
    answer_done(of);
}

/* The one who runs belay. */
typedef struct person {
    char *name, *home;
} person;

static void person_done_p(person *of)
{
    free(of->name);
    free(of->home);
}

/* `first_home`: HOME before the home of the password database. */
static void find_person(bool first_home, person *ret)
{
    struct passwd entry, *found = NULL;
    BELAY_AUTO(belay_free) char *buffer = belay_alloc(PASSWD_BYTES);
    getpwuid_r(getuid(), &entry, buffer, PASSWD_BYTES, &found);
    const char *home = getenv("HOME");
    const char *name = found == NULL ? getenv("USER") : found->pw_name;
    if (found != NULL && (!first_home || home == NULL || *home == '\0'))
        home = found->pw_dir;
    *ret = (person){belay_strdup(name == NULL ? "" : name), belay_strdup(home == NULL ? "" : home)};
}

/* What the tokens of ssh_config(5) stand for. */
typedef struct tokens {
    const person *me;
    const belay_ssh_endpoint *endpoint;
    const char *original; /* the host as the address has it */
    const char *hash;     /* %C, which ssh has made; NULL: it has not */
    const char *jumps;    /* what ssh says of ProxyJump; NULL: none */
} tokens;

/* NULL: not one that belay replaces. The caller frees. */
static char *token_value(const tokens *from, char token)
{
    char here[BELAY_HOST_NAME_SIZE];
    const belay_ssh_endpoint *endpoint = from->endpoint;
    switch (token) {
    case '%':
        return belay_strdup("%");
    case 'C':
        return from->hash == NULL ? NULL : belay_strdup(from->hash);
    case 'd':
        return belay_strdup(from->me->home);
    case 'h':
        return belay_strdup(endpoint->host);
    case 'i':
        return belay_format("%lu", (unsigned long)getuid());
    case 'j':
        return belay_strdup(from->jumps == NULL ? "" : from->jumps);
    case 'k':
        return belay_strdup(endpoint->key_alias == NULL ? endpoint->host : endpoint->key_alias);
    case 'l':
    case 'L':
        belay_host_name(here);
        if (token == 'L')
            here[strcspn(here, ".")] = '\0';
        return belay_strdup(here);
    case 'n':
        return belay_strdup(from->original);
    case 'p':
        return belay_format("%d", endpoint->port);
    case 'r':
        return belay_strdup(endpoint->user);
    case 'u':
        return belay_strdup(from->me->name);
    default:
        return NULL;
    }
}

/* "${NAME}" at the start of text: its value behind `to`, and in *ret_bytes what was read, 0: it is none. As
 * for ssh, a name that is not set is an error. */
static bool expand_variable(const tokens *from, const char *text, const char *keyword, belay_str *to,
    size_t *ret_bytes, belay_error *err)
{
    size_t length = strcspn(text, "}");
    *ret_bytes = 0;
    if (!belay_starts_with(text, "${") || text[length] == '\0')
        return true;
    BELAY_AUTO(belay_free) char *name = belay_strndup(text + 2, length - 2);
    const char *value = getenv(name);
    *ret_bytes = length + 1;
    if (value != NULL)
        belay_str_append(to, value);
    else
        belay_fail(err, BELAY_E_CONFIG, "%s: %s in ssh_config has ${%s}, which is not set in the environment",
            from->endpoint->label, keyword, name);
    return value != NULL || belay_error_hint(err, "set it, or write the path out in ssh_config");
}

static bool expand(
    const tokens *from, const char *text, bool variables, const char *keyword, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str done = BELAY_STR_MAX(ANSWER_MAX_BYTES);
    for (const char *at = text; *at != '\0';) {
        size_t used = 0;
        if (variables && !expand_variable(from, at, keyword, &done, &used, err))
            return false;
        if (used == 0 && *at == '%') {
            BELAY_AUTO(belay_free) char *value = token_value(from, at[1]);
            if (value == NULL) {
                belay_fail(err, BELAY_E_CONFIG, "%s: belay does not know what %.2s in %s \"%s\" stands for",
                    from->endpoint->label, at, keyword, text);
                return belay_error_hint(err, "write it out in ssh_config (a percent sign itself is %%%%)");
            }
            belay_str_append(&done, value);
            used = 2;
        } else if (used == 0) {
            belay_str_append_char(&done, *at);
            used = 1;
        }
        at += used;
    }
    if (!belay_str_check(&done, keyword, err))
        return false;
    *ret = belay_str_steal(&done);
    return true;
}

/* The same for the name of a file, with ~/ and ~user/ in front. */
static bool expand_path(
    const tokens *from, const char *text, const char *keyword, char **ret, belay_error *err)
{
    if (*text != '~')
        return expand(from, text, true, keyword, ret, err);
    size_t length = strcspn(text, "/");
    struct passwd entry, *found = NULL;
    BELAY_AUTO(belay_free) char *buffer = belay_alloc(PASSWD_BYTES);
    BELAY_AUTO(belay_free) char *name = belay_strndup(text + 1, length - 1);
    if (length > 1)
        getpwnam_r(name, &entry, buffer, PASSWD_BYTES, &found);
    if (length > 1 && found == NULL) {
        belay_fail(err, BELAY_E_CONFIG, "%s: there is no user %s, whose home %s \"%s\" names",
            from->endpoint->label, name, keyword, text);
        return belay_error_hint(err, "write the path out in ssh_config");
    }
    BELAY_AUTO(belay_free)
    char *path = belay_format("%s%s", found == NULL ? from->me->home : found->pw_dir, text + length);
    return expand(from, path, true, keyword, ret, err);
}

/* The names of files in a line, which ssh prints with a space between them, and without quotes around a name
 * that has one itself: what neither begins as a path does nor is a file is the rest of a name. */
static void split_paths(const char *line, belay_list *ret)
{
    while (*(line += strspn(line, " \t")) != '\0') {
        bool quoted = *line == '"';
        size_t length = quoted ? strcspn(line + 1, "\"") : strcspn(line, " \t");
        BELAY_AUTO(belay_free) char *word = belay_strndup(line + (quoted ? 1 : 0), length);
        line += length + (quoted ? 1 : 0);
        line += quoted && *line == '"' ? 1 : 0;
        if (quoted || ret->count == 0 || strchr("/~%$", *word) != NULL || belay_file_exists(word)) {
            belay_list_add_owned(ret, belay_take(word));
            continue;
        }
        char **last = &ret->items[ret->count - 1];
        char *whole = belay_format("%s %s", *last, word);
        free(*last);
        *last = whole;
    }
}

static bool add_known_hosts(
    const tokens *from, const char *line, const char *keyword, belay_list *to, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    split_paths(line == NULL ? "" : line, &names);
    for (size_t i = 0; i < names.count; i++) {
        BELAY_AUTO(belay_free) char *path = NULL;
        if (belay_equal(names.items[i], "none"))
            continue;
        if (!expand_path(from, names.items[i], keyword, &path, err))
            return false;
        belay_list_add_owned(to, belay_take(path));
    }
    return true;
}

/* Files of host keys: the login's alone, or those of the user and of the system. */
static bool find_known_hosts(const tokens *from, const belay_ssh_login *login, const char *user_line,
    const char *global_line, belay_list *to, belay_error *err)
{
    if (login->known_hosts != NULL) {
        belay_list_add(to, login->known_hosts);
        return true;
    }
    if (!add_known_hosts(from, user_line, "UserKnownHostsFile", to, err))
        return false;
    if (to->count == 0) /* none: nothing is added to the system's files instead */
        belay_list_add(to, "/dev/null");
    return add_known_hosts(from, global_line, "GlobalKnownHostsFile", to, err);
}

static bool find_identities(
    const tokens *from, const belay_ssh_login *login, const belay_list *raw, belay_list *to, belay_error *err)
{
    if (login->key != NULL && !belay_file_exists(login->key)) {
        belay_fail(err, BELAY_E_CONFIG, "%s: there is no key file %s", from->endpoint->label, login->key);
        return belay_error_hint(
            err, "ssh_key names it; without ssh_key the agent and ssh_config's are tried");
    }
    if (login->key != NULL)
        belay_list_add(to, login->key);
    for (size_t i = 0; i < raw->count; i++) {
        BELAY_AUTO(belay_free) char *path = NULL;
        if (belay_equal(raw->items[i], "none"))
            continue;
        if (!expand_path(from, raw->items[i], "IdentityFile", &path, err))
            return false;
        BELAY_AUTO(belay_free) char *public_half = belay_format("%s.pub", path);
        if ((belay_file_exists(path) || belay_file_exists(public_half)) && !belay_list_has(to, path))
            belay_list_add_owned(to, belay_take(path));
    }
    return true;
}

static bool find_agent(const tokens *from, const char *said, char **ret, belay_error *err)
{
    const char *usual = "SSH_AUTH_SOCK";
    if (said != NULL && belay_equal(said, "none"))
        return true;
    bool named = said != NULL && said[0] == '$' && said[1] != '{';
    if (said == NULL || named || belay_equal(said, usual)) {
        const char *path = getenv(named ? said + 1 : usual);
        *ret = path == NULL || *path == '\0' ? NULL : belay_strdup(path);
        return true;
    }
    return expand_path(from, said, "IdentityAgent", ret, err);
}

static bool find_jumps(const tokens *from, const char *said, belay_list *ret, belay_error *err)
{
    static const char scheme[] = "ssh://";
    BELAY_AUTO(belay_list_done) belay_list hosts = {0};
    belay_list_split(&hosts, said, ", ");
    for (size_t i = 0; i < hosts.count; i++) {
        BELAY_AUTO(belay_free) char *host = NULL;
        BELAY_AUTO(belay_ssh_address_done) belay_ssh_address address = {0};
        const char *start = hosts.items[i] + (belay_starts_with(hosts.items[i], scheme) ? strlen(scheme) : 0);
        if (!expand(from, start, false, "ProxyJump", &host, err))
            return false;
        if (start != hosts.items[i] && belay_ends_with(host, "/"))
            host[strlen(host) - 1] = '\0';
        if (!belay_ssh_address_parse(host, &address, err))
            return belay_error_prefix(err, "%s: ProxyJump", from->endpoint->label);
        belay_list_add_owned(ret, belay_take(host));
    }
    return true;
}

static bool is_yes(const char *said)
{
    return said != NULL && belay_equal(said, "yes");
}

static bool is_some(const char *said)
{
    return said != NULL && *said != '\0' && !belay_equal(said, "none");
}

/* It may say that a key is known or revoked, and ssh tells it what it has learnt of the connection so far. */
static bool check_keys_command(
    const answer *said, const belay_ssh_login *login, const belay_ssh_endpoint *to, belay_error *err)
{
    if (!is_some(said->keys_command) || login->known_hosts != NULL)
        return true;
    belay_fail(err, BELAY_E_UNSUPPORTED,
        "%s: ssh_config has KnownHostsCommand \"%s\", which belay does not run: a key that it calls revoked "
        "would be taken",
        to->label, said->keys_command);
    return belay_error_hint(err,
        "name a file with the server's key: ssh_known_hosts in belay.ini, where the address stands, is then "
        "asked alone; or set `KnownHostsCommand none` for this host in ssh_config");
}

/* ssh's answer, with what the login has of its own. */
static bool take_answer(const answer *said, const belay_ssh_address *address, const belay_ssh_login *login,
    belay_ssh_endpoint *to, belay_error *err)
{
    BELAY_AUTO(person_done) person me = {0};
    find_person(false, &me);
    static const char hash_folder[] = "/";
    bool hashed = said->hash_path != NULL && belay_starts_with(said->hash_path, hash_folder) &&
                  strchr(said->hash_path, '%') == NULL;
    const tokens from = {.me = &me,
        .endpoint = to,
        .original = address->host,
        .hash = hashed ? said->hash_path + strlen(hash_folder) : NULL,
        .jumps = is_some(said->jumps) ? said->jumps : NULL};
    long long port = 0;
    if (said->host == NULL || said->user == NULL || !belay_parse_int64(said->port, &port) || port < 1 ||
        port > 65535) {
        belay_fail(err, BELAY_E_CONFIG, "%s: ssh -G does not say user, host and port", to->label);
        return belay_error_hint(
            err, "run `ssh -G -- %s` and see; BELAY_SSH may name another program", address->host);
    }
    to->host = belay_strdup(said->host);
    to->user = belay_strdup(said->user);
    to->port = (int)port;
    to->key_alias = is_some(said->key_alias) ? belay_strdup(said->key_alias) : NULL;
    to->identities_only = is_yes(said->identities_only);
    to->hash_names = is_yes(said->hash_names);
    return check_keys_command(said, login, to, err) && belay_ssh_check_host(to->host, to->label, err) &&
           belay_ssh_check_user(to->user, to->label, err) &&
           find_identities(&from, login, &said->identity_files, &to->identity_files, err) &&
           find_known_hosts(
               &from, login, said->user_known_hosts, said->global_known_hosts, &to->known_hosts, err) &&
           find_agent(&from, said->agent, &to->agent, err) &&
           (!is_some(said->revoked_keys) ||
               expand_path(&from, said->revoked_keys, "RevokedHostKeys", &to->revoked_keys, err)) &&
           (!is_some(said->jumps) || find_jumps(&from, said->jumps, &to->jumps, err)) &&
           (!is_some(said->proxy_command) || to->jumps.count > 0 ||
               expand(&from, said->proxy_command, false, "ProxyCommand", &to->proxy_command, err));
}

static void parse_answer(char *text, answer *ret)
{
    char *next = NULL;
    for (char *line = text; line != NULL && *line != '\0'; line = next) {
        char *end = strchr(line, '\n');
        next = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        char *value = strchr(line, ' ');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (belay_equal(line, "identityfile"))
            belay_list_add(&ret->identity_files, value);
        for (size_t i = 0; i < BELAY_COUNT(texts); i++) {
            char **to = text_of(ret, i);
            if (belay_equal(line, texts[i].keyword) && *to == NULL)
                *to = belay_strdup(value);
        }
    }
}

static belay_openssh ask_ssh(
    const belay_ssh_address *address, const char *label, answer *ret, belay_error *err)
{
    /* ssh alone knows what %C stands for, which differs between its versions. It says so in this path, of
     * which belay makes no use. */
    const char *argv[11] = {NULL, "-G", "-o", "ControlPath=/%C"};
    size_t count = 4;
    BELAY_AUTO(belay_free) char *port = belay_format("%d", address->port);
    if (address->port != 0) {
        argv[count++] = "-p";
        argv[count++] = port;
    }
    if (address->user != NULL) {
        argv[count++] = "-l";
        argv[count++] = address->user;
    }
    argv[count++] = "--";
    argv[count++] = address->host;
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_MAX(ANSWER_MAX_BYTES);
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_MAX(ANSWER_MAX_BYTES);
    int status = 0;
    const belay_openssh_question question = {.program = "ssh", .variable = "BELAY_SSH", .argv = argv};
    belay_openssh ran = belay_openssh_run(&question, &out, &errors, &status, err);
    if (ran == BELAY_OPENSSH_FAILED) {
        belay_error_prefix(err, "%s", label);
        if (err != NULL && err->code == BELAY_E_DEADLINE)
            belay_error_hint(err,
                "a `Match exec` in ssh_config, or the DNS for CanonicalizeHostname, may wait for something; "
                "try `ssh -G -- %s`",
                address->host);
    }
    if (ran != BELAY_OPENSSH_RAN)
        return ran;
    if (status == 0) {
        parse_answer(out.data, ret);
        return ran;
    }
    belay_span said = belay_span_trim(belay_span_of(belay_str_text(&errors)));
    belay_fail(err, BELAY_E_CONFIG, "ssh cannot say where %s is: ssh -G ended with status %d", label, status);
    if (said.length > 0)
        belay_error_detail(err, "%.*s", (int)said.length, said.data);
    belay_error_hint(err,
        "mend what ssh complains of (~/.ssh/config, /etc/ssh/ssh_config), then see `ssh -G -- %s`",
        address->host);
    return BELAY_OPENSSH_FAILED;
}

/* Without an OpenSSH client: the address as it stands, and the usual files. */
static bool take_address(
    const belay_ssh_address *address, const belay_ssh_login *login, belay_ssh_endpoint *to, belay_error *err)
{
    BELAY_AUTO(person_done) person me = {0};
    find_person(true, &me);
    if (address->user == NULL && *me.name == '\0') {
        belay_fail(err, BELAY_E_CONFIG, "%s names no user, and who runs belay has no name", to->label);
        return belay_error_hint(err, "write user@%s", to->label);
    }
    to->host = belay_strdup(address->host);
    to->port = address->port == 0 ? SSH_PORT : address->port;
    to->user = belay_strdup(address->user == NULL ? me.name : address->user);
    const tokens from = {.me = &me, .endpoint = to, .original = address->host};
    BELAY_AUTO(belay_list_done) belay_list usual = {0};
    belay_list_add(&usual, "~/.ssh/id_ed25519");
    belay_list_add(&usual, "~/.ssh/id_ecdsa");
    return find_identities(&from, login, &usual, &to->identity_files, err) &&
           find_known_hosts(&from, login, "~/.ssh/known_hosts ~/.ssh/known_hosts2",
               "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2", &to->known_hosts, err) &&
           find_agent(&from, NULL, &to->agent, err);
}

static bool resolve(const belay_ssh_login *login, belay_ssh_endpoint *to, belay_error *err)
{
    BELAY_AUTO(belay_ssh_address_done) belay_ssh_address address = {0};
    BELAY_AUTO(answer_done) answer said = {0};
    if (!belay_ssh_address_parse(login->address, &address, err))
        return false;
    to->label = belay_strdup(login->address);
    to->target = login->target == NULL ? NULL : belay_strdup(login->target);
    switch (ask_ssh(&address, to->label, &said, err)) {
    case BELAY_OPENSSH_RAN:
        return take_answer(&said, &address, login, to, err);
    case BELAY_OPENSSH_NONE:
        return take_address(&address, login, to, err);
    case BELAY_OPENSSH_FAILED:
    default:
        return false;
    }
}

bool belay_ssh_resolve(const belay_ssh_login *login, belay_ssh_endpoint *ret, belay_error *err)
{
    belay_ssh_endpoint found = {0};
    if (!resolve(login, &found, err)) {
        belay_ssh_endpoint_done(&found);
        return false;
    }
    *ret = found;
    return true;
}

void belay_ssh_endpoint_done(belay_ssh_endpoint *endpoint)
{
    free(endpoint->label);
    free(endpoint->target);
    free(endpoint->host);
    free(endpoint->user);
    free(endpoint->key_alias);
    belay_list_done(&endpoint->identity_files);
    belay_list_done(&endpoint->known_hosts);
    free(endpoint->revoked_keys);
    free(endpoint->agent);
    belay_list_done(&endpoint->jumps);
    free(endpoint->proxy_command);
    *endpoint = (belay_ssh_endpoint){0};
}

char *belay_ssh_trust_command(const belay_ssh_endpoint *endpoint)
{
    return belay_format("belay targets trust %s", endpoint->target == NULL ? "TARGET" : endpoint->target);
}

char *belay_ssh_bare_name(const belay_ssh_endpoint *endpoint)
{
    if (endpoint->key_alias != NULL)
        return belay_strdup(endpoint->key_alias);
    char *name = belay_strdup(endpoint->host);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

char *belay_ssh_known_name(const belay_ssh_endpoint *endpoint)
{
    BELAY_AUTO(belay_free) char *bare = belay_ssh_bare_name(endpoint);
    return endpoint->port == SSH_PORT || endpoint->key_alias != NULL
               ? belay_take(bare)
               : belay_format("[%s]:%d", bare, endpoint->port);
}
