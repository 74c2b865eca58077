/* Where an SSH server is: as `ssh -G` says it, and without ssh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/scratch_ssh.h"

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void text_is(const char *got, const char *expected)
{
    assert_true((got == NULL) == (expected == NULL));
    if (got != NULL)
        assert_string_equal(got, expected);
}

static void list_is(const belay_list *list, const char *expected)
{
    BELAY_AUTO(belay_free) char *joined = belay_list_join(list, "|");
    assert_string_equal(joined, expected);
}

/* Real ssh, which reads the folder's file instead of the user's. */
static void use_config(const char *text)
{
    free(scratch_write("config", text, strlen(text), 0600));
    BELAY_AUTO(belay_free)
    char *program = belay_format("#!/bin/sh\nexec ssh -F '%s/config' \"$@\"\n", scratch);
    BELAY_AUTO(belay_free) char *path = scratch_program("ssh-of-test", program);
    setenv("BELAY_SSH", path, 1);
}

/* A program in the place of ssh, which leaves its arguments in the file "asked". */
static void use_answer(const char *answer, int status)
{
    BELAY_AUTO(belay_free)
    char *program = belay_format(
        "#!/bin/sh\necho \"$*\" >'%s/asked'\ncat <<'E'\n%s\nE\nexit %d\n", scratch, answer, status);
    BELAY_AUTO(belay_free) char *path = scratch_program("fake-ssh", program);
    setenv("BELAY_SSH", path, 1);
}

static void asked(const char *expected)
{
    BELAY_AUTO(belay_free) char *text = scratch_shell("cat asked");
    assert_string_equal(text, expected);
}

static belay_ssh_endpoint resolve(const char *address)
{
    belay_error err = {0};
    belay_ssh_endpoint endpoint = {0};
    BELAY_AUTO(belay_free) char *text = belay_strdup(address);
    const belay_ssh_login login = {.address = text};
    if (!belay_ssh_resolve(&login, &endpoint, &err))
        fail_msg("%s: %s (%s)", address, err.message, err.detail);
    assert_string_equal(endpoint.label, address);
    return endpoint;
}

static void refuses(const char *address, belay_code code, belay_error *err)
{
    *err = (belay_error){0};
    belay_ssh_endpoint endpoint = {0};
    BELAY_AUTO(belay_free) char *text = belay_strdup(address);
    const belay_ssh_login login = {.address = text};
    assert_false(belay_ssh_resolve(&login, &endpoint, err));
    if (err->code != code)
        fail_msg("%s: %s: %s", address, belay_code_name(err->code), err->message);
    assert_null(endpoint.host);
}

static void asks_real_ssh(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *key = scratch_path("one");
    BELAY_AUTO(belay_free)
    char *config = belay_format("Host db\n"
                                "  HostName Real.Example\n"
                                "  Port 2222\n"
                                "  User dba\n"
                                "  HostKeyAlias bank-db\n"
                                "  ProxyJump me@gate:2200,[::1]:2201\n"
                                "  IdentityFile \"%s\"\n"
                                "  IdentityFile %s/not-there\n"
                                "  IdentityFile %s/%%%%%%h_%%r\n"
                                "  IdentitiesOnly yes\n"
                                "  UserKnownHostsFile \"%s/with space/kh\" %s/%%n.kh\n"
                                "  HashKnownHosts yes\n"
                                "  RevokedHostKeys %s/revoked\n"
                                "  IdentityAgent %s/agent-%%p\n"
                                "Match host app user root\n"
                                "  Port 2300\n",
        key, scratch, scratch, scratch, scratch, scratch, scratch);
    free(scratch_write("%real.example_dba", "", 0, 0600));
    use_config(config);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint db = resolve("db");
    text_is(db.host, "real.example");
    text_is(db.user, "dba");
    assert_int_equal(db.port, 2222);
    text_is(db.key_alias, "bank-db");
    list_is(&db.jumps, "me@gate:2200|[::1]:2201");
    text_is(db.proxy_command, NULL);
    BELAY_AUTO(belay_free) char *keys = belay_format("%s|%s/%%real.example_dba", key, scratch);
    list_is(&db.identity_files, keys);
    assert_true(db.identities_only);
    assert_true(db.hash_names);
    BELAY_AUTO(belay_free)
    char *known = belay_format(
        "%s/with space/kh|%s/db.kh|/etc/ssh/ssh_known_hosts|/etc/ssh/ssh_known_hosts2", scratch, scratch);
    list_is(&db.known_hosts, known);
    BELAY_AUTO(belay_free) char *revoked = scratch_path("revoked");
    text_is(db.revoked_keys, revoked);
    BELAY_AUTO(belay_free) char *agent = scratch_path("agent-2222");
    text_is(db.agent, agent);
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(&db);
    text_is(name, "bank-db");

    /* What the address says goes first, and Match sees it. */
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint other = resolve("me@db:99");
    text_is(other.user, "me");
    assert_int_equal(other.port, 99);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint app = resolve("root@app");
    assert_int_equal(app.port, 2300);
    BELAY_AUTO(belay_free) char *app_name = belay_ssh_known_name(&app);
    text_is(app_name, "[app]:2300");
    text_is(app.agent, NULL);
    assert_false(app.identities_only);
    assert_int_equal(app.jumps.count, 0);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint six = resolve("me@[::1]:2222");
    text_is(six.host, "::1");
    assert_int_equal(six.port, 2222);
    BELAY_AUTO(belay_free) char *six_name = belay_ssh_known_name(&six);
    text_is(six_name, "[::1]:2222");
}

static void asks_real_ssh_for_nothing(void **state)
{
    (void)state;
    use_config("Host off\n  ProxyCommand none\n  IdentityAgent none\n  IdentityFile none\n"
               "  UserKnownHostsFile none\n  GlobalKnownHostsFile /dev/null\n  RevokedHostKeys none\n"
               "Host nojump\n  ProxyJump none\n"
               "Host proxied\n  HostName real\n  ProxyCommand nc -X 5 %h %p %r %n 100%%\n  IdentityAgent "
               "$MY_AGENT\n");
    setenv("SSH_AUTH_SOCK", "/run/agent", 1);
    setenv("MY_AGENT", "/run/mine", 1);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint off = resolve("off");
    text_is(off.agent, NULL);
    text_is(off.proxy_command, NULL);
    text_is(off.revoked_keys, NULL);
    assert_int_equal(off.identity_files.count, 0);
    list_is(&off.known_hosts, "/dev/null|/dev/null"); /* `trust` must not add to the system's file instead */
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint nojump = resolve("nojump");
    assert_int_equal(nojump.jumps.count, 0);
    text_is(nojump.agent, "/run/agent");
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint proxied = resolve("me@proxied:77");
    text_is(proxied.proxy_command, "nc -X 5 real 77 me proxied 100%");
    text_is(proxied.agent, "/run/mine");
    unsetenv("MY_AGENT");
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint without = resolve("proxied");
    text_is(without.agent, NULL);
    unsetenv("SSH_AUTH_SOCK");
}

/* %C is ssh's to make, whatever its version makes it of. */
static void replaces_the_tokens_of_file_names(void **state)
{
    (void)state;
    use_config("Host db\n  HostName real\n  Port 77\n  User me\n");
    BELAY_AUTO(belay_free)
    char *hash = scratch_shell("\"$BELAY_SSH\" -G -o ControlPath=/%C -- db | sed -n 's|^controlpath /||p'");
    assert_int_equal(strlen(hash), 40);
    BELAY_AUTO(belay_free) char *key = scratch_write(hash, "", 0, 0600);
    BELAY_AUTO(belay_free)
    char *config =
        belay_format("Host db\n  HostName real\n  Port 77\n  User me\n  IdentityFile %s/%%C\n", scratch);
    use_config(config);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint db = resolve("db");
    list_is(&db.identity_files, key);
    use_answer("user me\nhostname a\nport 22\nproxyjump gate,b\ncontrolpath /12ab\n"
               "userknownhostsfile /k/%j/%C/%h\nglobalknownhostsfile none",
        0);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint jumps = resolve("db");
    list_is(&jumps.known_hosts, "/k/gate,b/12ab/a");
}

static void says_what_ssh_said(void **state)
{
    (void)state;
    belay_error err;
    use_config("Hots db\n");
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.detail, "config");
    has(err.detail, "Bad configuration option: hots");
    has(err.hint, "ssh -G -- db");
    use_config("Host db\n  IdentityFile ~/%f\n  ProxyCommand none\n");
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "%f in IdentityFile");
    use_answer("user me\nhostname a\nport 22\nidentityfile /k/%C\ncontrolpath /%C", 0); /* an ssh of old */
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "%C in IdentityFile");
    unsetenv("NO_SUCH");
    use_answer("user me\nhostname a\nport 22\nidentityfile /k/${NO_SUCH}/id", 0);
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "${NO_SUCH}");
    use_answer("user me\nhostname a\nport 22\nknownhostscommand /bin/echo %H", 0);
    refuses("db", BELAY_E_UNSUPPORTED, &err);
    has(err.message, "KnownHostsCommand \"/bin/echo %H\"");
    has(err.hint, "ssh_known_hosts");
    char address[] = "db", file[] = "/elsewhere/kh";
    const belay_ssh_login login = {.address = address, .known_hosts = file};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint asked_alone = {0};
    assert_true(belay_ssh_resolve(&login, &asked_alone, &err));
    use_answer("nothing", 0);
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "does not say user, host and port");
    use_answer("user me\nhostname a\nport 99999", 0);
    refuses("db", BELAY_E_CONFIG, &err);
    use_answer("user me\nhostname -oProxyCommand=id\nport 22", 0);
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "dash");
    use_answer("user me\nhostname a;id\nport 22\nproxycommand nc %h", 0);
    refuses("db", BELAY_E_CONFIG, &err);
    setenv("BELAY_SSH", "/nonexistent/ssh", 1);
    refuses("db", BELAY_E_CONFIG, &err);
    has(err.message, "/nonexistent/ssh");
    has(err.hint, "BELAY_SSH");
}

static void gives_ssh_the_address_in_parts(void **state)
{
    (void)state;
    belay_error err;
    use_answer("host x\nuser u\nhostname h\nport 22\nidentityagent SSH_AUTH_SOCK\n"
               "proxyjump ssh://a@b:1/,c\nuserknownhostsfile \"~root/k h\" ~/a b ${HOME}/c\n"
               "identityfile ~/%u/%d/%i",
        0);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint one = resolve("me@db:2222");
    asked("-G -o ControlPath=/%C -p 2222 -l me -- db");
    list_is(&one.jumps, "a@b:1|c");
    text_is(one.agent, NULL);
    /* ~ is the home of the password database, as for ssh, not HOME. */
    BELAY_AUTO(belay_free) char *home = scratch_shell("getent passwd $(id -u) | cut -d: -f6");
    BELAY_AUTO(belay_free) char *root = scratch_shell("getent passwd root | cut -d: -f6");
    BELAY_AUTO(belay_free) char *known = belay_format("%s/k h|%s/a b|%s/c", root, home, scratch);
    list_is(&one.known_hosts, known);
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint two = resolve("[::1]");
    asked("-G -o ControlPath=/%C -- ::1");
    free(scratch_shell("rm asked"));
    static const char *const bad[] = {"-oProxyCommand=id", "me:pw@db", "a b", ""};
    for (size_t i = 0; i < BELAY_COUNT(bad); i++)
        refuses(bad[i], BELAY_E_CONFIG, &err);
    free(scratch_shell("! test -e asked"));
}

static void keys_and_files_of_the_login_go_first(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *one = scratch_path("one");
    BELAY_AUTO(belay_free) char *two = scratch_path("two");
    BELAY_AUTO(belay_free)
    char *answer = belay_format(
        "user u\nhostname h\nport 22\nidentityfile %s\nidentityfile %s\nuserknownhostsfile /x", two, one);
    use_answer(answer, 0);
    char address[] = "db", known[] = "/elsewhere/kh", missing[] = "/nonexistent/key";
    belay_ssh_login login = {.address = address, .key = one, .known_hosts = known};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = {0};
    assert_true(belay_ssh_resolve(&login, &endpoint, &err));
    BELAY_AUTO(belay_free) char *expected = belay_format("%s|%s", one, two);
    list_is(&endpoint.identity_files, expected);
    list_is(&endpoint.known_hosts, "/elsewhere/kh");
    login.key = missing;
    belay_ssh_endpoint none = {0};
    assert_false(belay_ssh_resolve(&login, &none, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    has(err.message, "/nonexistent/key");
    has(err.hint, "ssh_key");
}

static void takes_the_address_as_it_is_without_ssh(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *me = scratch_shell("id -un");
    BELAY_AUTO(belay_free) char *path = belay_strdup(getenv("PATH"));
    BELAY_AUTO(belay_free)
    char *known = belay_format("%s/.ssh/known_hosts|%s/.ssh/known_hosts2|/etc/ssh/ssh_known_hosts|"
                               "/etc/ssh/ssh_known_hosts2",
        scratch, scratch);
    BELAY_AUTO(belay_free) char *keys = belay_format("%s/.ssh/id_ed25519", scratch);
    free(scratch_shell("mkdir -p .ssh && cp one .ssh/id_ed25519 && cp four .ssh/id_rsa"));
    for (int way = 0; way < 2; way++) {
        if (way == 0) {
            setenv("BELAY_SSH", "", 1);
        } else {
            unsetenv("BELAY_SSH");
            setenv("PATH", scratch, 1);
        }
        setenv("SSH_AUTH_SOCK", "/run/agent", 1);
        BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint plain = resolve("DB.example");
        text_is(plain.host, "DB.example");
        text_is(plain.user, me);
        assert_int_equal(plain.port, 22);
        list_is(&plain.known_hosts, known);
        list_is(&plain.identity_files, keys);
        text_is(plain.agent, "/run/agent");
        BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(&plain);
        text_is(name, "db.example");
        unsetenv("SSH_AUTH_SOCK");
        BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint six = resolve("me@[FE80::1]:2222");
        text_is(six.user, "me");
        assert_int_equal(six.port, 2222);
        text_is(six.agent, NULL);
        BELAY_AUTO(belay_free) char *six_name = belay_ssh_known_name(&six);
        text_is(six_name, "[fe80::1]:2222");
        setenv("PATH", path, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_real_ssh),
        cmocka_unit_test(asks_real_ssh_for_nothing),
        cmocka_unit_test(replaces_the_tokens_of_file_names),
        cmocka_unit_test(says_what_ssh_said),
        cmocka_unit_test(gives_ssh_the_address_in_parts),
        cmocka_unit_test(keys_and_files_of_the_login_go_first),
        cmocka_unit_test(takes_the_address_as_it_is_without_ssh),
    };
    return cmocka_run_group_tests(tests, scratch_ssh_set_up, scratch_ssh_tear_down);
}
