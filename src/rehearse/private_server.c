#include "rehearse/private_server.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>

#include "pg/pg.h"
#include "rehearse/private_folder.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/process.h"
#include "util/stop.h"

#define PORT "5432" /* of the name of its socket; nothing listens on TCP */
enum { START_TIMEOUT_MS = 60000, STOP_TIMEOUT_MS = 15000, POLL_MS = 50 };

struct belay_private_server {
    char *folder; /* removed at the end */
    int lock;     /* says that the folder is in use */
    char *bin;
    char *user; /* to run as, NULL: ourselves */
    belay_conninfo info;
    belay_direct_dialer dialer;
    belay_process process;
};

/* Where distributions put the programs of one major version. */
static const char *const bin_folders[] = {"/usr/lib/postgresql/%d/bin", "/usr/pgsql-%d/bin",
    "/usr/local/pgsql-%d/bin", "/opt/homebrew/opt/postgresql@%d/bin"};

static char *expand_major(const char *pattern, int major)
{
    const char *at = strstr(pattern, "%d");
    return belay_format("%.*s%d%s", (int)(at - pattern), pattern, major, at + 2);
}

/* BELAY_PG_BIN, where its server is of that version. */
static char *chosen_programs(int major)
{
    const char *folder = getenv("BELAY_PG_BIN");
    if (folder == NULL || *folder == '\0')
        return NULL;
    BELAY_AUTO(belay_free) char *program = belay_path_join(folder, "postgres");
    return belay_process_major(program) == major ? belay_strdup(folder) : NULL;
}

static bool find_programs(belay_private_server *server, int major, belay_error *err)
{
    server->bin = chosen_programs(major);
    if (server->bin != NULL)
        return true;
    for (size_t i = 0; i < BELAY_COUNT(bin_folders); i++) {
        BELAY_AUTO(belay_free) char *folder = expand_major(bin_folders[i], major);
        BELAY_AUTO(belay_free) char *initdb = belay_path_join(folder, "initdb");
        if (belay_file_exists(initdb)) {
            server->bin = belay_take(folder);
            return true;
        }
    }
    belay_fail(err, BELAY_E_PREFLIGHT,
        "no server programs (initdb, postgres) of PostgreSQL %d on this machine", major);
    return belay_error_hint(err,
        "install the package postgresql-%d or set BELAY_PG_BIN to the folder of its programs, or give the "
        "role "
        "CREATEDB on the target's server so that the rehearsal can use a scratch database there",
        major);
}

/* PostgreSQL refuses to run as root. */
static bool make_folder(belay_private_server *server, belay_reporter *reporter, belay_error *err)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (user == 0) {
        const struct passwd *entry = getpwnam("postgres");
        if (entry == NULL)
            entry = getpwnam("nobody");
        if (entry == NULL) {
            belay_fail(err, BELAY_E_PREFLIGHT,
                "a private server cannot run as root, and there is neither a user postgres nor a user "
                "nobody");
            return belay_error_hint(err, "run belay as another user, or rehearse without --cluster");
        }
        server->user = belay_strdup(entry->pw_name);
        user = entry->pw_uid;
        group = entry->pw_gid;
    }
    belay_private_folder_sweep(user, reporter);
    return belay_private_folder_make(user, group, &server->folder, &server->lock, err);
}

/* argv of a server program, as the unprivileged user; ends with NULL. */
static void build_argv(const belay_private_server *server, const char *program, const char *const *args,
    belay_list *owned, const char **ret)
{
    size_t count = 0;
    if (server->user != NULL) {
        BELAY_AUTO(belay_free) char *path = belay_path_join(server->bin, program);
        belay_list_add_owned(owned, belay_format("--reuid=%s", server->user));
        belay_list_add_owned(
            owned, belay_format("--regid=%lu", (unsigned long)getpwnam(server->user)->pw_gid));
        belay_list_add(owned, path);
        ret[count++] = "setpriv";
        ret[count++] = owned->items[0];
        ret[count++] = owned->items[1];
        ret[count++] = "--clear-groups";
        ret[count++] = "--pdeathsig=KILL"; /* a change of user clears the one that belay set */
        ret[count++] = owned->items[2];
    } else {
        belay_list_add_owned(owned, belay_path_join(server->bin, program));
        ret[count++] = owned->items[0];
    }
    for (; *args != NULL; args++)
        ret[count++] = *args;
    ret[count] = NULL;
}

enum { ARGV_MAX = 48 };

static bool init_cluster(belay_private_server *server, const char *superuser, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list owned = {0};
    BELAY_AUTO(belay_free) char *data = belay_path_join(server->folder, "data");
    const char *argv[ARGV_MAX];
    const char *const args[] = {"-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
        "--no-sync", "--no-instructions", NULL};
    build_argv(server, "initdb", args, &owned, argv);
    const belay_spawn how = {
        .argv = argv, .folder = server->folder, .pipe_stdout = true, .pipe_stderr = true};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_INIT;
    int status = 0;
    if (!belay_process_run(&how, START_TIMEOUT_MS, &out, &errors, NULL, NULL, &status, err))
        return false;
    if (status == 0)
        return true;
    belay_fail(err, BELAY_E_PROCESS, "initdb ended with status %d", status);
    return belay_error_detail(err, "%s", belay_str_text(&errors));
}

static bool start_postmaster(belay_private_server *server, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list owned = {0};
    BELAY_AUTO(belay_free) char *data = belay_path_join(server->folder, "data");
    const char *argv[ARGV_MAX];
    /* Nothing here has to survive a crash; the log stays below what a pipe holds; shared memory lies in the
     * folder and goes with it, however the server ended. */
    const char *const args[] = {"-D", data, "-k", server->folder, "-c", "listen_addresses=", "-c",
        "fsync=off", "-c", "full_page_writes=off", "-c", "wal_level=logical", "-c",
        "dynamic_shared_memory_type=mmap", "-c", "port=" PORT, "-c", "max_locks_per_transaction=512", "-c",
        "max_connections=40", "-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic", "-c",
        "log_checkpoints=off", NULL};
    build_argv(server, "postgres", args, &owned, argv);
    const belay_spawn how = {
        .argv = argv, .folder = server->folder, .pipe_stdout = true, .pipe_stderr = true};
    return belay_process_start(&how, &server->process, err);
}

/* What the server wrote before it gave up, for the error. */
static bool startup_error(belay_private_server *server, const belay_error *cause, belay_error *err)
{
    char text[1000];
    ssize_t got = -1;
    if (server->process.stderr_fd >= 0 && fcntl(server->process.stderr_fd, F_SETFL, O_NONBLOCK) == 0)
        got = read(server->process.stderr_fd, text, sizeof text - 1);
    text[got < 0 ? 0 : got] = '\0';
    belay_fail(
        err, BELAY_E_PROCESS, "the private server in %s did not start: %s", server->folder, cause->message);
    return belay_error_detail(err, "%s", text);
}

static bool wait_until_ready(belay_private_server *server, belay_error *err)
{
    int64_t end = belay_now_ms() + START_TIMEOUT_MS;
    belay_error cause = {0};
    while (belay_now_ms() < end) {
        BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
        const belay_pg_options options = {.dbname = "postgres", .profile = BELAY_PG_PINNED};
        if (belay_pg_open(&server->dialer.base, &options, &pg, &cause))
            return true;
        if (cause.code == BELAY_E_CONFIG) { /* it is not even asked (PGHOSTADDR) */
            *err = cause;
            return false;
        }
        if (!belay_stop_check(err))
            return false;
        belay_sleep_ms(POLL_MS);
    }
    return startup_error(server, &cause, err);
}

bool belay_private_server_start(
    int major, const char *superuser, belay_reporter *reporter, belay_private_server **ret, belay_error *err)
{
    BELAY_AUTO(belay_private_server_stop) belay_private_server *server = belay_alloc(sizeof *server);
    server->process = BELAY_PROCESS_INIT;
    server->lock = -1;
    if (!find_programs(server, major, err) || !make_folder(server, reporter, err))
        return false;
    belay_say(reporter, BELAY_INFO, "starting a private PostgreSQL %d in %s", major, server->folder);
    belay_conninfo_set(&server->info, "host", server->folder);
    belay_conninfo_set(&server->info, "port", PORT); /* not that of PGSERVICE */
    belay_conninfo_set(&server->info, "user", superuser);
    belay_conninfo_set(&server->info, "dbname", "postgres");
    belay_direct_dialer_init(&server->dialer, &server->info);
    if (!init_cluster(server, superuser, err) || !start_postmaster(server, err) ||
        !wait_until_ready(server, err))
        return false;
    *ret = belay_take(server);
    return true;
}

/* SIGQUIT is the immediate shutdown: backends end too, which a killed postmaster would leave behind. */
static void end_postmaster(belay_private_server *server)
{
    if (server->process.pid <= 0)
        return;
    belay_stop_mask(true);
    kill(server->process.pid, SIGQUIT);
    belay_process_wait(&server->process, STOP_TIMEOUT_MS, NULL);
    belay_stop_mask(false);
}

void belay_private_server_stop(belay_private_server *server)
{
    if (server == NULL)
        return;
    end_postmaster(server);
    belay_process_done(&server->process);
    if (server->folder != NULL)
        belay_remove_tree(server->folder, NULL);
    if (server->lock >= 0)
        close(server->lock);
    belay_conninfo_done(&server->info);
    free(server->folder);
    free(server->bin);
    free(server->user);
    free(server);
}

belay_dialer *belay_private_server_dialer(belay_private_server *server)
{
    return &server->dialer.base;
}
