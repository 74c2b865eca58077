/* The frame around the commands: common options, dispatch, help, the answer's form. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/help.h"
#include "pg/pg.h"
#include "report/annotation.h"
#include "util/suggest.h"

#ifndef BELAY_VERSION
#define BELAY_VERSION "0"
#endif

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

/* Rather refused than reached some other way than the file says. */
static bool check_reach(const belay_target *target, belay_error *err)
{
    const char *key = target->ssh != NULL      ? "ssh"
                      : target->host_count > 0 ? "a command on another host (*_on)"
                                               : NULL;
    if (key == NULL)
        return true;
    belay_fail(err, BELAY_E_UNSUPPORTED,
        "target %s has %s, and this version of belay reaches nothing over SSH", target->name, key);
    return belay_error_hint(err,
        "run belay on that machine, or open a tunnel yourself (ssh -L) and name its end as host and port");
}

bool belay_cli_target(belay_cli *cli, belay_error *err)
{
    belay_config_sources sources = {cli->config_path, cli->env_file};
    if (cli->config == NULL && !belay_config_load(&sources, &cli->config, err))
        return false;
    if (!belay_config_target(cli->config, cli->target_name, &cli->target, err))
        return false;
    if (!check_reach(&cli->target, err))
        return false;
    belay_direct_dialer_init(&cli->direct, &cli->target.connection);
    cli->dialer = &cli->direct.base;
    return true;
}

bool belay_cli_connect(belay_cli *cli, int profile, struct belay_pg **ret, belay_error *err)
{
    if (cli->dialer == NULL && !belay_cli_target(cli, err))
        return false;
    belay_pg_options options = {.profile = (belay_pg_profile)profile};
    return belay_pg_open(cli->dialer, &options, ret, err);
}

bool belay_cli_store(belay_cli *cli, belay_store **ret, belay_error *err)
{
    if (cli->dialer == NULL && !belay_cli_target(cli, err))
        return false;
    if (cli->target.store_url == NULL)
        return belay_fail(err, BELAY_E_CONFIG, "target %s has no store", cli->target.name);
    return belay_store_open(cli->target.store_url, ret, err);
}

int belay_cli_finish(belay_cli *cli, bool ok, json_t *json, const belay_error *err)
{
    int status = ok ? BELAY_EXIT_OK : belay_code_exit(err->code);
    if (!ok && !cli->json)
        belay_say_error(cli->reporter, err);
    else if (!ok)
        belay_say_annotation(cli->reporter, err);
    if (cli->json) {
        if (json == NULL)
            json = json_pack("{s:b}", "ok", ok);
        if (json_object_get(json, "error") == NULL)
            json_object_set_new(json, "error", ok ? json_null() : belay_error_json(err));
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    }
    json_decref(json);
    return status;
}

void belay_cli_print(const belay_cli *cli, const char *format, ...)
{
    if (cli->json)
        return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* Words against what the command takes; the first may name the target. */
static bool take_words(belay_cli *cli, const belay_command *command, belay_error *err)
{
    if (command->target_word && cli->words.count == (size_t)command->max_words + 1) {
        if (cli->target_name != NULL)
            return belay_fail(err, BELAY_E_USAGE, "the target is named twice: -t %s and %s", cli->target_name,
                cli->words.items[0]);
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

static int run_command(belay_cli *cli, const belay_command *command, int argc, char **argv)
{
    belay_error err = {0};
    bool ok = belay_options_parse(argc, argv, common_options, command->options, &cli->words, &err);
    if (ok && cli->help) {
        print_help(command);
        return BELAY_EXIT_OK;
    }
    ok = ok && take_words(cli, command, &err);
    BELAY_AUTO(belay_terminal_free)
    belay_terminal *terminal = belay_terminal_new(cli->quiet     ? BELAY_WARN
                                                  : cli->verbose ? BELAY_DEBUG
                                                                 : BELAY_INFO);
    cli->reporter = belay_terminal_reporter(terminal);
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
    for (int i = 1; i < argc; i++)
        the_cli.json = the_cli.json || belay_equal(argv[i], "--json");
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    for (size_t i = 0; i < BELAY_COUNT(commands); i++)
        belay_list_add(&names, commands[i]->name);
    const char *nearest = belay_nearest(name, &names);
    belay_fail(&err, BELAY_E_USAGE, "there is no command \"%s\"", name);
    if (name[0] == '-')
        belay_error_hint(&err, "options stand behind the command: belay <command> [options]");
    else if (nearest != NULL)
        belay_error_hint(&err, "did you mean `belay %s`? `belay help` lists all", nearest);
    BELAY_AUTO(belay_terminal_free) belay_terminal *terminal = belay_terminal_new(BELAY_INFO);
    the_cli.reporter = belay_terminal_reporter(terminal);
    int status = belay_cli_finish(&the_cli, false, NULL, &err);
    the_cli.reporter = NULL;
    return status;
}

int belay_cli_main(int argc, char **argv)
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
    belay_target_done(&the_cli.target);
    belay_config_free(the_cli.config);
    belay_list_done(&the_cli.words);
    if (fflush(stdout) != 0)
        return status == BELAY_EXIT_OK ? BELAY_EXIT_FAILED : status;
    return status;
}
