#include "cli/snapshots.h"

static struct {
    bool all;
} o;

static const belay_option options[] = {
    {"all", 'a', NULL, "of every target in the store", BELAY_OPT_FLAG, &o.all}, BELAY_OPT_END};

static void print_line(const belay_cli *cli, const belay_snapshot_info *info)
{
    char size[BELAY_BYTES_SIZE];
    belay_cli_format_bytes(info->bytes, size);
    bool known = belay_cli_snapshot_is_known(info);
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&info->revisions, ",");
    BELAY_AUTO(belay_free)
    char *rows = known ? belay_format("%llu", (unsigned long long)info->rows) : belay_strdup("?");
    /* Names of files, and what is in them, are whoever's. */
    BELAY_AUTO(belay_free)
    char *line = belay_format("%-25s %-14s %-20s %-9s %-14s %12s %10s", info->id, info->target,
        info->created_at, info->state,
        !known                 ? "?"
        : revisions[0] == '\0' ? "(base)"
                               : revisions,
        rows, size);
    BELAY_AUTO(belay_free) char *shown = belay_printable(line, "");
    belay_cli_print(cli, "%s", shown);
}

static int list(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    belay_snapshot_info *infos = NULL;
    size_t count = 0;
    bool ok = belay_cli_store(cli, &store, &err) &&
              belay_snapshot_list(store, o.all ? NULL : cli->target.name, &infos, &count, &err);
    json_t *array = json_array();
    if (count > 0)
        belay_cli_print(cli, "%-25s %-14s %-20s %-9s %-14s %12s %10s", "ID", "TARGET", "CREATED", "STATE",
            "REVISION", "ROWS", "SIZE");
    for (size_t i = 0; i < count; i++) {
        print_line(cli, &infos[i]);
        json_array_append_new(array, belay_cli_snapshot_json(&infos[i]));
    }
    if (ok && count == 0)
        belay_say(cli->reporter, BELAY_INFO, "no snapshot of %s in %s",
            o.all ? "any target" : cli->target.name, store->url);
    belay_snapshot_list_free(infos, count);
    return belay_cli_finish(cli, ok, json_pack("{s:o}", "snapshots", array), &err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    const char *verb = cli->words.count == 0 ? "list" : cli->words.items[0];
    if (belay_equal(verb, "list") && cli->words.count <= 1)
        return list(cli);
    if (belay_equal(verb, "show") && cli->words.count == 2)
        return belay_cli_show_snapshot(cli, cli->words.items[1]);
    belay_fail(&err, BELAY_E_USAGE, "`belay snapshots` takes `list`, or `show` and an ID");
    return belay_cli_finish(cli, false, NULL, &err);
}

const belay_command belay_cmd_snapshots = {
    .name = "snapshots",
    .group = "Snapshots",
    .usage = "snapshots [options] [list | show ID]",
    .summary = "list the snapshots of a target, newest first, or show one",
    .details =
        "States: verified (read back when it was written), proven (restored and compared, `belay prove`),\n"
        "damaged (cannot be read), encrypted (for keys that are not here). A unique prefix of the ID "
        "suffices.",
    .options = options,
    .max_words = 2,
    .run = run,
};
