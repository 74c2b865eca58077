#include <errno.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/follow_logs.h"
#include "util/file.h"

enum { LINES_MAX = 1000000 };

static struct {
    const char *lines;
    bool no_follow;
} o;

static const belay_option options[] = {
    {"lines", 'n', "N", "lines of each file to begin with (default: 10)", BELAY_OPT_TEXT, &o.lines},
    {"no-follow", 0, NULL, "end after those lines", BELAY_OPT_FLAG, &o.no_follow}, BELAY_OPT_END};

typedef struct output {
    belay_cli *cli;
    belay_list labels; /* "" for the only one */
    json_t *logs;      /* with --json */
} output;

/* What stands in front of a log's lines: its host, and its name where that alone does not tell them apart. */
static char *label_of(const belay_log_files *logs, size_t number)
{
    const belay_log_file *log = &logs->items[number];
    const char *host = log->host == NULL ? "local" : log->host;
    size_t same = 0;
    for (size_t i = 0; i < logs->count; i++)
        same += belay_equal(logs->items[i].host == NULL ? "local" : logs->items[i].host, host) ? 1 : 0;
    if (logs->count == 1)
        return belay_strdup("");
    if (same == 1)
        return belay_format("%s: ", host);
    return belay_format("%s:%s: ", host, belay_path_base(log->path));
}

static bool tell(void *context, size_t number, bool is_stderr, const char *line)
{
    output *out = context;
    const char *label = out->labels.items[number];
    if (is_stderr) {
        belay_say(out->cli->reporter, BELAY_NOTICE, "%s%s", label, line);
        return true;
    }
    if (out->logs != NULL) {
        json_t *lines = json_object_get(json_array_get(out->logs, number), "lines");
        json_array_append_new(lines, belay_json_of_text(line));
        return true;
    }
    belay_cli_print(out->cli, "%s%s", label, line);
    if (fflush(stdout) == 0)
        return true;
    if (errno == EPIPE) /* who reads has had enough (`| head`), which is no fault */
        clearerr(stdout);
    return false;
}

static bool read_lines(int *ret, belay_error *err)
{
    long long number = 10;
    if (o.lines != NULL && (!belay_parse_int64(o.lines, &number) || number < 0 || number > LINES_MAX))
        return belay_fail(
            err, BELAY_E_USAGE, "--lines takes a number from 0 to %d, not \"%s\"", (int)LINES_MAX, o.lines);
    *ret = (int)number;
    return true;
}

static bool check(belay_cli *cli, belay_error *err)
{
    if (cli->json && !o.no_follow) {
        belay_fail(
            err, BELAY_E_USAGE, "--json prints one document, which has an end: it goes with --no-follow");
        return belay_error_hint(err, "add --no-follow, or leave --json out");
    }
    if (cli->target.logs.count > 0)
        return true;
    belay_fail(err, BELAY_E_CONFIG, "target %s names no logs", cli->target.name);
    return belay_error_hint(err,
        "write logs = PATH, or logs = HOST:PATH for a file on a [host.*], into [target.%s]",
        cli->target.name);
}

static json_t *empty_logs(const belay_log_files *logs)
{
    json_t *all = json_array();
    for (size_t i = 0; i < logs->count; i++)
        json_array_append_new(all, json_pack("{s:s?, s:s, s:[]}", "host", logs->items[i].host, "path",
                                       logs->items[i].path, "lines"));
    return all;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    output out = {.cli = cli};
    belay_follow_logs how = {.target = &cli->target, .follow = !o.no_follow, .tell = tell, .context = &out};
    bool ok = read_lines(&how.lines, &err) && belay_cli_target(cli, &err) && check(cli, &err);
    if (ok) {
        for (size_t i = 0; i < cli->target.logs.count; i++)
            belay_list_add_owned(&out.labels, label_of(&cli->target.logs, i));
        out.logs = cli->json ? empty_logs(&cli->target.logs) : NULL;
        ok = belay_follow_logs_run(&how, &err);
    }
    belay_list_done(&out.labels);
    json_t *json = out.logs == NULL ? NULL : json_pack("{s:b, s:o}", "ok", ok, "logs", out.logs);
    return belay_cli_finish(cli, ok, json, &err);
}

const belay_command belay_cmd_logs = {
    .name = "logs",
    .group = "Runs",
    .usage = "logs [TARGET] [options]",
    .summary = "follow the application's log files, here and on its hosts",
    .details = "Follows the files that the target's key `logs` names, through rotation, until Ctrl-C. Where\n"
               "there are several, each line begins with its host. A lost connection is made again, and\n"
               "goes on where it was.",
    .options = options,
    .target_word = true,
    .run = run,
};
