#include "pipeline/commands.h"

#include "remote/hosts.h"

enum { PIECE_BYTES = 16 * 1024 };

typedef struct story {
    belay_run *run;
    const char *what;
} story;

void belay_run_keep_output(belay_run *run)
{
    BELAY_AUTO(belay_sink_close) belay_sink *sink = NULL;
    BELAY_AUTO(belay_free)
    char *name = belay_format("%s/runs/%s/commands.log", run->how.target->name, run->id);
    belay_error why = {0};
    if (run->journal == NULL || run->output.length == 0)
        return;
    if (!run->how.store->append(run->how.store, name, &sink, &why) ||
        !sink->write(sink, run->output.data, run->output.length, &why))
        belay_say(run->how.reporter, BELAY_WARN, "what the commands said is not kept: %s", why.message);
    belay_str_clear(&run->output);
}

static void keep_line(belay_run *run, const char *host, const char *what, const char *line)
{
    char now[BELAY_UTC_SIZE];
    belay_format_utc(belay_now_utc(), now);
    BELAY_AUTO(belay_free)
    char *text = belay_format("%s %s %s: %s\n", now, host == NULL ? "-" : host, what, line);
    size_t length = strlen(text);
    if (run->output_room == 0)
        return;
    bool fits = length < run->output_room;
    belay_str_append(&run->output, fits ? text : "(belay: what follows is not kept)\n");
    run->output_room = fits ? run->output_room - length : 0;
    if (run->output.length > PIECE_BYTES)
        belay_run_keep_output(run);
}

static void on_line(void *context, const char *host, bool is_stderr, const char *line)
{
    const story *s = context;
    (void)is_stderr;
    if (host == NULL)
        belay_say(s->run->how.reporter, BELAY_INFO, "  %s: %s", s->what, line);
    else
        belay_say(s->run->how.reporter, BELAY_INFO, "  %s: %s: %s", host, s->what, line);
    keep_line(s->run, host, s->what, line);
}

bool belay_run_command(
    belay_run *run, const belay_host_command *command, const char *what, bool goes_on, belay_error *err)
{
    story s = {run, what};
    const belay_host_run how = {.target = run->how.target,
        .command = command,
        .what = what,
        .timeout_ms = run->how.target->command_timeout_ms,
        .goes_on = goes_on,
        .on_line = on_line,
        .context = &s};
    bool ok = belay_hosts_run(&how, err);
    belay_run_keep_output(run);
    return ok;
}
