#include "remote/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/lookup.h"
#include "util/file.h"

enum { JUMPS_MAX = 8, SLICE_MS = 200, PROXY_END_MS = 1000 };

/* Until the socket is ready for `events`, the deadline, or until it is given up. */
static bool wait_for(const belay_ssh_options *options, int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - belay_now_ms();
        struct pollfd wait = {.fd = fd, .events = events};
        if (left <= 0 || belay_ssh_is_given_up(options)) {
            errno = left <= 0 ? ETIMEDOUT : ECANCELED;
            return false;
        }
        if (poll(&wait, 1, left > SLICE_MS ? SLICE_MS : (int)left) > 0)
            return true;
    }
}

static int connect_to(const belay_ssh_options *options, const struct addrinfo *address, int64_t deadline_ms)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int fault = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (fault == EINPROGRESS) {
        socklen_t size = sizeof fault;
        if (!wait_for(options, fd, POLLOUT, deadline_ms))
            fault = errno;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
            fault = errno;
    }
    if (fault == 0) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        return fd;
    }
    close(fd);
    errno = fault;
    return -1;
}

static bool connect_tcp(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    int64_t deadline_ms, int *ret, belay_error *err)
{
    struct addrinfo *found = NULL;
    if (!belay_ssh_lookup(options, endpoint->label, endpoint->host, endpoint->port, deadline_ms, &found, err))
        return false;
    int fd = -1;
    int fault = 0;
    for (const struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next) {
        fd = connect_to(options, one, deadline_ms);
        fault = errno;
    }
    freeaddrinfo(found);
    *ret = fd;
    if (fd >= 0)
        return true;
    if (fault == ECANCELED)
        return belay_fail(err, BELAY_E_CANCELLED, "stopped while connecting to %s", endpoint->label);
    belay_fail_errno(
        err, fault, "%s: cannot connect to %s port %d", endpoint->label, endpoint->host, endpoint->port);
    err->code = BELAY_E_SSH;
    return belay_error_hint(err, "%s",
        fault == ECONNREFUSED ? "is an SSH server running there, on that port?"
                              : "is the host up, and may this machine reach it (network, firewall)?");
}

/* The last host on the way is reached by a tunnel that has the ones before it on its own way. */
static bool connect_by_jump(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    int64_t deadline_ms, belay_transport *ret, belay_error *err)
{
    const belay_list *jumps = &endpoint->jumps;
    if (options->depth >= JUMPS_MAX) {
        belay_fail(err, BELAY_E_CONFIG, "%s: more than %d hosts are on the way", endpoint->label, JUMPS_MAX);
        return belay_error_hint(err,
            "does a ProxyJump in ssh_config lead back to its own host? Under `Host *` it holds for the jump "
            "host as well, which then needs `ProxyJump none` above that. See `ssh -G %s`",
            endpoint->label);
    }
    BELAY_AUTO(belay_ssh_login_done) belay_ssh_login login = {0};
    belay_ssh_login_copy(&login, options->login);
    free(login.address);
    belay_free_secret(login.password); /* the target's, which is no business of the hosts on the way */
    login.password = NULL;
    login.address = belay_strdup(jumps->items[jumps->count - 1]);
    belay_list before = {.items = jumps->items, .count = jumps->count - 1};
    belay_ssh_options own = *options;
    own.login = &login;
    own.via = before.count > 0 ? &before : NULL;
    own.depth = options->depth + 1;
    own.connect_ms = deadline_ms - belay_now_ms();
    if (own.connect_ms <= 0)
        return belay_fail(
            err, BELAY_E_SSH, "%s: no time is left to go by %s", endpoint->label, login.address);
    if (belay_tunnel_open(&own, &ret->way, err) &&
        belay_tunnel_connect(ret->way, endpoint->host, endpoint->port, &ret->fd, err))
        return true;
    if (options->depth > 0 && err != NULL && err->code == BELAY_E_CONFIG) /* has its place in it */
        return false;
    return belay_error_prefix(err, "on the way to %s", endpoint->label);
}

/* ssh_config's ProxyCommand: its input and output are the connection; what it complains of goes to stderr. */
static bool connect_by_command(const belay_ssh_endpoint *endpoint, belay_transport *ret, belay_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return belay_fail_errno(err, errno, "cannot make a socket");
    const belay_spawn how = {.shell = endpoint->proxy_command, .stdin_fd = ends[1], .is_duplex = true};
    bool ok = belay_process_start(&how, &ret->proxy, err);
    close(ends[1]);
    ret->fd = ends[0];
    return ok || belay_error_prefix(err, "%s: the ProxyCommand", endpoint->label);
}

bool belay_transport_open(const belay_ssh_options *options, const belay_ssh_endpoint *endpoint,
    int64_t deadline_ms, belay_transport *ret, belay_error *err)
{
    *ret = BELAY_TRANSPORT_INIT;
    if (endpoint->jumps.count > 0)
        return connect_by_jump(options, endpoint, deadline_ms, ret, err);
    if (endpoint->proxy_command != NULL)
        return connect_by_command(endpoint, ret, err);
    return connect_tcp(options, endpoint, deadline_ms, &ret->fd, err);
}

void belay_transport_explain(belay_transport *transport, const belay_ssh_endpoint *endpoint, belay_error *err)
{
    if (transport->proxy.pid == 0 || !belay_process_wait(&transport->proxy, PROXY_END_MS, NULL))
        return;
    belay_fail(err, BELAY_E_SSH, "%s: the ProxyCommand ended with status %d, and no SSH server was heard",
        endpoint->label, transport->proxy.exit_status);
    belay_error_hint(err, "what it said is shown above; ssh_config has it: try `ssh -v %s`", endpoint->label);
}

void belay_transport_close(belay_transport *transport)
{
    belay_close_fd(transport->fd);
    belay_tunnel_close(transport->way);
    belay_process_done(&transport->proxy);
    *transport = BELAY_TRANSPORT_INIT;
}
