/* [user@]host[:port]: what is one, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "remote/address.h"
#include "util/str.h"

static void reads_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *user, *host;
        int port;
    } cases[] = {{"db", NULL, "db", 0}, {"me@db.example", "me", "db.example", 0},
        {"me@db:2222", "me", "db", 2222}, {"[::1]:22", NULL, "::1", 22},
        {"me@[fe80::1%eth0]", "me", "fe80::1%eth0", 0}, {"::1", NULL, "::1", 0},
        {"10.0.0.1:65535", NULL, "10.0.0.1", 65535}, {"me@corp@db", "me@corp", "db", 0},
        {"CORP\\me@db", "CORP\\me", "db", 0}, {"b\xc3\xbc.example", NULL, "b\xc3\xbc.example", 0}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        belay_error err = {0};
        BELAY_AUTO(belay_ssh_address_done) belay_ssh_address got = {0};
        if (!belay_ssh_address_parse(cases[i].text, &got, &err))
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_string_equal(got.host, cases[i].host);
        assert_int_equal(got.port, cases[i].port);
        assert_true((got.user == NULL) == (cases[i].user == NULL));
        if (got.user != NULL)
            assert_string_equal(got.user, cases[i].user);
    }
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {{"", "has no host"}, {"me@", "has no host"}, {"@db", "has no user"},
        {"-oProxyCommand=x", "dash"}, {"me@-v", "dash"}, {"-l@db", "dash"}, {"a b", "white space"},
        {"db\n", "white space or a control"}, {"d\x1b[2Jb", "d\\x1b"}, {"m e@db", "white space"},
        {"db:", "no port"}, {":22", "has no host"}, {"db:0", "no port"}, {"db:65536", "no port"},
        {"db:-1", "no port"}, {"db:+1", "no port"}, {"db:22x", "no port"}, {"[::1", "opening bracket"},
        {"[::1]22", "opening bracket"}, {"[]:22", "has no host"}, {"[::1]:", "no port"},
        {"ssh://me@db", "is a URL"}, {"db;id", "has a ;"}, {"$(id)", "has a $"}, {"`id`@db", "has a `"},
        {"me\\@db", "backslash"}, {"a,b", "has a ,"}, {"*.example", "has a *"}, {"db/x", "has a /"}};
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        belay_error err = {0};
        belay_ssh_address none = {0};
        if (belay_ssh_address_parse(cases[i].text, &none, &err))
            fail_msg("\"%s\" was taken", cases[i].text);
        assert_null(none.host);
        if (err.code != BELAY_E_CONFIG || strstr(err.message, cases[i].said) == NULL || err.hint[0] == '\0')
            fail_msg("\"%s\": %s", cases[i].text, err.message);
    }
}

static void does_not_repeat_a_password(void **state)
{
    (void)state;
    belay_error err = {0};
    belay_ssh_address none = {0};
    static const char *const texts[] = {
        "me:s3cret@db", "me:s3cret@db:22", "ssh://me:s3cret@db", ":s3cret@db"};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++) {
        assert_false(belay_ssh_address_parse(texts[i], &none, &err));
        assert_int_equal(err.code, BELAY_E_CONFIG);
        assert_null(strstr(err.message, "s3cret"));
        assert_null(strstr(err.hint, "s3cret"));
        assert_non_null(strstr(err.message, "password"));
        assert_non_null(strstr(err.hint, "ssh_password"));
    }
}

static void writes_what_ssh_takes(void **state)
{
    (void)state;
    static const char *const words[][2] = {{"bastion", "bastion"}, {"me@bastion", "me@bastion"},
        {"::1", "::1"}, {"me@bastion:2222", "ssh://me@bastion:2222"}, {"me@[::1]:22", "ssh://me@[::1]:22"}};
    for (size_t i = 0; i < BELAY_COUNT(words); i++) {
        BELAY_AUTO(belay_free) char *word = belay_ssh_address_word(words[i][0], "ssh");
        assert_string_equal(word, words[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(does_not_repeat_a_password),
        cmocka_unit_test(writes_what_ssh_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
