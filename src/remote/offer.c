#include "remote/offer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* The lists of the packet, in its order. */
enum { KEX, HOST_KEY, CIPHER, CIPHER_BACK, MAC, LIST_COUNT };

enum { OFFER_MAX_BYTES = 16384, KIND_PACKET = 20 };

typedef struct offer {
    char *lists[LIST_COUNT]; /* "ssh-ed25519,rsa-sha2-512" */
} offer;

static void offer_done(offer *of)
{
    for (size_t i = 0; i < LIST_COUNT; i++)
        free(of->lists[i]);
    *of = (offer){0};
}

/* Banner lines, then packet: uint32 length, padding length, type, 16 bytes of cookie, the lists. False: not
 * all of them are there. */
static bool read_offer(const unsigned char *data, size_t size, offer *ret)
{
    size_t at = 0;
    for (bool banner = false; !banner;) {
        const unsigned char *end = memchr(data + at, '\n', size - at);
        if (end == NULL)
            return false;
        banner = size - at > 4 && memcmp(data + at, "SSH-", 4) == 0;
        at = (size_t)(end - data) + 1;
    }
    if (size - at < 4 + 1 + 1 + 16 || data[at + 5] != KIND_PACKET)
        return false;
    at += 4 + 1 + 1 + 16;
    for (int list = 0; list < LIST_COUNT; list++) {
        if (size - at < 4)
            return false;
        size_t length =
            (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
        at += 4;
        if (length > size - at)
            return false;
        free(ret->lists[list]);
        ret->lists[list] = belay_strndup((const char *)data + at, length);
        at += length;
    }
    return true;
}

/* Up to `size` bytes, as many as are there. */
static ssize_t receive(int fd, void *to, size_t size, int64_t deadline_ms)
{
    for (;;) {
        ssize_t got = recv(fd, to, size, MSG_DONTWAIT);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = deadline_ms - belay_now_ms();
        if (got >= 0 || errno != EAGAIN || left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return got;
    }
}

static bool fetch_offer(
    const belay_ssh_options *options, const belay_ssh_endpoint *endpoint, int64_t deadline_ms, offer *ret)
{
    static const char banner[] = "SSH-2.0-belay\r\n";
    unsigned char data[OFFER_MAX_BYTES];
    size_t size = 0;
    bool ok = false;
    belay_transport transport = BELAY_TRANSPORT_INIT;
    if (belay_transport_open(options, endpoint, deadline_ms, &transport, NULL) &&
        send(transport.fd, banner, sizeof banner - 1, MSG_NOSIGNAL) == (ssize_t)sizeof banner - 1) {
        ssize_t got = 1;
        while (!ok && got > 0 && size < sizeof data) {
            got = receive(transport.fd, data + size, sizeof data - size, deadline_ms);
            size += got > 0 ? (size_t)got : 0;
            ok = read_offer(data, size, ret);
        }
    }
    belay_transport_close(&transport);
    return ok;
}

/* What libssh2 names since 1.11, and belay does not ask for: host certificates, which it does not check, and
 * what stands among the ways to exchange keys and is none. */
static bool is_left_out(const char *name)
{
    return strstr(name, "-cert-v0") != NULL || belay_starts_with(name, "ext-info-") ||
           belay_starts_with(name, "kex-strict-");
}

/* All that libssh2 knows of a kind and belay uses; empty when it does not say. */
static void list_known(LIBSSH2_SESSION *handle, int method, belay_list *ret)
{
    const char **names = NULL;
    int count = ssh.libssh2_session_supported_algs(handle, method, &names);
    for (int i = 0; i < count; i++) {
        if (!is_left_out(names[i]))
            belay_list_add(ret, names[i]);
    }
    if (count > 0)
        ssh.libssh2_free(handle, names);
}

char *belay_ssh_known_methods(LIBSSH2_SESSION *handle, int method, const char *wanted)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0}, known = {0}, both = {0};
    belay_list_split(&names, wanted, ",");
    list_known(handle, method, &known);
    for (size_t i = 0; i < names.count; i++) {
        if (belay_list_has(&known, names.items[i]))
            belay_list_add(&both, names.items[i]);
    }
    return belay_list_join(&both, ",");
}

/* A server whose only key is RSA offers rsa-sha2 signatures alone, which libssh2 has since 1.11. */
static bool explain_rsa(const belay_ssh_endpoint *endpoint, const char *offered, belay_error *err)
{
    if (strstr(offered, "rsa-sha2") == NULL)
        return false;
    belay_fail(err, BELAY_E_SSH,
        "%s: the server has only an RSA host key, and libssh2 %s does not know the signatures (rsa-sha2) "
        "that "
        "it makes with it",
        endpoint->label, ssh.libssh2_version(0));
    belay_error_hint(err, "let the server have an ed25519 host key: `ssh-keygen -A` there, HostKey in its "
                          "sshd_config, reload sshd");
    return true;
}

/* What sshd offers when its HostKeyAlgorithms has certificates alone. */
static bool explain_certificates(const belay_ssh_endpoint *endpoint, const char *offered, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    belay_list_split(&names, offered, ",");
    const char *plain = NULL;
    for (size_t i = 0; i < names.count; i++) {
        if (strstr(names.items[i], "-cert-v0") == NULL)
            return false;
        plain = plain == NULL || strstr(names.items[i], "ed25519-cert") != NULL ? names.items[i] : plain;
    }
    if (plain == NULL)
        return false;
    belay_fail(err, BELAY_E_SSH,
        "%s: the server shows host certificates only (%s), and libssh2 %s cannot check host certificates",
        endpoint->label, offered, ssh.libssh2_version(0));
    BELAY_AUTO(belay_free) char *trust = belay_ssh_trust_command(endpoint);
    return belay_error_hint(err,
               "let it show the plain key as well: `HostKeyAlgorithms +%.*s` in its sshd_config, then reload "
               "sshd; `%s` then records that key",
               (int)(strstr(plain, "-cert-v0") - plain), plain, trust) ||
           true;
}

bool belay_ssh_explain_offer(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    LIBSSH2_SESSION *handle, int64_t deadline_ms, belay_error *err)
{
    static const struct {
        int list, method;
        const char *keyword;
    } kinds[] = {{KEX, LIBSSH2_METHOD_KEX, "KexAlgorithms"},
        {HOST_KEY, LIBSSH2_METHOD_HOSTKEY, "HostKeyAlgorithms"}, {CIPHER, LIBSSH2_METHOD_CRYPT_CS, "Ciphers"},
        {MAC, LIBSSH2_METHOD_MAC_CS, "MACs"}};
    offer theirs = {0};
    bool explained = false;
    bool ok = fetch_offer(options, endpoint, deadline_ms, &theirs);
    for (size_t i = 0; ok && !explained && i < BELAY_COUNT(kinds); i++) {
        const char *offered = theirs.lists[kinds[i].list];
        BELAY_AUTO(belay_free) char *common = belay_ssh_known_methods(handle, kinds[i].method, offered);
        BELAY_AUTO(belay_list_done) belay_list ours = {0};
        list_known(handle, kinds[i].method, &ours);
        if (*common != '\0' || ours.count == 0)
            continue;
        BELAY_AUTO(belay_free) char *known = belay_list_join(&ours, ",");
        explained = true;
        if (kinds[i].list == HOST_KEY &&
            (explain_certificates(endpoint, offered, err) || explain_rsa(endpoint, offered, err)))
            continue;
        belay_fail(err, BELAY_E_SSH, "%s: of %s the server takes %s, and libssh2 %s knows none of that",
            endpoint->label, kinds[i].keyword, offered, ssh.libssh2_version(0));
        belay_error_detail(err, "libssh2 knows %s", known);
        belay_error_hint(err,
            "let the server take one of those as well: `%s +%s` in its sshd_config, then reload sshd; or "
            "install a "
            "newer libssh2",
            kinds[i].keyword, ours.items[0]);
    }
    offer_done(&theirs);
    return explained;
}
