#include "cli/commands.h"
#include "cli/trust.h"
#include "config/shown.h"

static struct {
    bool yes;
    belay_list fingerprints;
} o;

static const belay_option options[] = {
    {"yes", 'y', NULL, "trust: record keys that are not known without asking", BELAY_OPT_FLAG, &o.yes},
    {"fingerprint", 0, "HASH",
        "trust: record the key that has it (SHA256:...) without asking; again for each", BELAY_OPT_LIST,
        &o.fingerprints},
    BELAY_OPT_END};

static void print_row(const belay_cli *cli, const char *name, const json_t *keys)
{
    const char *port = belay_json_text_or(keys, "port", "");
    BELAY_AUTO(belay_free)
    char *server =
        belay_format("%s%s%s", belay_json_text_or(keys, "host", ""), *port == '\0' ? "" : ":", port);
    belay_cli_print(cli, "%-16s %-12s %-24s %-32s %s", name, belay_json_text_or(keys, "environment", ""),
        belay_json_text_or(keys, "dbname", ""), *server == '\0' ? "(libpq's default)" : server,
        belay_json_text_or(keys, "store_url", ""));
}

static void print_keys(const belay_cli *cli, const char *name, const json_t *keys)
{
    belay_cli_print(cli, "%-26s %s", "target", name);
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)keys, key, value)
    {
        BELAY_AUTO(belay_list_done) belay_list lines = {0};
        belay_list_split(&lines, json_is_null(value) ? "" : json_string_value(value), "\n");
        belay_cli_print(cli, "%-26s %s", key, lines.count == 0 ? "" : lines.items[0]);
        for (size_t i = 1; i < lines.count; i++)
            belay_cli_print(cli, "%-26s %s", "", lines.items[i]);
    }
}

/* One target; with `only` in full. A target that cannot be resolved is part of the answer of the list. */
static bool show(belay_cli *cli, const char *name, bool only, json_t *list, belay_error *err)
{
    belay_target target = {0};
    if (!belay_config_target(cli->config, name, &target, err)) {
        if (only)
            return false;
        belay_cli_print(cli, "%-16s cannot be resolved: %s", name, err->message);
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:o}", "name", name, "ok", 0, "error", belay_error_json(err)));
        belay_error_clear(err);
        return true;
    }
    json_t *keys = belay_target_keys(&target);
    if (only)
        print_keys(cli, target.name, keys);
    else
        print_row(cli, target.name, keys);
    json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "name", target.name, "ok", 1, "keys", keys));
    belay_target_done(&target);
    return true;
}

static int list(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    json_t *found = json_array();
    bool ok = true;
    if (cli->target_name != NULL) {
        ok = show(cli, cli->target_name, true, found, &err);
    } else {
        belay_config_target_names(cli->config, &names);
        belay_cli_print(
            cli, "%-16s %-12s %-24s %-32s %s", "TARGET", "ENVIRONMENT", "DATABASE", "SERVER", "STORE");
    }
    for (size_t i = 0; ok && i < names.count; i++)
        ok = show(cli, names.items[i], false, found, &err);
    const char *usual = ok ? belay_config_default_target(cli->config) : NULL;
    const char *path = ok ? belay_config_path(cli->config) : NULL;
    return belay_cli_finish(cli, ok,
        json_pack("{s:b, s:s?, s:s?, s:o}", "ok", (int)ok, "config", path, "default_target", usual, "targets",
            found),
        &err);
}

/* The target's word, behind the verb's. */
static bool take_target(belay_cli *cli, size_t at, belay_error *err)
{
    if (cli->words.count == at)
        return true;
    const char *word = cli->words.items[at];
    if (cli->words.count > at + 1) {
        belay_fail(err, BELAY_E_USAGE, "too many words for `belay targets`");
        return belay_error_hint(err, "usage: belay %s", belay_cmd_targets.usage);
    }
    if (cli->target_name != NULL) {
        belay_fail(err, BELAY_E_USAGE, "the target is named twice: -t %s and %s", cli->target_name, word);
        return belay_error_hint(err, "give one of them: belay targets %s", cli->target_name);
    }
    cli->target_name = word;
    return true;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    belay_config_sources sources = {cli->config_path, cli->env_file};
    bool trusts = cli->words.count > 0 && belay_equal(cli->words.items[0], "trust");
    if (!take_target(cli, trusts ? 1 : 0, &err) || !belay_config_load(&sources, &cli->config, &err))
        return belay_cli_finish(cli, false, NULL, &err);
    bool fingers = o.fingerprints.count > 0;
    if ((o.yes || fingers) && !trusts)
        belay_fail(
            &err, BELAY_E_USAGE, "--%s belongs to `belay targets trust`", o.yes ? "yes" : "fingerprint");
    else if (o.yes && fingers)
        belay_fail(
            &err, BELAY_E_USAGE, "--yes takes any key, and --fingerprint only those: give one of them");
    int status = err.code != BELAY_E_NONE ? belay_cli_finish(cli, false, NULL, &err)
                 : trusts                 ? belay_cli_trust(cli, o.yes, &o.fingerprints)
                                          : list(cli);
    belay_list_done(&o.fingerprints);
    return status;
}

const belay_command belay_cmd_targets = {
    .name = "targets",
    .group = "Set-up",
    .usage = "targets [TARGET] | targets trust [TARGET] [options]",
    .summary = "list the targets as belay understands them, or show every key of one; record host keys",
    .details =
        "Values are the resolved ones: from belay.ini, .env, the environment, or the default. Secrets are\n"
        "masked.\n"
        "`trust` shows the host keys of all SSH servers that the target needs (its ssh with the hosts on "
        "the\n"
        "way, its store, the hosts of its commands), and records those that are not known in the file of\n"
        "known hosts, once you say that the fingerprint is the right one: at a terminal, or before, with\n"
        "--fingerprint. Otherwise it lists them and records none. A key that has changed or was revoked is\n"
        "refused.",
    .options = options,
    .max_words = 2,
    .run = run,
};
