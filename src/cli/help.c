#include "cli/help.h"

#define WHAT_IT_IS "moves a PostgreSQL database from one schema revision to the next, or puts it back"

void belay_help_overview(const belay_help *help, belay_str *to)
{
    const char *group = "";
    belay_str_append(to, "belay " BELAY_VERSION ": " WHAT_IT_IS ".\n\nusage: belay <command> [options]\n");
    for (size_t i = 0; i < help->count; i++) {
        const belay_command *command = help->commands[i];
        if (!belay_equal(group, command->group))
            belay_str_appendf(to, "\n%s\n", command->group);
        group = command->group;
        belay_str_appendf(to, "  %-12s %s\n", command->name, command->summary);
    }
    belay_str_append(to,
        "\n`belay <command> --help` tells its options and what it does; `belay help --man` prints the "
        "manual page.\n");
}

void belay_help_command(const belay_help *help, const belay_command *command, belay_str *to)
{
    belay_str_appendf(to, "usage: belay %s\n\n%s\n", command->usage, command->summary);
    if (command->details != NULL)
        belay_str_appendf(to, "\n%s\n", command->details);
    if (command->options != NULL) {
        belay_str_append(to, "\noptions:\n");
        belay_options_help(command->options, to);
    }
    belay_str_append(to, "\ncommon options:\n");
    belay_options_help(help->common, to);
}

static const struct {
    int status;
    const char *meaning;
} statuses[] = {
    {BELAY_EXIT_OK, "done; nothing to do"},
    {BELAY_EXIT_FAILED,
        "failed; the database is untouched (upgrade, downgrade: earlier revisions of the call may "
        "stand, and are named)"},
    {BELAY_EXIT_USAGE, "usage or configuration error; nothing was tried"},
    {BELAY_EXIT_REFUSED, "pre-flight or policy refused; nothing was changed"},
    {BELAY_EXIT_RESTORED,
        "migration failed; the database was restored, or downgraded by policy, and stamped"},
    {BELAY_EXIT_ATTENTION, "needs belay recover or a person: the message says what to type"},
    {BELAY_EXIT_LOCKED, "another run holds the target"},
    {BELAY_EXIT_NO, "check, current --check-heads, verify: the answer is no"},
};

static const char *const environment[][2] = {
    {"BELAY_CONFIG", "configuration file, when -c is not given"},
    {"BELAY_ENVIRONMENT", "environment of the target env, which POSTGRES_* make when there is no belay.ini"},
    {"BELAY_PG_DUMP", "the pg_dump to use"},
    {"BELAY_PG_BIN",
        "folder of the server programs (initdb, postgres) for private servers of rehearsals, where "
        "they are not in a distribution's usual place"},
    {"POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB",
        "connection, where the target leaves it open; then libpq's PG* variables"},
    {"NO_COLOR", "no colours"},
    {"TERM", "when it is dumb or not set, no colours and plain lines of progress"},
    {"GITHUB_ACTIONS", "when it is true, errors become annotations too"},
};

/* Text in which roff finds nothing to obey. */
static void add_escaped(belay_str *to, const char *text)
{
    bool at_start = true;
    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            belay_str_append(to, "\\&");
        if (*text == '\\')
            belay_str_append(to, "\\e");
        else if (*text == '-')
            belay_str_append(to, "\\-");
        else
            belay_str_append_char(to, *text);
        at_start = *text == '\n';
    }
}

static void add_line(belay_str *to, const char *macro, const char *text)
{
    belay_str_append(to, macro);
    add_escaped(to, text);
    belay_str_append_char(to, '\n');
}

static void add_options(belay_str *to, const belay_option *options)
{
    for (; options != NULL && options->kind != BELAY_OPT_LAST; options++) {
        BELAY_AUTO(belay_free)
        char *letter = options->letter == 0 ? belay_strdup("") : belay_format("-%c, ", options->letter);
        BELAY_AUTO(belay_free)
        char *left = belay_format("%s--%s%s%s", letter, options->name, options->arg == NULL ? "" : " ",
            options->arg == NULL ? "" : options->arg);
        belay_str_append(to, ".TP\n");
        add_line(to, ".B ", left);
        add_line(to, "", options->help);
    }
}

static void add_command(belay_str *to, const belay_command *command)
{
    BELAY_AUTO(belay_free) char *usage = belay_format("belay %s", command->usage);
    add_line(to, ".SS ", usage);
    add_line(to, "", command->summary);
    if (command->details != NULL) {
        belay_str_append(to, ".PP\n.nf\n");
        add_line(to, "", command->details);
        belay_str_append(to, ".fi\n");
    }
    add_options(to, command->options);
}

static void add_tables(belay_str *to)
{
    belay_str_append(to, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < BELAY_COUNT(statuses); i++) {
        belay_str_appendf(to, ".TP\n.B %d\n", statuses[i].status);
        add_line(to, "", statuses[i].meaning);
    }
    belay_str_append(to, ".SH ENVIRONMENT\n");
    for (size_t i = 0; i < BELAY_COUNT(environment); i++) {
        belay_str_append(to, ".TP\n");
        add_line(to, ".B ", environment[i][0]);
        add_line(to, "", environment[i][1]);
    }
}

void belay_help_man(const belay_help *help, belay_str *to)
{
    const char *group = "";
    belay_str_append(
        to, ".TH BELAY 1 \"\" \"belay " BELAY_VERSION "\" \"User Commands\"\n.SH NAME\nbelay \\- ");
    add_line(to, "", WHAT_IT_IS);
    belay_str_append(to, ".SH SYNOPSIS\n.B belay\n.I command\n[options]\n.SH DESCRIPTION\n");
    add_line(to, "", "The answer goes to stdout, the story to stderr.");
    for (size_t i = 0; i < help->count; i++) {
        if (!belay_equal(group, help->commands[i]->group))
            add_line(to, ".SH ", help->commands[i]->group);
        group = help->commands[i]->group;
        add_command(to, help->commands[i]);
    }
    belay_str_append(to, ".SH COMMON OPTIONS\n");
    add_options(to, help->common);
    add_tables(to);
}
