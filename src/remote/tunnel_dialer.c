#include "remote/tunnel_dialer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "pg/defaults.h"
#include "remote/admit.h"
#include "util/file.h"

enum { BACKLOG = 64, DEFAULT_PORT = 5432 };

/* belay-tunnel.UID.PID: what a killed process left is told from what a living one uses. */
static const char prefix[] = "belay-tunnel.";

static const char *temporary(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && *folder == '/' ? folder : "/tmp";
}

/* Folders of this user's processes that are gone. */
static void sweep(const char *in)
{
    DIR *all = opendir(in);
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
        unsigned uid = 0;
        int pid = 0, end = 0;
        if (!belay_starts_with(entry->d_name, prefix) ||
            sscanf(entry->d_name + strlen(prefix), "%u.%d.%n", &uid, &pid, &end) != 2 || end == 0 ||
            uid != getuid() || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        BELAY_AUTO(belay_free) char *path = belay_path_join(in, entry->d_name);
        struct stat status;
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == getuid())
            belay_remove_tree(path, NULL);
    }
    if (all != NULL)
        closedir(all);
}

static bool listen_on_socket(belay_tunnel_dialer *self, int *ret_fd, belay_error *err)
{
    sweep(temporary());
    BELAY_AUTO(belay_free)
    char *folder = belay_format("%s/%s%u.%d.XXXXXX", temporary(), prefix, (unsigned)getuid(), (int)getpid());
    if (mkdtemp(folder) == NULL) /* 0700 */
        return belay_fail_errno(err, errno, "cannot make the folder %s for the tunnel's socket", folder);
    self->folder = belay_take(folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", self->folder, DEFAULT_PORT);
    if (length < 0 || (size_t)length >= sizeof address.sun_path) {
        belay_fail(err, BELAY_E_CONFIG, "%s is too long a folder for a unix socket", self->folder);
        return belay_error_hint(err, "set TMPDIR to a shorter one");
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) {
        belay_fail_errno(err, errno, "cannot listen on %s", address.sun_path);
        belay_close_fd(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

static bool listen_on_port(belay_tunnel_dialer *self, int *ret_fd, belay_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        belay_fail_errno(err, errno, "cannot listen on a port of 127.0.0.1");
        belay_close_fd(fd);
        return false;
    }
    self->local_port = ntohs(address.sin_port);
    *ret_fd = fd;
    return true;
}

static bool demands_tls(const belay_conninfo *info)
{
    static const char *const demands[][2] = {{"sslmode", "require"}, {"sslmode", "verify-ca"},
        {"sslmode", "verify-full"}, {"channel_binding", "require"}};
    for (size_t i = 0; i < BELAY_COUNT(demands); i++) {
        const char *said = belay_conninfo_get(info, demands[i][0]);
        if (said != NULL && belay_equal(said, demands[i][1]))
            return true;
    }
    return false;
}

/* Where the server is, as the SSH server sees it. */
static bool find_far_end(belay_tunnel_dialer *self, belay_error *err)
{
    const char *address = belay_conninfo_get(self->info, "hostaddr"),
               *host = belay_conninfo_get(self->info, "host");
    const char *port = belay_conninfo_get(self->info, "port");
    const char *name = address != NULL ? address : host != NULL ? host : "127.0.0.1";
    long long number = DEFAULT_PORT;
    if (strchr(name, ',') != NULL || (port != NULL && !belay_parse_int64(port, &number)))
        return belay_fail(err, BELAY_E_CONFIG, "through SSH a target has one host and one port");
    if (*name == '@')
        return belay_fail(
            err, BELAY_E_UNSUPPORTED, "an abstract unix socket (%s) cannot be reached through SSH", name);
    self->port = (int)number;
    if (*name == '/') {
        self->host = belay_format("%s/.s.PGSQL.%lld", name, number);
        return true;
    }
    self->host = belay_strdup(name);
    return true;
}

static bool open_end(belay_tunnel_dialer *self, belay_error *err)
{
    BELAY_AUTO(belay_close_fd) int fd = -1;
    bool tls = demands_tls(self->info);
    belay_ssh_options options = {.login = self->login};
    if (!find_far_end(self, err) || !belay_tunnel_open(&options, &self->tunnel, err))
        return false;
    if (!(tls ? listen_on_port(self, &fd, err) : listen_on_socket(self, &fd, err)) ||
        !belay_tunnel_listen(self->tunnel, fd, tls ? belay_admit_own : NULL, self->host, self->port, err)) {
        belay_tunnel_close(self->tunnel);
        self->tunnel = NULL;
        return false;
    }
    fd = -1;
    return true;
}

/* What failed may succeed the next time. */
static bool ensure_open(belay_tunnel_dialer *self, belay_error *err)
{
    pthread_mutex_lock(&self->mutex);
    bool ok = self->tunnel != NULL;
    if (!ok) {
        free(self->host);
        self->host = NULL;
        ok = open_end(self, err);
    }
    pthread_mutex_unlock(&self->mutex);
    return ok;
}

/* Password files have the server's own name and port, which libpq is not told. */
static void add_password(const belay_tunnel_dialer *self, belay_conninfo *to)
{
    const char *host = belay_conninfo_get(self->info, "host"),
               *address = belay_conninfo_get(self->info, "hostaddr");
    if (belay_conninfo_get(to, "password") == NULL)
        belay_conninfo_add_password(to,
            host != NULL      ? host
            : address != NULL ? address
                              : "localhost",
            self->port);
}

static bool tunnel_address(belay_dialer *base, const char *dbname, belay_conninfo *ret, belay_error *err)
{
    belay_tunnel_dialer *self = (belay_tunnel_dialer *)base;
    if (!ensure_open(self, err))
        return false;
    belay_conninfo_copy(ret, self->info);
    if (dbname != NULL)
        belay_conninfo_set(ret, "dbname", dbname);
    add_password(self, ret);
    char port[16];
    snprintf(port, sizeof port, "%d", self->folder != NULL ? DEFAULT_PORT : self->local_port);
    belay_conninfo_set(ret, "port", port);
    if (self->folder != NULL) {
        belay_conninfo_set(ret, "hostaddr", NULL);
        belay_conninfo_set(ret, "host", self->folder);
    } else {
        belay_conninfo_set(ret, "hostaddr", "127.0.0.1");
    }
    return true;
}

static bool tunnel_explain(belay_dialer *base, belay_error *err)
{
    belay_tunnel_dialer *self = (belay_tunnel_dialer *)base;
    belay_error fault = {0};
    bool is_fault = self->tunnel != NULL && belay_tunnel_last_fault(self->tunnel, &fault);
    /* invalid_authorization_specification: no line of pg_hba.conf fits */
    if (!is_fault && belay_equal(err->sqlstate, "28000") && !demands_tls(self->info))
        belay_error_hint(err,
            "look at pg_hba.conf; a server that takes TLS only (hostssl) wants `sslmode = require` or "
            "`verify-full` in the target, since without it nothing is encrypted behind the SSH server");
    if (!is_fault)
        return false;
    *err = fault;
    return true;
}

static void tunnel_describe(const belay_dialer *base, char *ret, size_t size)
{
    const belay_tunnel_dialer *self = (const belay_tunnel_dialer *)base;
    char far_end[256];
    belay_tunnel_far_end_text(self->host, self->port, far_end, sizeof far_end);
    snprintf(ret, size, "%s through %s", far_end, self->login->address);
}

void belay_tunnel_dialer_init(
    belay_tunnel_dialer *dialer, const belay_conninfo *info, const belay_ssh_login *login)
{
    *dialer = (belay_tunnel_dialer){.info = info, .login = login};
    dialer->base.address = tunnel_address;
    dialer->base.explain = tunnel_explain;
    dialer->base.describe = tunnel_describe;
    pthread_mutex_init(&dialer->mutex, NULL);
}

void belay_tunnel_dialer_done(belay_tunnel_dialer *dialer)
{
    belay_tunnel_close(dialer->tunnel);
    if (dialer->folder != NULL)
        belay_remove_tree(dialer->folder, NULL);
    free(dialer->folder);
    free(dialer->host);
    pthread_mutex_destroy(&dialer->mutex);
}
