/* Files of known hosts, as real ssh-keygen writes and reads them, and without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/scratch_ssh.h"

/* "type:line" of each key that is found, "!" in front of revoked ones and "~" in front of those of the host
 * without its port. */
static void finds_at(const char *host, int port, const char *alias, const char *expected)
{
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint(host, port);
    BELAY_AUTO(belay_known_keys_done) belay_known_keys keys = {0};
    endpoint.key_alias = alias == NULL ? NULL : belay_strdup(alias);
    if (!belay_known_keys_find(&endpoint, &keys, &err))
        fail_msg("%s: %s (%s)", host, err.message, err.detail);
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    for (size_t i = 0; i < keys.count; i++) {
        const char *place = keys.items[i].place;
        assert_true(belay_starts_with(place, endpoint.known_hosts.items[0]));
        belay_str_appendf(&text, "%s%s%s%s%s", i == 0 ? "" : " ", keys.items[i].revoked ? "!" : "",
            keys.items[i].without_port ? "~" : "", keys.items[i].type, strrchr(place, ':'));
    }
    assert_string_equal(belay_str_text(&text), expected);
}

static void finds(const char *host, int port, const char *expected)
{
    finds_at(host, port, NULL, expected);
}

static void refuses(const char *host, belay_code code, const char *said, const char *hint)
{
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint(host, 22);
    belay_known_keys keys = {0};
    assert_false(belay_known_keys_find(&endpoint, &keys, &err));
    if (err.code != code || strstr(err.message, said) == NULL || strstr(err.hint, hint) == NULL)
        fail_msg("%s: %s [%s]", belay_code_name(err.code), err.message, err.hint);
    assert_int_equal(keys.count, 0);
}

static void with_keygen(bool use)
{
    if (use)
        unsetenv("BELAY_SSH_KEYGEN");
    else
        setenv("BELAY_SSH_KEYGEN", "", 1);
}

static void finds_plain_names_either_way(void **state)
{
    (void)state;
    scratch_known_hosts("# a comment\n"
                        "\n"
                        "db.example %1 backup@db # the old one\n"
                        "  lead.example,DB.Example\t%3\r\n"
                        "[db.example]:2222 %4\n"
                        "[::1]:2222,::1 %1 two names\n"
                        "@cert-authority db.example %2 a CA\n"
                        "@revoked db.example %2\n"
                        "db.example ssh-rsa AAAA!\n"
                        "db.example ssh-rsa AAAAC3NzaC1lZDI1NTE5\n"
                        "10.0.0.1 %1"); /* no newline */
    for (int way = 0; way < 2; way++) {
        with_keygen(way == 0);
        finds("db.example", 22, "ssh-ed25519:3 ecdsa-sha2-nistp256:4 !ssh-ed25519:8");
        finds("DB.EXAMPLE", 22, "ssh-ed25519:3 ecdsa-sha2-nistp256:4 !ssh-ed25519:8");
        finds("db.example", 2222, "ssh-rsa:5 ~ssh-ed25519:3 ~ecdsa-sha2-nistp256:4 !~ssh-ed25519:8");
        finds("lead.example", 22, "ecdsa-sha2-nistp256:4");
        finds("::1", 22, "ssh-ed25519:6");
        finds("::1", 2222, "ssh-ed25519:6 ~ssh-ed25519:6");
        finds("10.0.0.1", 22, "ssh-ed25519:11");
        finds("b.example", 22, "");
        finds_at("elsewhere", 2222, "db.example", "ssh-ed25519:3 ecdsa-sha2-nistp256:4 !ssh-ed25519:8");
    }
}

static void finds_patterns_with_ssh_keygen(void **state)
{
    (void)state;
    with_keygen(true);
    scratch_known_hosts("*.example,!bad.example %1\n"
                        "host?.test %3\n"
                        "@revoked * %2 stolen\n"
                        "[*.example]:2200 %4\n"
                        "@cert-authority *.example %4\n");
    finds("db.example", 22, "ssh-ed25519:1 !ssh-ed25519:3");
    finds("bad.example", 22, "!ssh-ed25519:3");
    finds("host1.test", 22, "ecdsa-sha2-nistp256:2 !ssh-ed25519:3");
    finds("host12.test", 22, "!ssh-ed25519:3");
    finds("x.example", 2200, "!ssh-ed25519:3 ssh-rsa:4 ~ssh-ed25519:1 !~ssh-ed25519:3");
}

static void finds_hashed_names_with_ssh_keygen(void **state)
{
    (void)state;
    with_keygen(true);
    scratch_known_hosts("db.example %1\n[db.example]:2222 %3\n::1 %4\nother.example %2\n");
    free(scratch_shell("ssh-keygen -q -H -f known_hosts 2>/dev/null && ! grep -q example known_hosts"));
    finds("db.example", 22, "ssh-ed25519:1");
    finds("Db.Example", 22, "ssh-ed25519:1");
    finds("db.example", 2222, "ecdsa-sha2-nistp256:2 ~ssh-ed25519:1");
    finds("::1", 22, "ssh-rsa:3");
    finds("b.example", 22, "");
    with_keygen(false);
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:1: a hashed name", "openssh-client");
}

static void refuses_without_ssh_keygen_what_it_cannot_read(void **state)
{
    (void)state;
    with_keygen(false);
    scratch_known_hosts("db.example %1\n*.example %3\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:2: a pattern", "ssh_known_hosts");
    scratch_known_hosts("db.example %1\n@revoked * %3\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:2: a pattern", "openssh-client");
    scratch_known_hosts("!bad,db.example %1\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:1: a pattern", "");
    scratch_known_hosts("@sometime db.example %1\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:1: a marker", "");
    scratch_known_hosts("db.example ssh-ed25519\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:1: a line that is not", "");
    free(scratch_write("known_hosts", "a b c\n\ndb\0.example", 17, 0600));
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:3: a line with a NUL", "");
    BELAY_AUTO(belay_free) char *path = belay_strdup(getenv("PATH"));
    unsetenv("BELAY_SSH_KEYGEN");
    setenv("PATH", scratch, 1);
    scratch_known_hosts("x,db.example %1\n");
    finds("db.example", 22, "ssh-ed25519:1");
    scratch_known_hosts("*.example %1\n");
    refuses("db.example", BELAY_E_UNSUPPORTED, "known_hosts:1: a pattern", "openssh-client");
    setenv("PATH", path, 1);
}

static void reads_ugly_files(void **state)
{
    (void)state;
    with_keygen(true);
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    for (int i = 0; i < 300000; i++)
        belay_str_append(&text, "overlong,");
    belay_str_append(&text, " ssh-rsa AAAA\n\1\2\377 \x80\n");
    belay_str_append_n(&text, "a\0b\n", 4);
    belay_str_appendf(&text, "db.example %s", ed25519);
    free(scratch_write("known_hosts", text.data, text.length, 0600));
    finds("db.example", 22, "ssh-ed25519:4");
    finds("overlong", 22, "");
    scratch_known_hosts("");
    finds("db.example", 22, "");
    BELAY_AUTO(belay_free) char *path = scratch_path("known_hosts");
    assert_int_equal(unlink(path), 0);
    finds("db.example", 22, "");
    assert_int_equal(mkdir(path, 0700), 0);
    refuses("db.example", BELAY_E_CONFIG, "is not a file", "UserKnownHostsFile");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    finds("db.example", 22, "");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("known_hosts", path), 0); /* to itself */
    refuses("db.example", BELAY_E_IO, "cannot read the file of known hosts", "revoked");
    assert_int_equal(unlink(path), 0);
}

static void searches_all_files(void **state)
{
    (void)state;
    with_keygen(true);
    scratch_known_hosts("db.example %1\n");
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    BELAY_AUTO(belay_free) char *line = belay_format("@revoked * %s", ecdsa);
    belay_list_add_owned(&endpoint.known_hosts, scratch_path("missing"));
    belay_list_add_owned(&endpoint.known_hosts, scratch_write("a b $c", line, strlen(line), 0600));
    BELAY_AUTO(belay_known_keys_done) belay_known_keys keys = {0};
    assert_true(belay_known_keys_find(&endpoint, &keys, &err));
    assert_int_equal(keys.count, 2);
    assert_true(keys.items[1].revoked);
    assert_true(belay_ends_with(keys.items[1].place, "/a b $c:1"));
}

static void says_what_is_wrong_with_ssh_keygen(void **state)
{
    (void)state;
    scratch_known_hosts("db.example %1\n");
    setenv("BELAY_SSH_KEYGEN", "/nonexistent/ssh-keygen", 1);
    refuses("db.example", BELAY_E_CONFIG, "/nonexistent/ssh-keygen", "BELAY_SSH_KEYGEN");
    BELAY_AUTO(belay_free) char *broken = scratch_program("broken", "#!/bin/sh\necho no way >&2\nexit 255\n");
    setenv("BELAY_SSH_KEYGEN", broken, 1);
    refuses(
        "db.example", BELAY_E_CONFIG, "cannot search the file of known hosts", "ssh-keygen -F 'db.example'");
    BELAY_AUTO(belay_free)
    char *mad = scratch_program("mad",
        "#!/bin/sh\nprintf '# Host x found: line 99999999999999999999999\\n# Host\\n@ @ @\\n@revoked a b\\n"
        "a ssh-rsa AAAAB3NzaC1yc2E=\\n\\n'\n");
    setenv("BELAY_SSH_KEYGEN", mad, 1);
    finds("db.example", 22, "ssh-rsa:18446744073709551615");
    with_keygen(true);
}

static void knows_blobs(void **state)
{
    (void)state;
    size_t size = 0;
    BELAY_AUTO(belay_free) unsigned char *blob = belay_key_blob_decode(strchr(ed25519, ' ') + 1, &size);
    assert_non_null(blob);
    assert_int_equal(size, 51);
    assert_true(belay_span_equals(belay_key_blob_type(blob, size), "ssh-ed25519"));
    BELAY_AUTO(belay_free) char *again = belay_key_blob_encode(blob, size);
    assert_string_equal(again, strchr(ed25519, ' ') + 1);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(belay_key_blob_type(blob, i).length, 0);
    assert_int_equal(belay_key_blob_type("\0\0\0\7ssh rsa", 11).length, 0);
    assert_int_equal(belay_key_blob_type("\377\377\377\377aaaa", 8).length, 0);
    static const char *const bad[] = {
        "", "A", "AAA", "AAAAA", "AAA=AAAA", "AAAA\n", " AAA", "AAB=", "AB==", "===="};
    for (size_t i = 0; i < BELAY_COUNT(bad); i++) {
        BELAY_AUTO(belay_free) unsigned char *none = belay_key_blob_decode(bad[i], &size);
        if (none != NULL)
            fail_msg("\"%s\" was decoded", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_plain_names_either_way),
        cmocka_unit_test(finds_patterns_with_ssh_keygen),
        cmocka_unit_test(finds_hashed_names_with_ssh_keygen),
        cmocka_unit_test(refuses_without_ssh_keygen_what_it_cannot_read),
        cmocka_unit_test(reads_ugly_files),
        cmocka_unit_test(searches_all_files),
        cmocka_unit_test(says_what_is_wrong_with_ssh_keygen),
        cmocka_unit_test(knows_blobs),
    };
    return cmocka_run_group_tests(tests, scratch_ssh_set_up, scratch_ssh_tear_down);
}
