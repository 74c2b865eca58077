#include "snapshot/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/condition.h"
#include "util/file.h"
#include "util/process.h"

enum { TICK_MS = 100 };

#define INSTALLED "/usr/lib/postgresql/"

struct belay_dump {
    belay_dump_options how;
    char *dbname, *snapshot, *application_name;
    int archive; /* a file in memory */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    bool has_ended, ok;
    belay_error err; /* why not */
};

void belay_dump_programs_done(belay_dump_programs *programs)
{
    free(programs->dump);
    free(programs->restore);
    *programs = (belay_dump_programs){0};
}

/* Of the installed ones the least major that is not older. */
static char *find_installed(const char *name, int least_major)
{
    glob_t found = {0};
    char *best = NULL;
    long best_major = 0;
    BELAY_AUTO(belay_free) char *pattern = belay_format(INSTALLED "*/bin/%s", name);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *number = found.gl_pathv[i] + strlen(INSTALLED);
            long major = strtol(number, NULL, 10);
            if (major < least_major || (best != NULL && major >= best_major))
                continue;
            free(best);
            best = belay_strdup(found.gl_pathv[i]);
            best_major = major;
        }
    }
    globfree(&found);
    return best;
}

static char *find_program(const char *name, int least_major)
{
    char *program = find_installed(name, least_major);
    return program == NULL ? belay_strdup(name) : program;
}

/* `program` when it is at least of that major. The caller frees. */
static char *require(char *program, const char *name, int least_major, const char *than, belay_error *err)
{
    int major = belay_process_major(program);
    if (major >= least_major)
        return program;
    if (major == 0)
        belay_fail(err, BELAY_E_PROCESS, "%s cannot be run, and a snapshot needs %s", program, name);
    else
        belay_fail(
            err, BELAY_E_PROCESS, "%s is of version %d, older than %s %d", program, major, than, least_major);
    free(program);
    return NULL;
}

static bool hint_install(int server_major, belay_error *err)
{
    return belay_error_hint(err,
        "install postgresql-client-%d (or newer), or set BELAY_PG_DUMP to the path of such a pg_dump, with "
        "its pg_restore beside it",
        server_major);
}

/* Where pg_dump is no file of a folder with pg_restore, as a script of the user's is not, any that can read
 * its archives will do. */
static char *find_restore(const char *dump, belay_error *err)
{
    static const char name[] = "pg_restore";
    int least_major = belay_process_major(dump);
    const char *slash = strrchr(dump, '/');
    BELAY_AUTO(belay_free)
    char *beside = slash == NULL ? NULL : belay_format("%.*s/%s", (int)(slash - dump), dump, name);
    if (beside != NULL && belay_process_major(beside) >= least_major)
        return belay_take(beside);
    return require(find_program(name, least_major), name, least_major, "pg_dump", err);
}

bool belay_dump_find(int server_version, belay_dump_programs *ret, belay_error *err)
{
    static const char name[] = "pg_dump";
    int server_major = server_version / 10000;
    const char *chosen = getenv("BELAY_PG_DUMP");
    bool is_chosen = chosen != NULL && *chosen != '\0';
    BELAY_AUTO(belay_dump_programs_done) belay_dump_programs found = {0};
    found.dump = require(is_chosen ? belay_strdup(chosen) : find_program(name, server_major), name,
        server_major, "the server's", err);
    if (found.dump != NULL)
        found.restore = find_restore(found.dump, err);
    if (found.restore == NULL)
        return hint_install(server_major, err);
    *ret = (belay_dump_programs){belay_take(found.dump), belay_take(found.restore)};
    return true;
}

/* Complaints without the progress that --verbose adds. */
static bool fail_status(const char *program, int status, const char *errors, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    BELAY_AUTO(belay_str_done) belay_str said = BELAY_STR_INIT;
    belay_list_split(&lines, errors, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (strstr(line, "error:") != NULL || strstr(line, "detail:") != NULL ||
            strstr(line, "hint:") != NULL || strstr(line, "FATAL") != NULL)
            belay_str_appendf(&said, "%s\n", line);
    }
    belay_fail(err, BELAY_E_PROCESS, "%s ended with status %d", program, status);
    belay_error_hint(
        err, "where it misses something that somebody renamed or dropped meanwhile, run the command again");
    return belay_error_detail(err, "%s", belay_str_text(&said));
}

/* What the program writes, to its end. */
static bool run(const belay_spawn *how, belay_str *ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_INIT;
    int status = 0;
    ret->max = BELAY_DUMP_MAX_BYTES;
    if (!belay_process_run(how, 0, ret, &errors, NULL, NULL, &status, err))
        return false;
    if (status != 0)
        return fail_status(how->argv[0], status, belay_str_text(&errors), err);
    return belay_str_check(ret, "pg_dump's output", err);
}

/* pg_dump writes comments and the like as its session reads them, and they are run where the setting is on.
 * Only where it is off by default: a pooler may refuse options. */
static void want_standard_strings(belay_list *environment)
{
    static const char name[] = "PGOPTIONS=", want[] = "-c standard_conforming_strings=on";
    for (size_t i = 0; i < environment->count; i++) {
        if (!belay_starts_with(environment->items[i], name))
            continue;
        char *with = belay_format("%s %s", environment->items[i], want);
        free(environment->items[i]);
        environment->items[i] = with;
        return;
    }
    const char *own = getenv("PGOPTIONS");
    belay_list_add_owned(environment, belay_format("%s%s %s", name, own == NULL ? "" : own, want));
}

static bool run_dump(const belay_dump *d, belay_str *ret, belay_error *err)
{
    const belay_dump_options *options = &d->how;
    BELAY_AUTO(belay_list_done_secret) belay_list environment = {0};
    if (!belay_dialer_environment(options->dialer, d->dbname, &environment, err))
        return false;
    belay_list_add_owned(&environment, belay_format("PGAPPNAME=%s", d->application_name));
    belay_list_add(&environment, "PGCLIENTENCODING=UTF8");
    belay_list_add(&environment, "LC_ALL=C");
    if (options->strings_off)
        want_standard_strings(&environment);
    BELAY_AUTO(belay_free)
    const char **variables = belay_realloc_array(NULL, environment.count + 1, sizeof *variables);
    for (size_t i = 0; i < environment.count; i++)
        variables[i] = environment.items[i];
    variables[environment.count] = NULL;
    BELAY_AUTO(belay_free) char *snapshot = belay_format("--snapshot=%s", d->snapshot);
    BELAY_AUTO(belay_free)
    char *wait = belay_format("--lock-wait-timeout=%lld", (long long)options->lock_wait_ms);
    const belay_spawn how = {.argv = (const char *const[]){options->programs->dump, "--section=pre-data",
                                 "--section=post-data", "--blobs", "--format=custom", "--compress=0",
                                 "--encoding=UTF8", "--verbose", "--no-password", snapshot, wait, NULL},
        .environment = variables,
        .given_up = options->given_up};
    return run(&how, ret, err);
}

static bool make_archive(belay_dump *d, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    return run_dump(d, &text, err) &&
           belay_write_all(d->archive, belay_str_text(&text), text.length, "pg_dump's archive", err);
}

static void *work(void *context)
{
    belay_dump *d = context;
    belay_error err = {0};
    bool ok = make_archive(d, &err);
    pthread_mutex_lock(&d->mutex);
    d->ok = ok;
    d->err = err;
    d->has_ended = true;
    pthread_cond_broadcast(&d->ended);
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

static void done(belay_dump *d)
{
    belay_close_fd_p(&d->archive);
    free(d->dbname);
    free(d->snapshot);
    free(d->application_name);
    pthread_cond_destroy(&d->ended);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

belay_dump *belay_dump_begin(const belay_dump_options *options, belay_error *err)
{
    belay_dump *d = belay_alloc(sizeof *d);
    d->how = *options;
    d->dbname = belay_strdup(options->dbname);
    d->snapshot = belay_strdup(options->snapshot);
    d->application_name = belay_strdup(options->application_name);
    pthread_mutex_init(&d->mutex, NULL);
    belay_condition_init(&d->ended);
    d->archive = memfd_create("belay-schema", MFD_CLOEXEC);
    int fault = d->archive < 0 ? errno : pthread_create(&d->thread, NULL, work, d);
    if (fault == 0)
        return d;
    done(d);
    belay_fail_errno(err, fault, "cannot start pg_dump");
    return NULL;
}

static bool wait_for(belay_dump *d, belay_error *err)
{
    pthread_mutex_lock(&d->mutex);
    while (!d->has_ended && !atomic_load(d->how.given_up))
        belay_condition_wait(&d->ended, &d->mutex, TICK_MS);
    bool ok = d->has_ended && d->ok;
    if (!ok && err != NULL && d->has_ended)
        *err = d->err;
    else if (!ok)
        belay_fail(err, BELAY_E_CANCELLED, "pg_dump is not needed any more");
    pthread_mutex_unlock(&d->mutex);
    return ok;
}

bool belay_dump_section(belay_dump *dump, const char *section, belay_str *ret, belay_error *err)
{
    if (!wait_for(dump, err))
        return false;
    /* Opened anew: each pg_restore has a place of its own in it. */
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", dump->archive);
    BELAY_AUTO(belay_close_fd) int archive = open(name, O_RDONLY | O_CLOEXEC);
    if (archive < 0)
        return belay_fail_errno(err, errno, "cannot read pg_dump's archive");
    BELAY_AUTO(belay_free) char *part = belay_format("--section=%s", section);
    const belay_spawn how = {
        .argv = (const char *const[]){dump->how.programs->restore, part, "--file=-", "--verbose", NULL},
        .environment = (const char *const[]){"LC_ALL=C", NULL},
        .stdin_fd = archive,
        .given_up = dump->how.given_up};
    return run(&how, ret, err);
}

void belay_dump_free(belay_dump *dump)
{
    if (dump == NULL)
        return;
    pthread_join(dump->thread, NULL);
    done(dump);
}
