/* Options as they are typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/options.h"

static struct {
    bool plan, quiet;
    const char *to;
    belay_list heads;
    long long jobs;
} o;

static const belay_option own[] = {{"plan", 'p', NULL, "show the steps", BELAY_OPT_FLAG, &o.plan},
    {"to", 0, "REV", "revision to go to", BELAY_OPT_TEXT, &o.to},
    {"head", 'H', "REV", "a head", BELAY_OPT_LIST, &o.heads},
    {"jobs", 'j', "N", "how many", BELAY_OPT_INT, &o.jobs}, BELAY_OPT_END};
static const belay_option common[] = {
    {"quiet", 'q', NULL, "say less", BELAY_OPT_FLAG, &o.quiet}, BELAY_OPT_END};

static belay_list words;
static belay_error err;

/* Words separated by blanks. */
static bool parse(const char *line)
{
    static belay_list argv;
    belay_list_done(&argv);
    belay_list_done(&words);
    belay_list_done(&o.heads);
    memset(&o, 0, sizeof o);
    err = (belay_error){0};
    belay_list_split(&argv, line, " ");
    return belay_options_parse((int)argv.count, argv.items, common, own, &words, &err);
}

static void refused(const char *line, const char *message)
{
    assert_false(parse(line));
    assert_int_equal(err.code, BELAY_E_USAGE);
    assert_string_equal(err.message, message);
}

static void test_forms(void **state)
{
    (void)state;
    assert_true(parse("a --plan --to=x=y -H one b -Htwo --head three -j 4 -q"));
    assert_true(o.plan);
    assert_true(o.quiet);
    assert_string_equal(o.to, "x=y");
    assert_int_equal(o.heads.count, 3);
    assert_string_equal(o.heads.items[1], "two");
    assert_int_equal(o.jobs, 4);
    assert_int_equal(words.count, 2);
    assert_string_equal(words.items[1], "b");
    assert_true(parse("-qp -qHone -pj 4"));
    assert_true(o.plan && o.quiet);
    assert_string_equal(o.heads.items[0], "one");
    assert_int_equal(o.jobs, 4);
    assert_true(parse("--to="));
    assert_string_equal(o.to, "");
}

static void test_words_that_look_like_options(void **state)
{
    (void)state;
    assert_true(parse("-1 -"));
    assert_int_equal(words.count, 2);
    assert_true(parse("-- --plan -q"));
    assert_false(o.plan);
    assert_int_equal(words.count, 2);
    assert_true(parse("--to -1"));
    assert_string_equal(o.to, "-1");
}

static void test_refusals(void **state)
{
    (void)state;
    refused("--nothing", "unknown option --nothing");
    refused("--pla", "unknown option --pla");
    refused("-x", "unknown option -x");
    refused("-qx", "unknown option -x");
    refused("--plan=yes", "--plan takes no value");
    refused("a --to", "--to needs a value: REV");
    refused("-j", "--jobs needs a value: N");
    refused("--jobs two", "--jobs takes a whole number, not \"two\"");
}

static void test_help(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_options_help(own, &text);
    assert_non_null(strstr(belay_str_text(&text), "  -p, --plan                   show the steps\n"));
    assert_non_null(strstr(belay_str_text(&text), "      --to REV                 revision to go to\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms),
        cmocka_unit_test(test_words_that_look_like_options), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_help)};
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    parse("");
    return status;
}
