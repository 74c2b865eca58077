#include "cli/commands.h"
#include "seal/key_file.h"
#include "util/file.h"

static struct {
    bool sign;
} o;

static const belay_option options[] = {
    {"sign", 0, NULL, "a pair of minisign's, to sign snapshots with", BELAY_OPT_FLAG, &o.sign},
    BELAY_OPT_END};

/* Outside of any project, so that git and the store never get it. */
static char *default_path(const char *name)
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    if (folder != NULL && folder[0] == '/')
        return belay_format("%s/belay/%s", folder, name);
    const char *home = getenv("HOME");
    return belay_format("%s/.config/belay/%s", home == NULL ? "" : home, name);
}

static int make_identity(belay_cli *cli, const char *path)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *recipient = NULL;
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

static int make_signer(belay_cli *cli, const char *path)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *public_path = NULL;
    BELAY_AUTO(belay_free) char *key = NULL;
    if (!belay_key_file_new_signer(path, &public_path, &key, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    belay_cli_print(cli, "%s", key);
    belay_say(cli->reporter, BELAY_INFO,
        "the private key is in %s, the public one in %s. For the target: sign_with = %s, and "
        "require_signature = %s where snapshots are restored",
        path, public_path, path, key);
    return belay_cli_finish(cli, true,
        json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "path", path, "public_path", public_path, "key", key),
        &err);
}

static int make(belay_cli *cli)
{
    BELAY_AUTO(belay_free)
    char *path = cli->words.count > 1 ? belay_strdup(cli->words.items[1])
                                      : default_path(o.sign ? "sign.key" : "identity.txt");
    return o.sign ? make_signer(cli, path) : make_identity(cli, path);
}

static int show(belay_cli *cli, const char *path)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list keys = {0};
    bool is_public = false;
    bool ok = belay_key_file_public(path, &keys, &is_public, &err);
    if (is_public)
        belay_say(cli->reporter, BELAY_INFO, "%s holds a public key only, of minisign: for require_signature",
            path);
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
    .summary = "make a key to encrypt or sign snapshots, or print the public part of one",
    .details =
        "`new` writes a private key of age (an identity, as age-keygen writes it) to FILE, by default\n"
        "~/.config/belay/identity.txt, for nobody else to read, and prints the recipient for encrypt_to.\n"
        "`new --sign` writes a pair of minisign's, without a password, by default to\n"
        "~/.config/belay/sign.key and sign.pub, and prints the public one for require_signature.\n"
        "A file that exists is not written over.\n"
        "`show` takes an identity, or either file of a pair of minisign's.",
    .options = options,
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
