/* A folder under /tmp with public keys that ssh-keygen made, for the unit tests of src/remote.
 *
 *     cmocka_run_group_tests(tests, scratch_ssh_set_up, scratch_ssh_tear_down);
 *
 * HOME is the folder, SSH_AUTH_SOCK is unset.
 */
#ifndef BELAY_TESTS_SCRATCH_SSH_H
#define BELAY_TESTS_SCRATCH_SSH_H

#include <stdlib.h>
#include <sys/stat.h>

#include "remote/host_key.h"
#include "util/file.h"
#include "util/process.h"

static char scratch[] = "/tmp/belay-ssh-XXXXXX";
/* "type base64", without the comment; their files are one, two, three and four. */
static char *ed25519, *other_ed25519, *ecdsa, *rsa;

/* What a shell command prints, without the last newline; the command has to succeed. The caller frees. */
static inline char *scratch_shell(const char *command)
{
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    belay_str errors = BELAY_STR_INIT;
    int status = -1;
    const belay_spawn how = {.shell = command, .folder = scratch};
    bool ran = belay_process_run(&how, 60000, &out, &errors, NULL, NULL, &status, NULL);
    if (!ran || status != 0)
        fprintf(stderr, "%s\nfailed: %s\n", command, belay_str_text(&errors));
    belay_str_done(&errors);
    if (!ran || status != 0)
        abort();
    char *text = belay_str_steal(&out);
    if (belay_ends_with(text, "\n"))
        text[strlen(text) - 1] = '\0';
    return text;
}

static inline char *scratch_key(const char *options, const char *name)
{
    BELAY_AUTO(belay_free)
    char *command =
        belay_format("ssh-keygen -q -N '' %s -f %s && cut -d' ' -f1,2 %s.pub", options, name, name);
    return scratch_shell(command);
}

static inline int scratch_ssh_set_up(void **state)
{
    (void)state;
    if (mkdtemp(scratch) == NULL || setenv("HOME", scratch, 1) != 0 || unsetenv("SSH_AUTH_SOCK") != 0)
        return -1;
    ed25519 = scratch_key("-t ed25519", "one");
    other_ed25519 = scratch_key("-t ed25519", "two");
    ecdsa = scratch_key("-t ecdsa", "three");
    rsa = scratch_key("-t rsa -b 2048", "four");
    return 0;
}

static inline int scratch_ssh_tear_down(void **state)
{
    (void)state;
    free(ed25519);
    free(other_ed25519);
    free(ecdsa);
    free(rsa);
    return !belay_remove_tree(scratch, NULL);
}

/* The caller frees. */
static inline char *scratch_path(const char *name)
{
    return belay_path_join(scratch, name);
}

/* Writes a file of the folder; the path, which the caller frees. */
static inline char *scratch_write(const char *name, const char *text, size_t length, mode_t mode)
{
    char *path = scratch_path(name);
    if (!belay_write_file_durably(path, text, length, mode, NULL))
        abort();
    return path;
}

/* A program of the folder. */
static inline char *scratch_program(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text), 0700);
}

/* host:port with the file known_hosts of the folder; belay_ssh_endpoint_done frees. */
static inline belay_ssh_endpoint scratch_endpoint(const char *host, int port)
{
    belay_ssh_endpoint endpoint = {.label = belay_format("me@%s", host),
        .host = belay_strdup(host),
        .port = port,
        .user = belay_strdup("me")};
    belay_list_add_owned(&endpoint.known_hosts, scratch_path("known_hosts"));
    return endpoint;
}

/* Puts the lines into known_hosts; keys of the folder stand for %1 to %4. */
static inline void scratch_known_hosts(const char *lines)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    const char *const keys[] = {ed25519, other_ed25519, ecdsa, rsa};
    for (const char *at = lines; *at != '\0'; at++) {
        if (*at == '%' && at[1] >= '1' && at[1] <= '4')
            belay_str_append(&text, keys[*++at - '1']);
        else
            belay_str_append_char(&text, *at);
    }
    free(scratch_write("known_hosts", belay_str_text(&text), text.length, 0600));
}

#endif
