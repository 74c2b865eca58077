#include "remote/hosts.h"

#include "util/crew.h"
#include "util/relay.h"

static const belay_ssh_login *login_of(const belay_target *target, const char *host)
{
    for (size_t i = 0; i < target->host_count; i++) {
        if (belay_equal(target->hosts[i].name, host))
            return &target->hosts[i].ssh;
    }
    return NULL;
}

static bool run_here(const belay_shell *shell, belay_remote_status *ret, belay_error *err)
{
    const belay_spawn how = {
        .shell = shell->text, .folder = shell->target->project_root, .given_up = shell->given_up};
    *ret = (belay_remote_status){0};
    return belay_process_run(
        &how, shell->timeout_ms, NULL, NULL, shell->on_line, shell->context, &ret->exit_status, err);
}

bool belay_shell_run(const belay_shell *shell, belay_remote_status *ret, belay_error *err)
{
    if (shell->host == NULL)
        return run_here(shell, ret, err);
    const belay_ssh_login *login = login_of(shell->target, shell->host);
    if (login == NULL)
        return belay_fail(err, BELAY_E_INTERNAL, "there is no host %s", shell->host);
    return belay_remote_run(login, shell->text, shell->timeout_ms, shell->given_up, shell->on_line,
               shell->context, ret, err) ||
           belay_error_prefix(err, "host %s", shell->host);
}

char *belay_shell_end_text(const belay_remote_status *status)
{
    if (status->signal[0] != '\0')
        return belay_format("was ended by signal %s", status->signal);
    return belay_format("ended with status %d", status->exit_status);
}

typedef enum host_end { NOT_RUN, DONE, FAILED } host_end;

typedef struct host_result {
    host_end end;
    belay_error err; /* FAILED */
} host_result;

typedef struct host_crew {
    const belay_host_run *how;
    host_result *results;
    belay_relay *relay;
} host_crew;

typedef struct host_story {
    host_crew *crew;
    size_t number;
} host_story;

static const char *host_of(const belay_host_run *how, size_t number)
{
    return how->command->hosts.count == 0 ? NULL : how->command->hosts.items[number];
}

static void tell(void *context, size_t number, bool is_stderr, const char *line)
{
    const belay_host_run *how = context;
    if (how->on_line != NULL)
        how->on_line(how->context, host_of(how, number), is_stderr, line);
}

static void relay_line(void *context, bool is_stderr, const char *line)
{
    const host_story *story = context;
    belay_relay_line(story->crew->relay, story->number, is_stderr, line);
}

static void tell_line(void *context, bool is_stderr, const char *line)
{
    tell(context, 0, is_stderr, line);
}

static bool judge(
    const belay_host_run *how, const char *host, const belay_remote_status *status, belay_error *err)
{
    BELAY_AUTO(belay_free) char *end = belay_shell_end_text(status);
    if (status->exit_status == 0)
        return true;
    return belay_fail(err, BELAY_E_PROCESS, "%s%s%s %s: %s", how->what, host == NULL ? "" : " on ",
        host == NULL ? "" : host, end, how->command->command);
}

static bool run_one(const belay_host_run *how, const char *host, belay_line_function *on_line, void *context,
    belay_error *err)
{
    const belay_shell shell = {.target = how->target,
        .host = host,
        .text = how->command->command,
        .timeout_ms = how->timeout_ms,
        .on_line = on_line,
        .context = context};
    belay_remote_status status = {0};
    if (!belay_shell_run(&shell, &status, err))
        return belay_error_prefix(err, "%s", how->what);
    return judge(how, host, &status, err);
}

static bool work(void *context, void *own, size_t number, belay_error *err)
{
    (void)own;
    host_crew *crew = context;
    host_result *result = &crew->results[number];
    host_story story = {crew, number};
    bool ok = run_one(crew->how, host_of(crew->how, number), relay_line, &story, &result->err);
    result->end = ok ? DONE : FAILED;
    if (!ok && err != NULL)
        *err = result->err;
    return ok || (crew->how->goes_on && result->err.code != BELAY_E_CANCELLED);
}

static void tick(void *context)
{
    belay_relay_flush(((host_crew *)context)->relay);
}

/* "app1: done; app2: failed; app3: not run" */
static void add_results(const host_crew *crew, belay_error *err)
{
    static const char *const ends[] = {"not run", "done", "failed"};
    size_t count = crew->how->command->hosts.count;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    if (count < 2 || err == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        belay_str_appendf(
            &text, "%s%s: %s", i == 0 ? "" : "; ", host_of(crew->how, i), ends[crew->results[i].end]);
    belay_error_detail(err, "%s%s%s", err->detail, err->detail[0] == '\0' ? "" : "\n", belay_str_text(&text));
}

static bool run_on_hosts(host_crew *crew, belay_error *err)
{
    const belay_crew_task task = {.work = work, .tick = tick, .context = crew};
    size_t count = crew->how->command->hosts.count;
    if (!belay_crew_run(&task, count, (size_t)crew->how->target->hosts_at_once, err)) {
        add_results(crew, err);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (crew->results[i].end != FAILED)
            continue;
        if (err != NULL)
            *err = crew->results[i].err;
        add_results(crew, err);
        return false;
    }
    return true;
}

bool belay_hosts_run(const belay_host_run *how, belay_error *err)
{
    size_t count = how->command->hosts.count;
    if (how->command->command == NULL)
        return true;
    if (count == 0)
        return run_one(how, NULL, tell_line, (void *)(uintptr_t)how, err);
    BELAY_AUTO(belay_free) host_result *results = belay_alloc(count * sizeof *results);
    BELAY_AUTO(belay_relay_free)
    belay_relay *relay = belay_relay_new(tell, (void *)(uintptr_t)how);
    host_crew crew = {how, results, relay};
    return run_on_hosts(&crew, err);
}
