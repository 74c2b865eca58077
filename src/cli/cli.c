/* The frame around the commands: common options, dispatch, help, the answer's form. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/help.h"
#include "cli/lock.h"
#include "pg/defaults.h"
#include "pg/pg.h"
#include "report/annotation.h"
#include "seal/seal.h"
#include "store/rate.h"
#include "util/suggest.h"

static const belay_command *const commands[] = {
#define X(verb) &belay_cmd_##verb,
    BELAY_COMMANDS(X)
#undef X
};

static belay_cli the_cli; /* filled by the option table; one command per process */

static const belay_option common_options[] = {
    {"config", 'c', "FILE", "configuration file (default: BELAY_CONFIG, ./belay.ini, conf/belay.ini)",
        BELAY_OPT_TEXT, &the_cli.config_path},
    {"env-file", 0, "FILE", "file of KEY=VALUE lines (default: .env in the project's root)", BELAY_OPT_TEXT,
        &the_cli.env_file},
    {"target", 't', "NAME", "target to work on (default: default_target)", BELAY_OPT_TEXT,
        &the_cli.target_name},
    {"json", 0, NULL, "print one JSON document on stdout", BELAY_OPT_FLAG, &the_cli.json},
    {"quiet", 'q', NULL, "only warnings and errors on stderr", BELAY_OPT_FLAG, &the_cli.quiet},
    {"verbose", 'v', NULL, "say more", BELAY_OPT_FLAG, &the_cli.verbose},
    {"progress", 0, "FORM", "auto, plain, none, or json: events on stderr (default: auto; with -q: none)",
        BELAY_OPT_TEXT, &the_cli.progress},
    {"help", 'h', NULL, "show this help", BELAY_OPT_FLAG, &the_cli.help}, BELAY_OPT_END};

static const belay_help help = {commands, BELAY_COUNT(commands), common_options};

static void print_help(const belay_command *command)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_help_command(&help, command, &text);
    fputs(belay_str_text(&text), stdout);
}

static const belay_command *find_command(const char *name)
{
    for (size_t i = 0; i < BELAY_COUNT(commands); i++) {
        if (belay_equal(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

bool belay_cli_target(belay_cli *cli, belay_error *err)
{
    belay_config_sources sources = {cli->config_path, cli->env_file};
    if (cli->config == NULL && !belay_config_load(&sources, &cli->config, err))
        return false;
    if (!belay_config_target(cli->config, cli->target_name, &cli->target, err))
        return false;
    if (cli->jobs > 0)
        cli->target.jobs = cli->jobs;
    belay_conninfo_forget_service(&cli->target.connection);
    if (cli->target.ssh.address != NULL) {
        belay_tunnel_dialer_init(&cli->tunnel, &cli->target.connection, &cli->target.ssh);
        cli->dialer = &cli->tunnel.base;
    } else {
        belay_direct_dialer_init(&cli->direct, &cli->target.connection);
        cli->dialer = &cli->direct.base;
    }
    cli->dialer->target = cli->target.name;
    return true;
}

bool belay_cli_connect(belay_cli *cli, belay_pg_profile profile, belay_pg **ret, belay_error *err)
{
    if (cli->dialer == NULL && !belay_cli_target(cli, err))
        return false;
    belay_pg_options options = {.profile = profile};
    return belay_pg_open(cli->dialer, &options, ret, err);
}

bool belay_cli_open_store(
    belay_cli *cli, const char *url, const belay_store_options *how, belay_store **ret, belay_error *err)
{
    uint64_t rate = cli->rate_given ? cli->rate_bytes_per_s : cli->target.rate_bytes_per_s;
    if (!belay_store_open(url, how, ret, err))
        return false;
    if (*ret == NULL)
        return true;
    if (rate > 0)
        *ret = belay_rate_store(*ret, rate, NULL);
    *ret = belay_seal_store(*ret, &cli->target);
    return true;
}

static bool open_own_store(belay_cli *cli, bool existing_only, belay_store **ret, belay_error *err)
{
    if (cli->dialer == NULL && !belay_cli_target(cli, err))
        return false;
    if (cli->target.store_url == NULL)
        return belay_fail(err, BELAY_E_CONFIG, "target %s has no store", cli->target.name);
    const belay_store_options how = {.login = &cli->target.store_login, .existing_only = existing_only};
    return belay_cli_open_store(cli, cli->target.store_url, &how, ret, err);
}

bool belay_cli_store(belay_cli *cli, belay_store **ret, belay_error *err)
{
    return open_own_store(cli, false, ret, err);
}

bool belay_cli_store_if_any(belay_cli *cli, belay_store **ret, belay_error *err)
{
    *ret = NULL;
    return cli->target.store_url == NULL || open_own_store(cli, true, ret, err);
}

/* The document of a command that came to no answer: scripts find the keys that they look at. */
static json_t *empty_answer(const belay_cli *cli, bool ok)
{
    belay_answer form = cli->command == NULL ? BELAY_ANSWER_OTHER : cli->command->answer;
    if (form == BELAY_ANSWER_RUN)
        return json_pack("{s:n, s:s?, s:s, s:[], s:[], s:n, s:n, s:n, s:[]}", "run", "target",
            cli->target.name != NULL ? cli->target.name : cli->target_name, "outcome", "refused", "from",
            "to", "snapshot", "twin", "kept", "stages");
    if (form == BELAY_ANSWER_CHECKS)
        return json_pack("{s:s, s:[]}", "verdict", ok ? "ok" : "refuse", "checks");
    return json_pack("{s:b}", "ok", ok);
}

void belay_cli_print_json(json_t *json)
{
    BELAY_AUTO(belay_free) char *text = belay_json_print(json);
    puts(text);
    json_decref(json);
}

/* Where nothing better is known, a wrong line is answered with the place of the command's own help, and a
 * missing database with the run that renamed it. */
static belay_error explained(const belay_cli *cli, const belay_error *err)
{
    belay_error own = *err;
    belay_cli_explain_missing(cli, &own);
    const char *usual = belay_code_hint(BELAY_E_USAGE);
    if (cli->command != NULL && own.code == BELAY_E_USAGE && belay_equal(own.hint, usual))
        belay_error_hint(&own, "`belay %s --help` tells what it takes", cli->command->name);
    return own;
}

int belay_cli_finish(belay_cli *cli, bool ok, json_t *json, const belay_error *given)
{
    const belay_error own = explained(cli, given), *err = &own;
    if (!cli->json) {
        if (!ok)
            belay_say_error(cli->reporter, err);
        json_decref(json);
        return ok ? BELAY_EXIT_OK : belay_code_exit(err->code);
    }
    if (json == NULL)
        json = empty_answer(cli, ok);
    if (!ok) {
        if (cli->reporter != NULL && cli->reporter->error != NULL)
            belay_say_error(cli->reporter, err);
        else
            belay_say_annotation(cli->reporter, err);
        json_object_set_new(json, "error", belay_error_json(err));
    } else if (json_object_get(json, "error") == NULL &&
               (json_object_get(json, "ok") != NULL || json_object_get(json, "outcome") != NULL)) {
        json_object_set_new(json, "error", json_null());
    }
    belay_cli_print_json(json);
    return ok ? BELAY_EXIT_OK : belay_code_exit(err->code);
}

void belay_cli_print(const belay_cli *cli, const char *format, ...)
{
    if (cli->json)
        return;
    va_list args;
    va_start(args, format);
    BELAY_AUTO(belay_free) char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    BELAY_AUTO(belay_free) char *shown = belay_printable(text, "\n\t");
    puts(shown);
}

/* Words against what the command takes; the first may name the target. */
static bool take_words(belay_cli *cli, const belay_command *command, belay_error *err)
{
    if (command->target_word && cli->words.count == (size_t)command->max_words + 1) {
        if (cli->target_name != NULL) {
            belay_fail(err, BELAY_E_USAGE, "the target is named twice: -t %s and %s", cli->target_name,
                cli->words.items[0]);
            return belay_error_hint(err, "give one of them: belay %s %s", command->name, cli->target_name);
        }
        cli->target_name = cli->words.items[0];
        memmove(cli->words.items, cli->words.items + 1, (cli->words.count - 1) * sizeof cli->words.items[0]);
        cli->words.count--;
    }
    if (cli->words.count < (size_t)command->min_words ||
        (command->max_words >= 0 && cli->words.count > (size_t)command->max_words)) {
        belay_fail(err, BELAY_E_USAGE, "%s words for `belay %s`",
            cli->words.count < (size_t)command->min_words ? "not enough" : "too many", command->name);
        return belay_error_hint(err, "usage: belay %s", command->usage);
    }
    return true;
}

/* A wrong line is answered in JSON as well, wherever --json stands in it. */
static bool asks_for_json(int argc, char **argv)
{
    for (int i = 0; i < argc && !belay_equal(argv[i], "--"); i++) {
        if (belay_equal(argv[i], "--json"))
            return true;
    }
    return false;
}

static bool parse(belay_cli *cli, const belay_command *command, int argc, char **argv, belay_error *err)
{
    if (!belay_options_parse(argc, argv, common_options, command->options, &cli->words, err)) {
        cli->json = asks_for_json(argc, argv);
        return false;
    }
    return cli->help || take_words(cli, command, err);
}

/* What tells the story; a wrong line is told in the usual way. */
static belay_reporter *make_reporter(const belay_cli *cli, belay_progress_form form)
{
    belay_level least = cli->quiet ? BELAY_WARN : cli->verbose ? BELAY_DEBUG : BELAY_INFO;
    return form == BELAY_PROGRESS_JSON ? belay_events_new(least) : belay_terminal_new(least, form);
}

static bool read_progress(const belay_cli *cli, belay_progress_form *ret, belay_error *err)
{
    if (cli->progress == NULL && cli->quiet)
        *ret = BELAY_PROGRESS_NONE;
    if (cli->progress == NULL || belay_progress_form_parse(cli->progress, ret))
        return true;
    return belay_fail(
        err, BELAY_E_USAGE, "--progress takes auto, plain, none or json, not \"%s\"", cli->progress);
}

static int run_command(belay_cli *cli, const belay_command *command, int argc, char **argv)
{
    belay_error err = {0};
    belay_progress_form form = BELAY_PROGRESS_AUTO;
    cli->command = command;
    bool ok = parse(cli, command, argc, argv, &err) && read_progress(cli, &form, &err);
    if (ok && cli->help) {
        print_help(command);
        return BELAY_EXIT_OK;
    }
    BELAY_AUTO(belay_reporter_free) belay_reporter *reporter = make_reporter(cli, form);
    cli->reporter = reporter;
    int status = ok ? command->run(cli) : belay_cli_finish(cli, false, NULL, &err);
    cli->reporter = NULL;
    return status;
}

/* `belay help [COMMAND | --man]` */
static int show_help(int argc, char **argv, bool *ret_unknown)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    const char *word = argc > 2 ? argv[2] : NULL;
    const belay_command *command = word == NULL ? NULL : find_command(word);
    if (command != NULL)
        belay_help_command(&help, command, &text);
    else if (word != NULL && belay_equal(word, "--man"))
        belay_help_man(&help, &text);
    else if (word != NULL && word[0] != '-')
        *ret_unknown = true;
    else
        belay_help_overview(&help, &text);
    fputs(belay_str_text(&text), argc < 2 ? stderr : stdout);
    return argc < 2 ? BELAY_EXIT_USAGE : BELAY_EXIT_OK;
}

static int refuse_command(const char *name, int argc, char **argv)
{
    belay_error err = {0};
    the_cli.json = asks_for_json(argc - 1, argv + 1);
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    for (size_t i = 0; i < BELAY_COUNT(commands); i++)
        belay_list_add(&names, commands[i]->name);
    const char *nearest = belay_nearest(name, &names);
    belay_fail(&err, BELAY_E_USAGE, "there is no command \"%s\"", name);
    if (name[0] == '-')
        belay_error_hint(&err, "options stand behind the command: belay <command> [options]");
    else if (nearest != NULL)
        belay_error_hint(&err, "did you mean `belay %s`? `belay help` lists all", nearest);
    BELAY_AUTO(belay_reporter_free)
    belay_reporter *reporter = belay_terminal_new(BELAY_INFO, BELAY_PROGRESS_AUTO);
    the_cli.reporter = reporter;
    int status = belay_cli_finish(&the_cli, false, NULL, &err);
    the_cli.reporter = NULL;
    return status;
}

static int run_line(int argc, char **argv)
{
    const char *name = argc < 2 ? "help" : argv[1];
    if (belay_equal(name, "--version") || belay_equal(name, "version")) {
        puts("belay " BELAY_VERSION);
        return BELAY_EXIT_OK;
    }
    if (belay_equal(name, "help") || belay_equal(name, "--help") || belay_equal(name, "-h")) {
        bool unknown = false;
        int status = show_help(argc, argv, &unknown);
        return unknown ? refuse_command(argv[2], argc, argv) : status;
    }
    const belay_command *command = find_command(name);
    if (command == NULL)
        return refuse_command(name, argc, argv);
    int status = run_command(&the_cli, command, argc - 2, argv + 2);
    if (the_cli.dialer == &the_cli.tunnel.base)
        belay_tunnel_dialer_done(&the_cli.tunnel);
    belay_target_done(&the_cli.target);
    belay_config_free(the_cli.config);
    belay_list_done(&the_cli.words);
    return status;
}

/* An answer that nobody gets is a failure, but a run's status tells what became of the database, and stays.
 * A reader who had enough (`| head`) is none of it. */
static int end_answer(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE)
        fprintf(stderr, "belay: the answer cannot be written to stdout: %s\n",
            errno == 0 ? "an earlier part of it was lost" : strerror(errno));
    bool tells_state = the_cli.command != NULL && the_cli.command->answer == BELAY_ANSWER_RUN;
    return status == BELAY_EXIT_OK && !tells_state ? BELAY_EXIT_FAILED : status;
}

int belay_cli_main(int argc, char **argv)
{
    return end_answer(run_line(argc, argv));
}
