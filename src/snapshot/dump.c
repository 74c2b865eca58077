#include "snapshot/dump.h"

#include <glob.h>
#include <unistd.h>

#include "util/file.h"
#include "util/process.h"

/* Of the installed ones the least major that is not older than the server's. */
static char *find_installed(int server_major)
{
    glob_t found = {0};
    char *best = NULL;
    long best_major = 0;
    if (glob("/usr/lib/postgresql/*/bin/pg_dump", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *number = found.gl_pathv[i] + strlen("/usr/lib/postgresql/");
            long major = strtol(number, NULL, 10);
            if (major < server_major || (best != NULL && major >= best_major))
                continue;
            free(best);
            best = belay_strdup(found.gl_pathv[i]);
            best_major = major;
        }
    }
    globfree(&found);
    return best;
}

bool belay_dump_find(int server_version, char **ret, belay_error *err)
{
    int server_major = server_version / 10000;
    const char *chosen = getenv("BELAY_PG_DUMP");
    char *program = chosen != NULL && *chosen != '\0' ? belay_strdup(chosen) : find_installed(server_major);
    if (program == NULL)
        program = belay_strdup("pg_dump");
    int major = belay_process_major(program);
    if (major >= server_major) {
        *ret = program;
        return true;
    }
    if (major == 0)
        belay_fail(err, BELAY_E_PROCESS, "%s cannot be run, and a snapshot needs pg_dump", program);
    else
        belay_fail(err, BELAY_E_PROCESS, "%s is of version %d, older than the server's %d", program, major,
            server_major);
    free(program);
    return belay_error_hint(err,
        "install postgresql-client-%d (or newer), or set BELAY_PG_DUMP to the path of such a pg_dump",
        server_major);
}

/* pg_dump's complaints without the progress that --verbose adds. */
static bool dump_failed(const char *program, int status, const char *errors, belay_error *err)
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
    return belay_error_detail(err, "%s", belay_str_text(&said));
}

bool belay_dump_run(const belay_dump_options *options, const char *section, belay_str *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done_secret) belay_list environment = {0};
    if (!belay_dialer_environment(options->dialer, options->dbname, &environment, err))
        return false;
    belay_list_add_owned(&environment, belay_format("PGAPPNAME=%s", options->application_name));
    belay_list_add(&environment, "PGCLIENTENCODING=UTF8");
    belay_list_add(&environment, "LC_ALL=C");
    BELAY_AUTO(belay_free)
    const char **variables = belay_realloc_array(NULL, environment.count + 1, sizeof *variables);
    for (size_t i = 0; i < environment.count; i++)
        variables[i] = environment.items[i];
    variables[environment.count] = NULL;
    BELAY_AUTO(belay_free) char *snapshot = belay_format("--snapshot=%s", options->snapshot);
    BELAY_AUTO(belay_free) char *part = belay_format("--section=%s", section);
    BELAY_AUTO(belay_free)
    char *wait = belay_format("--lock-wait-timeout=%lld", (long long)options->lock_wait_ms);
    belay_spawn how = {.argv = (const char *const[]){options->program, part, "--blobs", "--format=plain",
                           "--encoding=UTF8", "--verbose", "--no-password", snapshot, wait, NULL},
        .environment = variables,
        .given_up = options->given_up};
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_INIT;
    int status = 0;
    ret->max = BELAY_DUMP_MAX_BYTES;
    if (!belay_process_run(&how, 0, ret, &errors, NULL, NULL, &status, err))
        return false;
    if (status != 0)
        return dump_failed(options->program, status, belay_str_text(&errors), err);
    return belay_str_check(ret, "pg_dump's output", err);
}
