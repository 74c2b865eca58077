#include "cli/options.h"

#include <ctype.h>
#include <stdio.h>

#include "util/suggest.h"

/* Finds by long name (length bytes) or letter in one table. */
static const belay_option *find(const belay_option *options, const char *name, size_t length, char letter)
{
    for (; options != NULL && options->kind != BELAY_OPT_LAST; options++) {
        if (letter != 0 ? options->letter == letter
                        : strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    }
    return NULL;
}

static bool store(const belay_option *option, const char *value, belay_error *err)
{
    switch (option->kind) {
    case BELAY_OPT_FLAG:
        *(bool *)option->into = true;
        return true;
    case BELAY_OPT_TEXT:
        *(const char **)option->into = value;
        return true;
    case BELAY_OPT_LIST:
        belay_list_add(option->into, value);
        return true;
    case BELAY_OPT_INT:
        if (belay_parse_int64(value, option->into))
            return true;
        return belay_fail(err, BELAY_E_USAGE, "--%s takes a whole number, not \"%s\"", option->name, value);
    case BELAY_OPT_LAST:
        break;
    }
    return belay_fail(err, BELAY_E_INTERNAL, "option table");
}

static void add_names(belay_list *names, const belay_option *options)
{
    for (; options != NULL && options->kind != BELAY_OPT_LAST; options++)
        belay_list_add(names, options->name);
}

static bool unknown(
    const char *word, size_t length, const belay_option *common, const belay_option *own, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    add_names(&names, own);
    add_names(&names, common);
    bool is_long = word[1] == '-';
    BELAY_AUTO(belay_free) char *name = belay_strndup(word + (is_long ? 2 : 1), length);
    const char *nearest = is_long ? belay_nearest(name, &names) : NULL;
    belay_fail(err, BELAY_E_USAGE, "unknown option %s%s", is_long ? "--" : "-", name);
    return nearest == NULL ? false : belay_error_hint(err, "did you mean --%s?", nearest);
}

static const belay_option *look_up(
    const belay_option *common, const belay_option *own, const char *name, size_t length, char letter)
{
    const belay_option *option = find(own, name, length, letter);
    return option != NULL ? option : find(common, name, length, letter);
}

/* value NULL: the next word is it. */
static bool take_value(
    int argc, char **argv, int *at, const belay_option *option, const char *value, belay_error *err)
{
    if (value == NULL) {
        if (*at + 1 >= argc)
            return belay_fail(err, BELAY_E_USAGE, "--%s needs a value: %s", option->name, option->arg);
        value = argv[++*at];
    }
    return store(option, value, err);
}

static bool parse_name(
    int argc, char **argv, int *at, const belay_option *common, const belay_option *own, belay_error *err)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const belay_option *option = look_up(common, own, name, length, '\0');
    if (option == NULL)
        return unknown(argv[*at], length, common, own, err);
    if (option->kind != BELAY_OPT_FLAG)
        return take_value(argc, argv, at, option, value, err);
    if (value != NULL)
        return belay_fail(err, BELAY_E_USAGE, "--%s takes no value", option->name);
    return store(option, NULL, err);
}

/* "-v", "-vi", "-r3f2a:", "-vr 3f2a:" */
static bool parse_letters(
    int argc, char **argv, int *at, const belay_option *common, const belay_option *own, belay_error *err)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
        const belay_option *option = look_up(common, own, NULL, 0, *letter);
        if (option == NULL)
            return unknown(letter - 1, 1, common, own, err);
        if (option->kind != BELAY_OPT_FLAG)
            return take_value(argc, argv, at, option, letter[1] == '\0' ? NULL : letter + 1, err);
        if (!store(option, NULL, err))
            return false;
    }
    return true;
}

/* One option word; advances *at when the value is the next word. */
static bool parse_one(
    int argc, char **argv, int *at, const belay_option *common, const belay_option *own, belay_error *err)
{
    return (argv[*at][1] == '-' ? parse_name : parse_letters)(argc, argv, at, common, own, err);
}

bool belay_options_parse(int argc, char **argv, const belay_option *common, const belay_option *own,
    belay_list *ret_words, belay_error *err)
{
    bool only_words = false;
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        bool is_option = !only_words && word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]);
        if (is_option && belay_equal(word, "--"))
            only_words = true;
        else if (!is_option)
            belay_list_add(ret_words, word);
        else if (!parse_one(argc, argv, &at, common, own, err))
            return false;
    }
    return true;
}

void belay_options_help(const belay_option *options, belay_str *to)
{
    for (; options != NULL && options->kind != BELAY_OPT_LAST; options++) {
        char left[64];
        char letter[5] = "    ";
        if (options->letter != 0)
            snprintf(letter, sizeof letter, "-%c, ", options->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, options->name, options->arg == NULL ? "" : " ",
            options->arg == NULL ? "" : options->arg);
        belay_str_appendf(to, "  %-28s %s\n", left, options->help);
    }
}
