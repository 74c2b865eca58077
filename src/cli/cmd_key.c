#include "cli/commands.h"
#include "seal/key_file.h"
#include "util/file.h"

/* Outside of any project, so that git and the store never get it. */
static char *default_path(const char *name)
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    if (folder != NULL && folder[0] == '/')
        return belay_format("%s/belay/%s", folder, name);
    const char *home = getenv("HOME");
    return belay_format("%s/.config/belay/%s", home == NULL ? "" : home, name);
}

static int make(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *recipient = NULL;
    BELAY_AUTO(belay_free)
    char *path = cli->words.count > 1 ? belay_strdup(cli->words.items[1]) : default_path("identity.txt");
    if (!belay_key_file_new_identity(path, &recipient, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    belay_cli_print(cli, "%s", recipient);
    belay_say(cli->reporter, BELAY_INFO,
        "the private key is in %s: keep a copy away from this machine and from the store. For the target: "
        "encrypt_to = %s, and identity = %s where snapshots are restored",
        path, recipient, path);
    return belay_cli_finish(
        cli, true, json_pack("{s:b, s:s, s:s}", "ok", 1, "path", path, "recipient", recipient), &err);
}

static int show(belay_cli *cli, const char *path)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list keys = {0};
    bool ok = belay_key_file_public(path, &keys, &err);
    for (size_t i = 0; i < keys.count; i++)
        belay_cli_print(cli, "%s", keys.items[i]);
    return belay_cli_finish(
        cli, ok, ok ? json_pack("{s:b, s:o}", "ok", 1, "public", belay_json_of_list(&keys)) : NULL, &err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    if (belay_equal(cli->words.items[0], "new"))
        return make(cli);
    if (belay_equal(cli->words.items[0], "show") && cli->words.count == 2)
        return show(cli, cli->words.items[1]);
    belay_fail(&err, BELAY_E_USAGE, "`belay key` takes `new`, or `show` and a FILE");
    return belay_cli_finish(cli, false, NULL, &err);
}

const belay_command belay_cmd_key = {
    .name = "key",
    .group = "Snapshots",
    .usage = "key [options] new [FILE] | show FILE",
    .summary = "make a key to encrypt snapshots to, or print the public part of one",
    .details =
        "`new` writes a private key of age (an identity, as age-keygen writes it) to FILE, by default\n"
        "~/.config/belay/identity.txt, for nobody else to read, and prints the recipient for encrypt_to.\n"
        "A file that exists is not written over.",
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
