/* `belay snapshots show ID`: what one holds. */
#include "archive/archive.h"
#include "cli/snapshots.h"
#include "pg/names.h"
#include "restore/estimate.h"
#include "restore/load.h"

/* As `restore --table` takes it, on one line. */
static char *table_name(const char *schema, const char *name)
{
    BELAY_AUTO(belay_free) char *typed = belay_name_typed(schema, name);
    return belay_printable(typed, "");
}

static json_t *table_list(const belay_cli *cli, const belay_manifest *m)
{
    json_t *tables = json_array();
    belay_cli_print(cli, "\n%-50s %12s %10s  %s", "TABLE", "ROWS", "RAW", "FORMAT");
    for (size_t i = 0; i < m->table_count; i++) {
        const belay_table *t = &m->tables[i];
        char raw[BELAY_BYTES_SIZE];
        belay_cli_format_bytes(t->raw_bytes, raw);
        BELAY_AUTO(belay_free) char *name = table_name(t->schema, t->name);
        belay_cli_print(cli, "%-50s %12llu %10s  %s", name, (unsigned long long)t->rows, raw, t->format);
        json_array_append_new(
            tables, json_pack("{s:s, s:s, s:I, s:I, s:s}", "schema", t->schema, "name", t->name, "rows",
                        (json_int_t)t->rows, "raw_bytes", (json_int_t)t->raw_bytes, "format", t->format));
    }
    return tables;
}

/* header.json's extensions or roles, by name. */
static json_t *names_of(const json_t *header, const char *key)
{
    json_t *names = json_array();
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(header, key), i, one)
        json_array_append(names, json_object_get(one, "name"));
    return names;
}

static void print_names(const belay_cli *cli, const char *label, const json_t *names)
{
    BELAY_AUTO(belay_list_done) belay_list list = {0};
    belay_json_to_list(names, &list);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&list, ", ");
    BELAY_AUTO(belay_free) char *line = belay_printable(joined, "");
    belay_cli_print(cli, "%-10s %s", label, line[0] == '\0' ? "(none)" : line);
}

/* Where it comes from, and what a server needs for it. */
static void show_origin(const belay_cli *cli, const json_t *header, const belay_manifest *m, json_t *json)
{
    const json_t *database = json_object_get(header, "database");
    json_t *extensions = names_of(header, "extensions");
    json_t *roles = names_of(header, "roles");
    belay_cli_print(cli, "server     PostgreSQL %d.%d", m->server_version / 10000, m->server_version % 10000);
    BELAY_AUTO(belay_free) char *name = belay_printable(belay_json_text_or(database, "name", "?"), "");
    belay_cli_print(cli, "database   %s, %s, %s", name, belay_json_text_or(database, "encoding", "?"),
        belay_json_text_or(database, "collate", "?"));
    print_names(cli, "extensions", extensions);
    print_names(cli, "roles", roles);
    json_object_set_new(json, "server_version", json_integer(m->server_version));
    json_object_set(json, "database", json_object_get(database, "name"));
    json_object_set(json, "encoding", json_object_get(database, "encoding"));
    json_object_set_new(json, "extensions", extensions);
    json_object_set_new(json, "roles", roles);
}

static void show_estimate(const belay_cli *cli, const belay_estimate *estimate, json_t *json)
{
    BELAY_AUTO(belay_free) char *text = belay_estimate_text(estimate);
    belay_cli_print(cli, "restore    %s", text);
    json_object_set_new(json, "restore_seconds", json_real(estimate->seconds));
    json_object_set_new(json, "restore_seconds_by", json_string(belay_estimate_basis_name(estimate->basis)));
}

static void show_state(const belay_cli *cli, const belay_snapshot_info *info, json_t *json)
{
    if (info->proven_at == NULL)
        belay_cli_print(cli, "state      %s", info->state);
    else
        belay_cli_print(
            cli, "state      %s on %s, in %.1f s", info->state, info->proven_at, info->proof_seconds);
    json_object_set_new(
        json, "proof_seconds", info->proven_at == NULL ? json_null() : json_real(info->proof_seconds));
}

static json_t *print_one(const belay_cli *cli, const belay_snapshot_info *info, const belay_archive *archive,
    const json_t *header, const belay_estimate *estimate)
{
    const belay_manifest *m = belay_archive_manifest(archive);
    json_t *json = belay_cli_snapshot_json(info);
    char bytes[BELAY_BYTES_SIZE], raw[BELAY_BYTES_SIZE];
    belay_cli_format_bytes(info->bytes, bytes);
    belay_cli_format_bytes(info->raw_bytes, raw);
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&info->revisions, ", ");
    belay_cli_print(cli, "snapshot   %s", info->id);
    belay_cli_print(cli, "file       %s", info->path);
    belay_cli_print(cli, "target     %s", info->target);
    belay_cli_print(cli, "created    %s, in %.1f s", info->created_at, info->seconds);
    belay_cli_print(cli, "revision   %s", revisions[0] == '\0' ? "(base)" : revisions);
    show_state(cli, info, json);
    belay_cli_print(cli, "size       %s, %s raw, %llu rows in %llu tables", bytes, raw,
        (unsigned long long)info->rows, (unsigned long long)info->tables);
    bool encrypted = belay_ends_with(info->name, ".age");
    belay_cli_print(cli, "encrypted  %s", encrypted ? "yes" : "no");
    json_object_set_new(json, "encrypted", json_boolean(encrypted));
    show_estimate(cli, estimate, json);
    show_origin(cli, header, m, json);
    json_object_set_new(json, "table_list", table_list(cli, m));
    return json;
}

int belay_cli_show_snapshot(belay_cli *cli, const char *id)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_json_free) json_t *header = NULL;
    BELAY_AUTO(belay_estimate_done) belay_estimate estimate = {0};
    bool ok = belay_cli_find_snapshot(cli, id, &store, &info, &err) &&
              belay_archive_peek(store, info.name, &archive, &err) &&
              belay_load_json(archive, "header.json", &header, &err) &&
              belay_estimate_restore(store, &info, &estimate, &err);
    return belay_cli_finish(cli, ok, ok ? print_one(cli, &info, archive, header, &estimate) : NULL, &err);
}
