/* The key that a server shows: known, unknown, changed, revoked; and recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/scratch_ssh.h"

/* "type base64" as it comes from a server. */
typedef struct shown {
    unsigned char *blob;
    size_t size;
    char fingerprint[BELAY_FINGERPRINT_SIZE];
} shown;

static shown show(const char *key)
{
    shown one = {0};
    one.blob = belay_key_blob_decode(strchr(key, ' ') + 1, &one.size);
    assert_non_null(one.blob);
    belay_host_key_fingerprint(one.blob, one.size, one.fingerprint);
    return one;
}

static belay_host_key_verdict judge(const belay_ssh_endpoint *endpoint, const char *key, belay_error *err)
{
    *err = (belay_error){0};
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    assert_true(belay_known_keys_find(endpoint, &known, err));
    shown one = show(key);
    const belay_known_key *found = NULL;
    belay_host_key_verdict verdict = belay_host_key_judge(endpoint, &known, one.blob, one.size, &found, err);
    assert_true((found != NULL) == (verdict == BELAY_HOST_KEY_KNOWN));
    assert_int_equal(
        belay_host_key_check(endpoint, &known, one.blob, one.size, NULL), verdict == BELAY_HOST_KEY_KNOWN);
    if (verdict != BELAY_HOST_KEY_KNOWN) {
        assert_int_equal(err->code, BELAY_E_HOST_KEY);
        if (strstr(err->message, one.fingerprint) == NULL || strstr(err->message, endpoint->label) == NULL)
            fail_msg("fingerprint or address is missing: %s", err->message);
    }
    free(one.blob);
    return verdict;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void fingerprints_are_those_of_ssh_keygen(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "three", "four"};
    const char *const keys[] = {ed25519, ecdsa, rsa};
    for (size_t i = 0; i < BELAY_COUNT(names); i++) {
        BELAY_AUTO(belay_free)
        char *command = belay_format("ssh-keygen -lf %s.pub | cut -d' ' -f2", names[i]);
        BELAY_AUTO(belay_free) char *expected = scratch_shell(command);
        shown one = show(keys[i]);
        char type[BELAY_FINGERPRINT_SIZE];
        assert_string_equal(one.fingerprint, expected);
        belay_host_key_type(one.blob, one.size, type);
        assert_true(belay_starts_with(keys[i], type));
        assert_int_equal(keys[i][strlen(type)], ' ');
        belay_host_key_type(one.blob, 3, type);
        assert_string_equal(type, "");
        free(one.blob);
    }
}

static void judges_what_is_known(void **state)
{
    (void)state;
    belay_error err;
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    scratch_known_hosts("db.example %4\ndb.example %1\nother %2\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_KNOWN);
    assert_int_equal(judge(&endpoint, rsa, &err), BELAY_HOST_KEY_KNOWN);

    assert_int_equal(judge(&endpoint, other_ed25519, &err), BELAY_HOST_KEY_REFUSED);
    shown one = show(ed25519);
    has(err.message, "HAS CHANGED");
    has(err.message, one.fingerprint);
    free(one.blob);
    has(err.message, "known_hosts:2)"); /* the one of that type */
    has(err.detail, "known_hosts:1: ssh-rsa SHA256:");
    has(err.hint, "all the lines above");
    has(err.hint, "belay targets trust TARGET");

    /* Another type is another key, as ssh has it. */
    assert_int_equal(judge(&endpoint, ecdsa, &err), BELAY_HOST_KEY_REFUSED);
    has(err.message, "shows ecdsa-sha2-nistp256 SHA256:");
    has(err.message, "known is ssh-rsa SHA256:");

    scratch_known_hosts("# one\ndb.example %4\n@revoked db.example %2\n");
    assert_int_equal(judge(&endpoint, ecdsa, &err), BELAY_HOST_KEY_REFUSED);
    has(err.hint, "known_hosts:2)");

    scratch_known_hosts("other %1\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_UNKNOWN);
    has(err.message, "is not known");
    has(err.message, "no key of db.example is in /tmp/");
    has(err.hint, "/etc/ssh/ssh_host_ed25519_key.pub");
    has(err.hint, "belay targets trust TARGET");
    endpoint.target = belay_strdup("live");
    scratch_known_hosts("@cert-authority db.example %2\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_UNKNOWN);
    has(err.hint, "known_hosts:1 names a certificate authority");
    has(err.hint, "libssh2 cannot check host certificates");
    has(err.hint, "belay targets trust live");
}

static void judges_revoked_keys(void **state)
{
    (void)state;
    belay_error err;
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    scratch_known_hosts("db.example %1\n@revoked * %1\n@revoked other %3\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_REFUSED);
    has(err.message, "known_hosts:2 says is revoked");
    has(err.hint, "do not connect");
    assert_null(strstr(err.hint, "trust"));
    /* Alone it says nothing of other keys. */
    scratch_known_hosts("@revoked * %1\n");
    assert_int_equal(judge(&endpoint, other_ed25519, &err), BELAY_HOST_KEY_UNKNOWN);
    has(err.detail, "(revoked)");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_REFUSED);
}

static void takes_the_key_of_the_host_without_the_port(void **state)
{
    (void)state;
    belay_error err;
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 2222);
    scratch_known_hosts("db.example %1\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_KNOWN);
    assert_int_equal(judge(&endpoint, other_ed25519, &err), BELAY_HOST_KEY_UNKNOWN);
    has(err.message, "no key of [db.example]:2222 is in");
    has(err.detail, "without the port");
    /* Where the port has keys of its own they count alone. */
    scratch_known_hosts("db.example %1\n[db.example]:2222 %2\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_REFUSED);
    has(err.message, "HAS CHANGED");
    assert_int_equal(judge(&endpoint, other_ed25519, &err), BELAY_HOST_KEY_KNOWN);
    scratch_known_hosts("@revoked db.example %1\n[db.example]:2222 %1\n");
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_REFUSED);
    has(err.message, "revoked");
}

static void minds_the_file_of_revoked_keys(void **state)
{
    (void)state;
    belay_error err;
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    scratch_known_hosts("db.example %1\ndb.example %2\n");
    free(scratch_shell("cp one.pub revoked && ssh-keygen -q -k -f revoked.krl one.pub && "
                       "head -c 40 revoked.krl > broken.krl"));
    static const char *const files[] = {"revoked", "revoked.krl"};
    for (size_t i = 0; i < BELAY_COUNT(files); i++) {
        free(endpoint.revoked_keys);
        endpoint.revoked_keys = scratch_path(files[i]);
        assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_REFUSED);
        has(err.message, endpoint.revoked_keys);
        has(err.message, "revoked");
        assert_int_equal(judge(&endpoint, other_ed25519, &err), BELAY_HOST_KEY_KNOWN);
    }
    shown one = show(other_ed25519);
    BELAY_AUTO(belay_known_keys_done) belay_known_keys known = {0};
    assert_true(belay_known_keys_find(&endpoint, &known, &err));
    setenv("BELAY_SSH_KEYGEN", "", 1);
    assert_false(belay_host_key_check(&endpoint, &known, one.blob, one.size, &err));
    assert_int_equal(err.code, BELAY_E_UNSUPPORTED);
    unsetenv("BELAY_SSH_KEYGEN");
    free(endpoint.revoked_keys);
    endpoint.revoked_keys = scratch_path("broken.krl");
    assert_false(belay_host_key_check(&endpoint, &known, one.blob, one.size, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    free(endpoint.revoked_keys);
    endpoint.revoked_keys = scratch_path("no such file");
    assert_false(belay_host_key_check(&endpoint, &known, one.blob, one.size, &err));
    has(err.hint, "RevokedHostKeys");
    free(one.blob);
}

static void refuses_what_is_no_key(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    const belay_known_keys none = {0};
    assert_int_equal(belay_host_key_judge(&endpoint, &none, "\0\0\0", 3, NULL, &err), BELAY_HOST_KEY_REFUSED);
    assert_int_equal(err.code, BELAY_E_HOST_KEY);
    assert_false(belay_host_key_trust(&endpoint, "\0\0\0", 3, &err));
}

static char *content(const belay_ssh_endpoint *endpoint)
{
    char *text = NULL;
    assert_true(belay_read_file(endpoint->known_hosts.items[0], 65536, &text, NULL, NULL));
    return text;
}

static void records_keys(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("DB.example", 2222);
    free(endpoint.known_hosts.items[0]);
    endpoint.known_hosts.items[0] = scratch_path("new/folder/known_hosts");
    shown one = show(ed25519), other = show(other_ed25519);
    assert_true(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    struct stat st;
    assert_int_equal(stat(endpoint.known_hosts.items[0], &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    BELAY_AUTO(belay_free) char *folder = scratch_path("new/folder");
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    BELAY_AUTO(belay_free) char *text = content(&endpoint);
    BELAY_AUTO(belay_free) char *expected = belay_format("[db.example]:2222 %s\n", ed25519);
    assert_string_equal(text, expected);
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_KNOWN);

    /* Once more changes nothing; another key is refused. */
    assert_true(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    assert_false(belay_host_key_trust(&endpoint, other.blob, other.size, &err));
    has(err.message, "HAS CHANGED");
    BELAY_AUTO(belay_free) char *after = content(&endpoint);
    assert_string_equal(after, expected);
    free(one.blob);
    free(other.blob);
}

static void records_behind_a_line_without_its_end(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("::1", 22);
    scratch_known_hosts("other %3");
    BELAY_AUTO(belay_free) char *target = scratch_path("kept elsewhere");
    assert_int_equal(rename(endpoint.known_hosts.items[0], target), 0);
    assert_int_equal(symlink("kept elsewhere", endpoint.known_hosts.items[0]), 0);
    assert_int_equal(chmod(target, 0644), 0);
    shown one = show(ed25519);
    assert_true(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    BELAY_AUTO(belay_free) char *text = content(&endpoint);
    BELAY_AUTO(belay_free) char *expected = belay_format("other %s\n::1 %s\n", ecdsa, ed25519);
    assert_string_equal(text, expected);
    struct stat st; /* the link is still one, the mode is the user's */
    assert_int_equal(lstat(endpoint.known_hosts.items[0], &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(unlink(endpoint.known_hosts.items[0]), 0);
    free(one.blob);
}

static void records_hashed_names_that_ssh_keygen_finds(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 2222);
    endpoint.hash_names = true;
    scratch_known_hosts("");
    shown one = show(ed25519);
    assert_true(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    BELAY_AUTO(belay_free) char *text = content(&endpoint);
    assert_true(belay_starts_with(text, "|1|"));
    BELAY_AUTO(belay_free) char *found = scratch_shell("ssh-keygen -F '[db.example]:2222' -f known_hosts");
    has(found, ed25519);
    assert_int_equal(judge(&endpoint, ed25519, &err), BELAY_HOST_KEY_KNOWN);
    free(one.blob);
}

static void does_not_record_where_nothing_is_kept(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_ssh_endpoint_done) belay_ssh_endpoint endpoint = scratch_endpoint("db.example", 22);
    free(endpoint.known_hosts.items[0]);
    endpoint.known_hosts.items[0] = belay_strdup("/dev/null");
    shown one = show(ed25519);
    assert_false(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    has(err.message, "not recorded");
    has(err.hint, "ssh_known_hosts");
    scratch_known_hosts("");
    free(endpoint.known_hosts.items[0]);
    endpoint.known_hosts.items[0] = scratch_path("known_hosts");
    static const char *const aliases[] = {"a b", "*", "a,b", "@revoked", "|1|x", "#"};
    for (size_t i = 0; i < BELAY_COUNT(aliases); i++) {
        free(endpoint.key_alias);
        endpoint.key_alias = belay_strdup(aliases[i]);
        assert_false(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
        has(err.hint, "HostKeyAlias");
        BELAY_AUTO(belay_free) char *text = content(&endpoint);
        assert_string_equal(text, "");
    }
    free(endpoint.key_alias);
    endpoint.key_alias = NULL;
    free(endpoint.known_hosts.items[0]);
    endpoint.known_hosts.items[0] = belay_strdup("/proc/known_hosts");
    assert_false(belay_host_key_trust(&endpoint, one.blob, one.size, &err));
    has(err.message, "/proc/known_hosts");
    free(one.blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_are_those_of_ssh_keygen),
        cmocka_unit_test(judges_what_is_known),
        cmocka_unit_test(judges_revoked_keys),
        cmocka_unit_test(takes_the_key_of_the_host_without_the_port),
        cmocka_unit_test(minds_the_file_of_revoked_keys),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(records_keys),
        cmocka_unit_test(records_behind_a_line_without_its_end),
        cmocka_unit_test(records_hashed_names_that_ssh_keygen_finds),
        cmocka_unit_test(does_not_record_where_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, scratch_ssh_set_up, scratch_ssh_tear_down);
}
