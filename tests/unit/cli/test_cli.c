/* The frame around the commands: exit statuses and forms of the answer, each in a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "util/file.h"

static char folder[64];
static char out[64 * 1024], errors[64 * 1024];
static char *documented; /* docs/commands.md */

static int make_folder(void **state)
{
    (void)state;
    if (!belay_read_file("docs/commands.md", sizeof out, &documented, NULL, NULL))
        return 1;
    snprintf(folder, sizeof folder, "/tmp/belay_cli.XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int drop_folder(void **state)
{
    (void)state;
    free(documented);
    return !belay_remove_tree(folder, NULL);
}

static void slurp(FILE *from, char *into, size_t size)
{
    rewind(from);
    into[fread(into, 1, size - 1, from)] = '\0';
    fclose(from);
}

/* Exit status of `belay LINE` without server and environment. */
static int run(const char *line)
{
    FILE *files[2] = {tmpfile(), tmpfile()};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(files[0]), 1);
        dup2(fileno(files[1]), 2);
        unsetenv("BELAY_CONFIG");
        belay_list argv = {0};
        belay_list_add(&argv, "belay");
        belay_list_split(&argv, line, " ");
        int status = belay_cli_main((int)argv.count, argv.items);
        belay_list_done(&argv);
        fflush(NULL);
        _exit(status);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    slurp(files[0], out, sizeof out);
    slurp(files[1], errors, sizeof errors);
    return WEXITSTATUS(status);
}

static void out_has(const char *text)
{
    if (strstr(out, text) == NULL)
        fail_msg("stdout lacks \"%s\": %s", text, out);
}

static void errors_have(const char *text)
{
    if (strstr(errors, text) == NULL)
        fail_msg("stderr lacks \"%s\": %s", text, errors);
}

static void code_is(const char *code)
{
    json_t *json = json_loads(out, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "error"), "code")), code);
    json_decref(json);
}

static void test_unknown_command(void **state)
{
    (void)state;
    assert_int_equal(run("upgrad head"), 2);
    assert_string_equal(out, "");
    errors_have("there is no command \"upgrad\"");
    errors_have("upgrade");
    assert_int_equal(run("nothing --json"), 2);
    code_is("usage");
    assert_string_equal(errors, "");
    assert_int_equal(run("-q heads"), 2);
    errors_have("options stand behind the command");
    assert_int_equal(run(""), 2);
    errors_have("usage: belay <command>");
}

static void test_wrong_words(void **state)
{
    (void)state;
    assert_int_equal(run("upgrade"), 2);
    errors_have("usage: belay upgrade");
    assert_int_equal(run("upgrade a b"), 2);
    assert_int_equal(run("heads --nothing --json"), 2);
    code_is("usage");
    assert_int_equal(run("heads --json --nothing"), 2);
    code_is("usage");
    assert_int_equal(run("upgrade head --plam"), 2);
    errors_have("did you mean --plan?");
    assert_int_equal(run("recover --accept-loss --keep"), 2);
    errors_have("`belay recover --help` tells what it takes");
    assert_int_equal(run("deploy live -t dev"), 2);
    errors_have("the target is named twice: -t dev and live");
    assert_int_equal(run("doctor -t dev live --json"), 2);
    code_is("usage");
}

/* Verbs whose document has a form of its own keep it, whatever went wrong before they began. */
static void test_form_of_the_answer(void **state)
{
    (void)state;
    static const char *const runs[] = {"deploy live -t dev --json", "rehearse --nothing --json",
        "restore --json", "recover -c nowhere.ini --json"};
    for (size_t i = 0; i < BELAY_COUNT(runs); i++) {
        assert_int_equal(run(runs[i]), 2);
        BELAY_AUTO(belay_json_free) json_t *json = json_loads(out, 0, NULL);
        static const char *const keys[] = {
            "run", "target", "outcome", "from", "to", "snapshot", "twin", "kept", "stages", "error"};
        assert_int_equal(json_object_size(json), BELAY_COUNT(keys));
        for (size_t j = 0; j < BELAY_COUNT(keys); j++)
            assert_non_null(json_object_get(json, keys[j]));
        assert_string_equal(belay_json_text(json, "outcome"), "refused");
    }
    assert_int_equal(run("verify -c nowhere.ini --json"), 2);
    out_has("\"verdict\": \"refuse\",\n  \"checks\": []");
    assert_int_equal(run("preflight a b --json"), 2);
    out_has("\"verdict\": \"refuse\"");
    assert_int_equal(run("upgrade head --sql --json"), 2);
    code_is("usage");
    assert_int_equal(run("stamp head --sql --json"), 2);
    code_is("usage");
    assert_int_equal(run("current -c \xff.ini --json"), 2);
    code_is("config");
    out_has("no configuration file ?.ini");
}

static void test_configuration_is_missing(void **state)
{
    (void)state;
    assert_int_equal(run("heads -c nowhere.ini"), 2);
    errors_have("nowhere.ini");
    assert_int_equal(run("current -c nowhere.ini --json"), 2);
    code_is("config");
}

static void test_help(void **state)
{
    (void)state;
    assert_int_equal(run("help"), 0);
    out_has("  upgrade ");
    assert_int_equal(run("help upgrade"), 0);
    out_has("usage: belay upgrade");
    out_has("--target NAME");
    assert_int_equal(run("upgrade --help"), 0);
    out_has("usage: belay upgrade");
    assert_int_equal(run("help upgrad"), 2);
    assert_int_equal(run("--version"), 0);
    out_has("belay ");
}

static void test_every_command_explains_itself(void **state)
{
    (void)state;
#define X(verb) &belay_cmd_##verb,
    static const belay_command *const commands[] = {BELAY_COMMANDS(X)};
#undef X
    assert_int_equal(run("help --man"), 0);
    out_has(".TH BELAY 1");
    out_has(".SH EXIT STATUS");
    static char manual[sizeof out];
    memcpy(manual, out, sizeof out);
    for (size_t i = 0; i < BELAY_COUNT(commands); i++) {
        const belay_command *command = commands[i];
        assert_true(belay_starts_with(command->usage, command->name));
        assert_true(command->summary != NULL && command->group != NULL && command->run != NULL);
        BELAY_AUTO(belay_free) char *heading = belay_format(".SS belay %s", command->name);
        if (strstr(manual, heading) == NULL)
            fail_msg("the manual lacks %s", command->name);
        BELAY_AUTO(belay_free) char *row = belay_format("`%s", command->name);
        if (strstr(documented, row) == NULL)
            fail_msg("docs/commands.md lacks %s", command->name);
        for (const belay_option *o = command->options; o != NULL && o->kind != BELAY_OPT_LAST; o++)
            assert_true(o->help != NULL && (o->kind == BELAY_OPT_FLAG) == (o->arg == NULL));
    }
}

static void test_annotations(void **state)
{
    (void)state;
    static const char text[] = "[belay]\nnothing = 1\n";
    assert_true(belay_write_file_durably("bad.ini", text, strlen(text), 0600, NULL));
    setenv("GITHUB_ACTIONS", "true", 1);
    setenv("GITHUB_WORKSPACE", folder, 1);
    assert_int_equal(run("heads -c bad.ini"), 2);
    errors_have("::error file=bad.ini,line=2,title=belay::");
    assert_int_equal(run("heads -c bad.ini --json"), 2);
    code_is("config");
    errors_have("::error file=bad.ini,line=2,title=belay::");
    unsetenv("GITHUB_ACTIONS");
    assert_int_equal(run("heads -c bad.ini"), 2);
    assert_null(strstr(errors, "::error"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unknown_command),
        cmocka_unit_test(test_wrong_words), cmocka_unit_test(test_form_of_the_answer),
        cmocka_unit_test(test_configuration_is_missing), cmocka_unit_test(test_help),
        cmocka_unit_test(test_every_command_explains_itself), cmocka_unit_test(test_annotations)};
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
