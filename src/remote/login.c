#include "remote/login.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "remote/address.h"
#include "remote/host_key.h"
#include "remote/key_file.h"
#include "remote/offer.h"
#include "remote/passphrase.h"
#include "util/file.h"

/* libssh2 1.10 signs with SHA-1 alone where the key is RSA, which servers have refused since OpenSSH 8.8; the
 * signatures of RFC 8332 came with 1.11. */
static const char rsa_left_out[] = "RSA, which this libssh2 signs with SHA-1 only, and servers refuse that";

enum { AGENT_LISTS_MS = 5000 };

typedef struct attempt {
    belay_ssh_session *session;
    const belay_ssh_endpoint *endpoint;
    const belay_ssh_login *login;
    int64_t deadline_ms;
    char *methods; /* that the server takes, "publickey,password" */
    belay_str tried;
    size_t offered_count; /* keys that the server was asked about */
    bool saw_rsa, saw_encrypted;
    bool chosen_tried; /* the login's own key */
    bool wants_more;   /* a key was right, and is not enough */
} attempt;

static LIBSSH2_SESSION *handle_of(const attempt *a)
{
    return belay_ssh_handle(a->session);
}

static void note(attempt *a, const char *what, const char *outcome)
{
    belay_str_appendf(&a->tried, "%s%s: %s", a->tried.length > 0 ? "\n" : "", what, outcome);
}

/* The server answered no; anything else ends the whole. */
static bool is_no(int status)
{
    return status == LIBSSH2_ERROR_AUTHENTICATION_FAILED || status == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED ||
           status == LIBSSH2_ERROR_FILE || status == LIBSSH2_ERROR_METHOD_NONE;
}

static char *last_message(const attempt *a)
{
    char *text = NULL;
    ssh.libssh2_session_last_error(handle_of(a), &text, NULL, 0);
    return text == NULL || *text == '\0' ? "refused" : text;
}

/* It lets nobody try for ever (MaxAuthTries); libssh2 has no better word for that than no. */
static bool turned_away(attempt *a, const char *what, belay_error *err)
{
    belay_ssh_fail(a->session, err, "the server ended the connection while belay logged in with %s", what);
    if (err != NULL)
        err->code = BELAY_E_SSH;
    belay_error_detail(err, "%s", belay_str_text(&a->tried));
    if (a->offered_count < 2) {
        BELAY_AUTO(belay_free) char *word = belay_ssh_address_word(a->endpoint->label, "ssh");
        return belay_error_hint(err, "try `ssh -v %s`", word);
    }
    return belay_error_hint(err,
        "it may take that many keys and no more (MaxAuthTries): name the one that fits with ssh_key, or with "
        "IdentityFile and `IdentitiesOnly yes` in ssh_config");
}

/* What the outcome of one key means: *ret_done when logged in. */
static bool judge(attempt *a, const char *what, int status, bool *ret_done, belay_error *err)
{
    *ret_done = status == 0;
    if (status == 0)
        return true;
    if (status != LIBSSH2_ERROR_FILE && belay_ssh_has_ended(a->session))
        return turned_away(a, what, err);
    if (!is_no(status))
        return belay_ssh_fail(a->session, err, "logging in with %s", what);
    note(a, what, status == LIBSSH2_ERROR_FILE ? last_message(a) : "the server does not take it");
    return true;
}

/* Asked of the library that was loaded, which need not be the one that the headers were of. */
static bool is_unusable(const attempt *a, const char *type)
{
    BELAY_AUTO(belay_free)
    char *known = belay_ssh_known_methods(handle_of(a), LIBSSH2_METHOD_HOSTKEY, "rsa-sha2-512,rsa-sha2-256");
    return belay_equal(type, "ssh-rsa") && *known == '\0';
}

/* Is it one that the files name? */
static bool is_named(const attempt *a, const struct libssh2_agent_publickey *key)
{
    for (size_t i = 0; i < a->endpoint->identity_files.count; i++) {
        size_t size = 0;
        BELAY_AUTO(belay_free)
        unsigned char *blob = belay_identity_blob(a->endpoint->identity_files.items[i], &size);
        if (blob != NULL && size == key->blob_len && memcmp(blob, key->blob, size) == 0)
            return true;
    }
    return false;
}

static bool try_agent_key(
    attempt *a, LIBSSH2_AGENT *agent, struct libssh2_agent_publickey *key, bool *ret_done, belay_error *err)
{
    char type[BELAY_FINGERPRINT_SIZE], print[BELAY_FINGERPRINT_SIZE];
    belay_host_key_type(key->blob, key->blob_len, type);
    belay_host_key_fingerprint(key->blob, key->blob_len, print);
    BELAY_AUTO(belay_free)
    char *what = belay_format("the agent's %s %s", type, print);
    if (is_unusable(a, type)) {
        a->saw_rsa = true;
        note(a, what, rsa_left_out);
        return true;
    }
    int status;
    a->offered_count++;
    belay_ssh_await_agent(a->session, a->deadline_ms);
    BELAY_SSH_TRY(
        a->session, a->deadline_ms, status, ssh.libssh2_agent_userauth(agent, a->endpoint->user, key), err);
    if (status != 0 && belay_ssh_agent_was_silent(a->session)) {
        belay_fail(err, BELAY_E_SSH, "%s: the agent %s did not sign in time", a->endpoint->label,
            a->endpoint->agent);
        return belay_error_hint(err, "it may wait for somebody to confirm, or to touch the key: %s", what);
    }
    return judge(a, what, status, ret_done, err);
}

/* Who types takes his time, which is neither the server's nor the network's. */
static const char *passphrase_for(attempt *a, const char *path)
{
    int64_t asked_ms = belay_now_ms();
    const char *typed = belay_passphrase_of(path);
    a->deadline_ms += belay_now_ms() - asked_ms;
    belay_ssh_heard(a->session);
    return typed;
}

static bool try_file(attempt *a, const char *path, bool *ret_done, belay_error *err)
{
    belay_error fault = {0};
    BELAY_AUTO(belay_key_file_done) belay_key_file file = {0};
    if (!belay_key_file_read(path, &file, &fault)) {
        note(a, path, fault.message);
        return true;
    }
    if (is_unusable(a, file.type)) {
        a->saw_rsa = true;
        note(a, path, rsa_left_out);
        return true;
    }
    const char *passphrase = !file.encrypted                ? NULL
                             : a->login->passphrase != NULL ? a->login->passphrase
                                                            : passphrase_for(a, path);
    if (file.encrypted && passphrase == NULL) {
        a->saw_encrypted = true;
        note(a, path, "needs a passphrase, and there is none");
        return true;
    }
    int status;
    a->offered_count++;
    BELAY_SSH_TRY(a->session, a->deadline_ms, status,
        ssh.libssh2_userauth_publickey_fromfile_ex(
            handle_of(a), a->endpoint->user, (unsigned)strlen(a->endpoint->user), NULL, path, passphrase),
        err);
    if (status == LIBSSH2_ERROR_FILE && file.encrypted) {
        a->saw_encrypted = true;
        note(a, path, "the passphrase does not open it");
        belay_passphrase_forget(path);
        return true;
    }
    return judge(a, path, status, ret_done, err);
}

/* Those that the files name, or those that they do not. */
static bool try_agent_keys_of(attempt *a, LIBSSH2_AGENT *agent, bool named, bool *ret_done, belay_error *err)
{
    struct libssh2_agent_publickey *key = NULL;
    while (!*ret_done && ssh.libssh2_agent_get_identity(agent, &key, key) == 0) {
        if (is_named(a, key) == named && !try_agent_key(a, agent, key, ret_done, err))
            return false;
    }
    return true;
}

/* ssh_key, where nobody has to be asked for its passphrase: an agent with many keys must not use up what the
 * server lets try. */
static bool try_chosen(attempt *a, bool *ret_done, belay_error *err)
{
    BELAY_AUTO(belay_key_file_done) belay_key_file file = {0};
    const char *path = a->login->key;
    if (path == NULL || !belay_key_file_read(path, &file, NULL) ||
        (file.encrypted && a->login->passphrase == NULL))
        return true;
    a->chosen_tried = true;
    return try_file(a, path, ret_done, err);
}

/* Connecting to one that takes nobody any more would wait for ever, too. */
static bool takes_connections(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return true; /* libssh2 says what is wrong with it */
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool takes = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno != EAGAIN;
    belay_close_fd(fd);
    return takes;
}

static bool try_agent_keys(attempt *a, LIBSSH2_AGENT *agent, bool *ret_done, belay_error *err)
{
    int64_t until_ms = belay_now_ms() + AGENT_LISTS_MS;
    belay_ssh_await_agent(a->session, until_ms < a->deadline_ms ? until_ms : a->deadline_ms);
    if (!takes_connections(a->endpoint->agent) || ssh.libssh2_agent_connect(agent) != 0 ||
        ssh.libssh2_agent_list_identities(agent) != 0) {
        note(a, a->endpoint->agent,
            belay_ssh_agent_was_silent(a->session) ? "the agent there does not answer"
                                                   : "no agent answers there");
        return true;
    }
    struct libssh2_agent_publickey *first = NULL;
    if (ssh.libssh2_agent_get_identity(agent, &first, NULL) != 0)
        note(a, "the agent", "has no keys");
    return try_agent_keys_of(a, agent, true, ret_done, err) && (*ret_done || try_chosen(a, ret_done, err)) &&
           (*ret_done || a->endpoint->identities_only || try_agent_keys_of(a, agent, false, ret_done, err));
}

static bool try_agent(attempt *a, bool *ret_done, belay_error *err)
{
    if (a->endpoint->agent == NULL) {
        note(a, "the agent", "there is none (SSH_AUTH_SOCK is not set)");
        return true;
    }
    LIBSSH2_AGENT *agent = ssh.libssh2_agent_init(handle_of(a));
    if (agent == NULL)
        return belay_ssh_fail(a->session, err, "the agent");
    ssh.libssh2_agent_set_identity_path(agent, a->endpoint->agent);
    bool ok = try_agent_keys(a, agent, ret_done, err);
    ssh.libssh2_agent_disconnect(agent);
    ssh.libssh2_agent_free(agent);
    return ok;
}

static bool try_files(attempt *a, bool *ret_done, belay_error *err)
{
    for (size_t i = 0; i < a->endpoint->identity_files.count && !*ret_done; i++) {
        const char *path = a->endpoint->identity_files.items[i];
        bool again = a->chosen_tried && belay_equal(path, a->login->key);
        if (!again && !try_file(a, path, ret_done, err))
            return false;
    }
    return true;
}

/* Asked by servers that have PAM where others take a password: each question gets it. */
static void answer(const char *name, int name_len, const char *instruction, int instruction_len, int count,
    const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts, LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses,
    void **abstract)
{
    (void)name, (void)name_len, (void)instruction, (void)instruction_len, (void)prompts;
    const char *password = belay_ssh_password(*abstract);
    for (int i = 0; i < count; i++) {
        responses[i].text = strdup(password); /* libssh2 frees it */
        responses[i].length = (unsigned)strlen(password);
    }
}

static bool try_password(attempt *a, bool *ret_done, belay_error *err)
{
    const char *user = a->endpoint->user, *password = a->login->password;
    unsigned user_length = (unsigned)strlen(user);
    int status = LIBSSH2_ERROR_METHOD_NONE;
    if (strstr(a->methods, "password") != NULL)
        BELAY_SSH_TRY(a->session, a->deadline_ms, status,
            ssh.libssh2_userauth_password_ex(
                handle_of(a), user, user_length, password, (unsigned)strlen(password), NULL),
            err);
    if (is_no(status) && strstr(a->methods, "keyboard-interactive") != NULL) {
        belay_ssh_use_password(a->session, password);
        BELAY_SSH_TRY(a->session, a->deadline_ms, status,
            ssh.libssh2_userauth_keyboard_interactive_ex(handle_of(a), user, user_length, answer), err);
    }
    return judge(a, "the password", status, ret_done, err);
}

/* Asks what the server takes; NULL with *ret_done where it takes everybody. */
static bool ask_methods(attempt *a, bool *ret_done, belay_error *err)
{
    const char *user = a->endpoint->user;
    for (;;) {
        char *methods = ssh.libssh2_userauth_list(handle_of(a), user, (unsigned)strlen(user));
        if (methods != NULL) {
            a->methods = belay_strdup(methods);
            return true;
        }
        if (ssh.libssh2_userauth_authenticated(handle_of(a)) != 0) {
            *ret_done = true;
            return true;
        }
        if (ssh.libssh2_session_last_errno(handle_of(a)) != LIBSSH2_ERROR_EAGAIN)
            return belay_ssh_fail(a->session, err, "asking how to log in");
        if (!belay_ssh_wait(a->session, a->deadline_ms, err))
            return false;
    }
}

/* A key that is right and not enough (AuthenticationMethods) is told by libssh2 as one that is wrong; the
 * server then no longer asks for a key. */
static bool ask_what_is_wanted(attempt *a, bool *ret_done, belay_error *err)
{
    belay_error fault = {0};
    if (a->offered_count == 0)
        return true;
    belay_free_p(&a->methods);
    if (!ask_methods(a, ret_done, &fault)) {
        if (belay_ssh_has_ended(a->session))
            return turned_away(a, "a further way", err);
        if (err != NULL)
            *err = fault;
        return false;
    }
    a->wants_more = !*ret_done && strstr(a->methods, "publickey") == NULL;
    if (a->wants_more) /* it is not said which one was right */
        belay_str_clear(&a->tried);
    return true;
}

static bool refused_as_not_enough(const attempt *a, belay_error *err)
{
    belay_fail(err, BELAY_E_SSH, "%s: the server takes the key of user %s, and wants more than that: %s",
        a->endpoint->label, a->endpoint->user, a->methods);
    if (a->tried.length > 0)
        belay_error_detail(err, "%s", belay_str_text(&a->tried));
    return belay_error_hint(err,
        "a password is given with ssh_password; what a person has to type (a code) belay cannot give: let "
        "the server be content with the key of this user (AuthenticationMethods in its sshd_config)");
}

static bool refused(const attempt *a, belay_error *err)
{
    if (a->wants_more)
        return refused_as_not_enough(a, err);
    belay_fail(err, BELAY_E_SSH, "%s: the server lets user %s not in; it takes: %s", a->endpoint->label,
        a->endpoint->user, a->methods);
    belay_error_detail(err, "%s", belay_str_text(&a->tried));
    if (a->saw_rsa)
        return belay_error_hint(err,
            "make an ed25519 key (ssh-keygen -t ed25519) and add it to ~/.ssh/authorized_keys over there");
    if (a->saw_encrypted)
        return belay_error_hint(err, "add the key to an agent (ssh-add), or set ssh_passphrase");
    BELAY_AUTO(belay_free) char *word = belay_ssh_address_word(a->endpoint->label, "ssh");
    return belay_error_hint(err, "try `ssh -v %s`; ssh_key names the file of a private key", word);
}

static bool try_all(attempt *a, belay_error *err)
{
    bool done = false;
    if (!ask_methods(a, &done, err))
        return false;
    if (!done && strstr(a->methods, "publickey") != NULL &&
        !(try_agent(a, &done, err) && (done || try_files(a, &done, err)) &&
            (done || ask_what_is_wanted(a, &done, err))))
        return false;
    if (!done && a->login->password != NULL && !try_password(a, &done, err))
        return false;
    return done || refused(a, err);
}

bool belay_ssh_log_in(belay_ssh_session *session, const belay_ssh_endpoint *endpoint,
    const belay_ssh_login *login, int64_t deadline_ms, belay_error *err)
{
    attempt a = {.session = session,
        .endpoint = endpoint,
        .login = login,
        .deadline_ms = deadline_ms,
        .tried = BELAY_STR_INIT};
    bool ok = try_all(&a, err);
    belay_str_done(&a.tried);
    free(a.methods);
    return ok;
}
