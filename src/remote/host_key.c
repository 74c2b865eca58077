#include "remote/host_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include "remote/openssh.h"
#include "util/clock.h"
#include "util/file.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32, REVOKED_MAX_BYTES = 64 * 1024 * 1024, DETAIL_LINES = 8 };

void belay_host_key_fingerprint(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    if (EVP_Digest(blob, size_bytes, digest, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* libcrypto without SHA-256 */
    BELAY_AUTO(belay_free) char *text = belay_key_blob_encode(digest, sizeof digest);
    snprintf(ret, BELAY_FINGERPRINT_SIZE, "SHA256:%.*s", (int)strcspn(text, "="), text);
}

void belay_host_key_type(const void *blob, size_t size_bytes, char ret[static BELAY_FINGERPRINT_SIZE])
{
    belay_span type = belay_key_blob_type(blob, size_bytes);
    snprintf(ret, BELAY_FINGERPRINT_SIZE, "%.*s", type.length < BELAY_FINGERPRINT_SIZE ? (int)type.length : 0,
        type.data);
}

/* "ssh-ed25519 SHA256:..." of a key that a file knows. The caller frees. */
static char *describe(const belay_known_key *key)
{
    char fingerprint[BELAY_FINGERPRINT_SIZE];
    size_t size = 0;
    BELAY_AUTO(belay_free) unsigned char *blob = belay_key_blob_decode(key->blob, &size);
    belay_host_key_fingerprint(blob == NULL ? (const unsigned char *)"" : blob, size, fingerprint);
    return belay_format("%s %s", key->type, fingerprint);
}

/* What was shown, for the messages. */
typedef struct shown {
    const belay_ssh_endpoint *endpoint;
    const belay_known_keys *known;
    const char *base64;
    char type[BELAY_FINGERPRINT_SIZE];
    char fingerprint[BELAY_FINGERPRINT_SIZE];
} shown;

/* The lines that the files have of the host, into the detail. */
static void tell_known(const shown *key, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    size_t told = 0, left = 0;
    for (size_t i = 0; i < key->known->count; i++) {
        const belay_known_key *one = &key->known->items[i];
        if (told == DETAIL_LINES) {
            left++;
            continue;
        }
        BELAY_AUTO(belay_free) char *what = describe(one);
        belay_str_appendf(&text, "%s%s: %s%s%s", told++ == 0 ? "known:\n" : "\n", one->place, what,
            one->revoked ? " (revoked)" : "", one->without_port ? " (of the host without the port)" : "");
    }
    if (left > 0)
        belay_str_appendf(&text, "\nand %zu more", left);
    if (told > 0)
        belay_error_detail(err, "%s", belay_str_text(&text));
}

static bool say_revoked(const shown *key, const char *place, belay_error *err)
{
    belay_fail(err, BELAY_E_HOST_KEY, "%s: the server shows %s %s, which %s says is revoked",
        key->endpoint->label, key->type, key->fingerprint, place);
    return belay_error_hint(err,
        "do not connect: who has that key's other half may answer in the server's place. Ask its "
        "owner whether the server has a new key, and since when");
}

/* Does it speak against another key? */
static bool contradicts(const belay_known_key *known)
{
    return !known->revoked && !known->without_port;
}

static belay_host_key_verdict say_changed(const shown *key, const belay_known_key *other, belay_error *err)
{
    size_t lines = 0;
    for (size_t i = 0; i < key->known->count; i++)
        lines += contradicts(&key->known->items[i]) ? 1 : 0;
    BELAY_AUTO(belay_free) char *known = describe(other);
    BELAY_AUTO(belay_free) char *trust = belay_ssh_trust_command(key->endpoint);
    belay_fail(err, BELAY_E_HOST_KEY,
        "%s: THE HOST KEY HAS CHANGED: the server shows %s %s, known is %s (%s); no login was tried",
        key->endpoint->label, key->type, key->fingerprint, known, other->place);
    tell_known(key, err);
    belay_error_hint(err,
        "another machine may be answering in its place. Ask the server's owner, not over this connection, "
        "whether the key was replaced and what its fingerprint is. If it is the one shown here: delete what "
        "is known (%s), then `%s`",
        lines > 1 ? "all the lines above" : other->place, trust);
    return BELAY_HOST_KEY_REFUSED;
}

/* The name that sshd's file of such a key has. */
static const char *file_of_type(const char *type)
{
    return belay_equal(type, "ssh-ed25519")         ? "ed25519"
           : belay_starts_with(type, "ecdsa-sha2-") ? "ecdsa"
           : belay_equal(type, "ssh-rsa")           ? "rsa"
                                                    : "*";
}

static belay_host_key_verdict say_unknown(const shown *key, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(key->endpoint);
    BELAY_AUTO(belay_free) char *files = belay_list_join(&key->endpoint->known_hosts, ", ");
    belay_fail(err, BELAY_E_HOST_KEY,
        "%s: the host key is not known: the server shows %s %s, and no key of %s is in %s",
        key->endpoint->label, key->type, key->fingerprint, name, files);
    tell_known(key, err);
    BELAY_AUTO(belay_free) char *trust = belay_ssh_trust_command(key->endpoint);
    BELAY_AUTO(belay_free)
    char *by_authority = key->known->authority == NULL
                             ? belay_strdup("")
                             : belay_format("%s names a certificate authority (@cert-authority) for it, and "
                                            "libssh2 cannot check host certificates, so the key itself has "
                                            "to be known: ",
                                   key->known->authority);
    belay_error_hint(err,
        "%sask the server's owner for its fingerprint (on the server: ssh-keygen -lf "
        "/etc/ssh/ssh_host_%s_key.pub); if it is this one, `%s` records it",
        by_authority, file_of_type(key->type), trust);
    return BELAY_HOST_KEY_UNKNOWN;
}

/* A list of revoked keys in OpenSSH's binary form: ssh-keygen reads it. */
static bool is_in_krl(const char *path, const shown *key, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_MAX(64 * 1024);
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_MAX(64 * 1024);
    BELAY_AUTO(belay_free) char *line = belay_format("%s %s\n", key->type, key->base64);
    const char *argv[] = {NULL, "-Q", "-f", path, "/dev/stdin", NULL};
    int status = 0;
    const belay_openssh_question question = {
        .program = "ssh-keygen", .variable = "BELAY_SSH_KEYGEN", .argv = argv, .input = line};
    belay_openssh ran = belay_openssh_run(&question, &out, &errors, &status, err);
    if (ran == BELAY_OPENSSH_FAILED)
        return false;
    if (ran == BELAY_OPENSSH_NONE) {
        belay_fail(err, BELAY_E_UNSUPPORTED, "%s: RevokedHostKeys %s is in a form that only ssh-keygen reads",
            key->endpoint->label, path);
        return belay_error_hint(err, "install the OpenSSH client (openssh-client)");
    }
    /* 1 is what it ends with when a key is revoked; all else must be 0. */
    *ret = status == 1 && strstr(belay_str_text(&out), "REVOKED") != NULL;
    if (status == 0 || *ret)
        return true;
    belay_span said = belay_span_trim(belay_span_of(belay_str_text(&errors)));
    belay_fail(
        err, BELAY_E_CONFIG, "%s: ssh-keygen cannot read RevokedHostKeys %s", key->endpoint->label, path);
    return belay_error_detail(err, "%.*s", (int)said.length, said.data);
}

/* RevokedHostKeys: lines of public keys, or a KRL. */
static bool is_in_revoked_file(const shown *key, bool *ret, belay_error *err)
{
    static const char krl_magic[] = "SSHKRL\n";
    const char *path = key->endpoint->revoked_keys;
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t length = 0;
    *ret = false;
    if (path == NULL)
        return true;
    if (!belay_read_file(path, REVOKED_MAX_BYTES, &text, &length, err)) {
        belay_error_prefix(err, "%s: RevokedHostKeys", key->endpoint->label);
        return belay_error_hint(err,
            "without that file no host key can be trusted, as ssh has it too: put it "
            "there, or take RevokedHostKeys out of ssh_config");
    }
    if (length >= sizeof krl_magic && memcmp(text, krl_magic, sizeof krl_magic) == 0)
        return is_in_krl(path, key, ret, err);
    BELAY_AUTO(belay_list_done) belay_list words = {0};
    belay_list_split(&words, text, " \t\r\n");
    *ret = belay_list_has(&words, key->base64);
    if (strlen(text) == length)
        return true;
    belay_fail(err, BELAY_E_CONFIG, "%s: RevokedHostKeys %s is neither text nor a list of ssh-keygen -k",
        key->endpoint->label, path);
    return false;
}

/* The one that contradicts: best of the same type. */
static const belay_known_key *contradiction(const shown *key)
{
    const belay_known_key *found = NULL;
    for (size_t i = 0; i < key->known->count; i++) {
        const belay_known_key *one = &key->known->items[i];
        if (contradicts(one) &&
            (found == NULL || (belay_equal(one->type, key->type) && !belay_equal(found->type, key->type))))
            found = one;
    }
    return found;
}

/* The line that has the key itself. */
static const belay_known_key *find_same(const shown *key, bool revoked, bool without_port)
{
    for (size_t i = 0; i < key->known->count; i++) {
        const belay_known_key *one = &key->known->items[i];
        if (one->revoked == revoked && one->without_port == without_port &&
            belay_equal(one->blob, key->base64))
            return one;
    }
    return NULL;
}

/* False: it is, and err says so, or nobody can say. */
static bool check_revoked(const shown *key, belay_error *err)
{
    const belay_known_key *line = find_same(key, true, false);
    if (line == NULL)
        line = find_same(key, true, true);
    bool revoked = line != NULL;
    if (!revoked && !is_in_revoked_file(key, &revoked, err))
        return false;
    return !revoked || say_revoked(key, line == NULL ? key->endpoint->revoked_keys : line->place, err);
}

belay_host_key_verdict belay_host_key_judge(const belay_ssh_endpoint *endpoint, const belay_known_keys *known,
    const void *blob, size_t size_bytes, const belay_known_key **ret_known, belay_error *err)
{
    shown key = {.endpoint = endpoint, .known = known};
    belay_host_key_type(blob, size_bytes, key.type);
    if (key.type[0] == '\0') {
        belay_fail(err, BELAY_E_HOST_KEY, "%s: what the server shows is no key", endpoint->label);
        return BELAY_HOST_KEY_REFUSED;
    }
    BELAY_AUTO(belay_free) char *base64 = belay_key_blob_encode(blob, size_bytes);
    key.base64 = base64;
    belay_host_key_fingerprint(blob, size_bytes, key.fingerprint);
    if (!check_revoked(&key, err))
        return BELAY_HOST_KEY_REFUSED;
    const belay_known_key *other = contradiction(&key);
    const belay_known_key *same = find_same(&key, false, false);
    if (same == NULL && other == NULL)
        same = find_same(&key, false, true);
    if (same == NULL)
        return other != NULL ? say_changed(&key, other, err) : say_unknown(&key, err);
    if (ret_known != NULL)
        *ret_known = same;
    return BELAY_HOST_KEY_KNOWN;
}

/* "|1|salt|HMAC-SHA1 of the name", as ssh-keygen -H writes it. The caller frees. */
static char *hashed_name(const char *name)
{
    unsigned char salt[SHA1_BYTES], sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    belay_random_bytes(salt, sizeof salt);
    if (HMAC(EVP_sha1(), salt, sizeof salt, (const unsigned char *)name, strlen(name), sum, &size) == NULL)
        return belay_strdup(name); /* a libcrypto without SHA-1; what is not hashed is found as well */
    BELAY_AUTO(belay_free) char *salt_text = belay_key_blob_encode(salt, sizeof salt);
    BELAY_AUTO(belay_free) char *sum_text = belay_key_blob_encode(sum, size);
    return belay_format("|1|%s|%s", salt_text, sum_text);
}

/* HostKeyAlias may be anything; a line of known hosts may not. */
static bool check_name(const belay_ssh_endpoint *endpoint, const char *name, belay_error *err)
{
    if (name[strcspn(name, " \t\r\n,*?!\"")] == '\0' && strchr("@|#", *name) == NULL)
        return true;
    belay_fail(
        err, BELAY_E_CONFIG, "%s: \"%s\" cannot be a name in a file of known hosts", endpoint->label, name);
    return belay_error_hint(err, "give HostKeyAlias in ssh_config another name");
}

/* Behind what the file has, whose last line may lack its end. */
static bool append_line(const char *path, const char *line, belay_error *err)
{
    BELAY_AUTO(belay_free) char *folder = belay_path_folder(path);
    if (!belay_make_folders(folder, 0700, err))
        return false;
    bool is_new = !belay_file_exists(path);
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return belay_fail_errno(err, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode)) {
        belay_fail(err, BELAY_E_CONFIG, "%s is no file that could keep a host key", path);
        return belay_error_hint(
            err, "name one: ssh_known_hosts in belay.ini, or UserKnownHostsFile in ssh_config");
    }
    char last = '\n';
    if (st.st_size > 0 && !belay_pread_exact(fd, &last, 1, (uint64_t)st.st_size - 1, path, err))
        return false;
    BELAY_AUTO(belay_free) char *text = belay_format("%s%s\n", last == '\n' ? "" : "\n", line);
    if (!belay_write_all(fd, text, strlen(text), path, err)) {
        if (ftruncate(fd, st.st_size) != 0) /* half a line is read as none */
            belay_error_hint(err, "its last line is incomplete: see to it");
        return false;
    }
    if (fsync(fd) != 0)
        return belay_fail_errno(err, errno, "cannot sync %s", path);
    return !is_new || belay_sync_folder_of(path, err);
}

bool belay_host_key_trust(
    const belay_ssh_endpoint *endpoint, const void *blob, size_t size_bytes, belay_error *err)
{
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    if (!belay_known_keys_find(endpoint, &known, err))
        return false;
    belay_error unknown;
    switch (belay_host_key_judge(endpoint, &known, blob, size_bytes, NULL, &unknown)) {
    case BELAY_HOST_KEY_KNOWN:
        return true;
    case BELAY_HOST_KEY_UNKNOWN:
        break;
    case BELAY_HOST_KEY_REFUSED:
    default:
        if (err != NULL)
            *err = unknown;
        return false;
    }
    char type[BELAY_FINGERPRINT_SIZE];
    belay_host_key_type(blob, size_bytes, type);
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(endpoint);
    if (!check_name(endpoint, name, err))
        return false;
    BELAY_AUTO(belay_free) char *written = endpoint->hash_names ? hashed_name(name) : belay_strdup(name);
    BELAY_AUTO(belay_free) char *base64 = belay_key_blob_encode(blob, size_bytes);
    BELAY_AUTO(belay_free) char *line = belay_format("%s %s %s", written, type, base64);
    return append_line(endpoint->known_hosts.items[0], line, err) ||
           belay_error_prefix(err, "%s: the host key is not recorded", endpoint->label);
}
