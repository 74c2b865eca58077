
#include "archive/archive.h"
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
    bool known = !belay_equal(info->state, "encrypted");
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&info->revisions, ",");
    BELAY_AUTO(belay_free)
    char *rows = known ? belay_format("%llu", (unsigned long long)info->rows) : belay_strdup("?");
    belay_cli_print(cli, "%-25s %-14s %-20s %-9s %-14s %12s %10s", info->id, info->target, info->created_at,
        info->state,
        !known                 ? "?"
        : revisions[0] == '\0' ? "(base)"
                               : revisions,
        rows, size);
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

static json_t *table_list(const belay_cli *cli, const belay_manifest *m)
{
    json_t *tables = json_array();
    belay_cli_print(cli, "\n%-50s %12s %10s  %s", "TABLE", "ROWS", "RAW", "FORMAT");
    for (size_t i = 0; i < m->table_count; i++) {
        const belay_table *t = &m->tables[i];
        char raw[BELAY_BYTES_SIZE];
        belay_cli_format_bytes(t->raw_bytes, raw);
        BELAY_AUTO(belay_free) char *name = belay_format("%s.%s", t->schema, t->name);
        belay_cli_print(cli, "%-50s %12llu %10s  %s", name, (unsigned long long)t->rows, raw, t->format);
        json_array_append_new(
            tables, json_pack("{s:s, s:s, s:I, s:I, s:s}", "schema", t->schema, "name", t->name, "rows",
                        (json_int_t)t->rows, "raw_bytes", (json_int_t)t->raw_bytes, "format", t->format));
    }
    return tables;
}

static json_t *print_one(const belay_cli *cli, const belay_snapshot_info *info, const belay_archive *archive)
{
    const belay_manifest *m = belay_archive_manifest(archive);
    char bytes[BELAY_BYTES_SIZE], raw[BELAY_BYTES_SIZE];
    belay_cli_format_bytes(info->bytes, bytes);
    belay_cli_format_bytes(info->raw_bytes, raw);
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&info->revisions, ", ");
    belay_cli_print(cli, "snapshot   %s", info->id);
    belay_cli_print(cli, "file       %s", info->path);
    belay_cli_print(cli, "target     %s", info->target);
    belay_cli_print(cli, "created    %s, in %.1f s", info->created_at, info->seconds);
    belay_cli_print(cli, "revision   %s", revisions[0] == '\0' ? "(base)" : revisions);
    belay_cli_print(cli, "state      %s%s%s", info->state, info->proven_at == NULL ? "" : " since ",
        info->proven_at == NULL ? "" : info->proven_at);
    belay_cli_print(cli, "server     PostgreSQL %d.%d", m->server_version / 10000, m->server_version % 10000);
    belay_cli_print(cli, "size       %s, %s raw, %llu rows in %llu tables", bytes, raw,
        (unsigned long long)info->rows, (unsigned long long)info->tables);
    json_t *json = belay_cli_snapshot_json(info);
    json_object_set_new(json, "server_version", json_integer(m->server_version));
    json_object_set_new(json, "table_list", table_list(cli, m));
    return json;
}

static int show(belay_cli *cli, const char *id)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    bool ok = belay_cli_find_snapshot(cli, id, &store, &info, &err) &&
              belay_archive_open(store, info.name, &archive, &err);
    return belay_cli_finish(cli, ok, ok ? print_one(cli, &info, archive) : NULL, &err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    const char *verb = cli->words.count == 0 ? "list" : cli->words.items[0];
    if (belay_equal(verb, "list") && cli->words.count <= 1)
        return list(cli);
    if (belay_equal(verb, "show") && cli->words.count == 2)
        return show(cli, cli->words.items[1]);
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
