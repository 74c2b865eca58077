/* README.txt: what the archive is, and a shell script at its end that restores it with tar, zstd and psql. */
#include "pg/dbstate.h"
#include "pg/names.h"
#include "snapshot/parts.h"

/* Stands for the new database's name in statements, replaced by psql's variable. */
static const char db_token[] = "\"belay:new database\"";

/* '...' for the shell. */
static void add_quoted(belay_str *to, const char *text)
{
    belay_str_append_char(to, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            belay_str_append(to, "'\\''");
        else
            belay_str_append_char(to, *text);
    }
    belay_str_append_char(to, '\'');
}

static void add_statements(belay_str *to, const char *sql)
{
    const char *found;
    while ((found = strstr(sql, db_token)) != NULL) {
        belay_str_append_n(to, sql, (size_t)(found - sql));
        belay_str_append(to, ":\"db\"");
        sql = found + strlen(db_token);
    }
    belay_str_append(to, sql);
}

static void add_about(const belay_taking *t, belay_str *to)
{
    const json_t *database = json_object_get(t->header, "database");
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&t->revisions, ", ");
    belay_str_appendf(to,
        "Snapshot %s of the PostgreSQL database \"%s\" (target %s)\ntaken %s from a server of version %d.%d, "
        "encoding %s.\nRevisions: %s\nTables: %zu, rows: %llu\n\n",
        t->id, t->options->public_name, t->options->target->name,
        json_string_value(json_object_get(t->header, "created_at")), belay_pg_server_version(t->pg) / 10000,
        belay_pg_server_version(t->pg) % 10000, json_string_value(json_object_get(database, "encoding")),
        t->revisions.count == 0 ? "none" : revisions, t->table_count, (unsigned long long)t->rows);
    belay_str_append(to,
        "This is a plain tar file. belay restores it (`belay restore ID`); without belay, tar, zstd, od and "
        "psql\n"
        "of the server's version or newer do:\n\n"
        "    mkdir restored && tar -xf SNAPSHOT.tar -C restored && cd restored\n"
        "    sed -n '/^#!\\/bin\\/sh/,$p' README.txt > restore.sh\n"
        "    sh restore.sh NEW_DATABASE\n\n"
        "PGHOST, PGPORT, PGUSER and PGPASSWORD say which server, as for every psql; the user must be allowed "
        "to\n"
        "create databases and to give objects to their owners. Roles are not part of a snapshot: create "
        "those\n"
        "that schema/*.sql names first. The script stops at the first error, except among the indexes and\n"
        "constraints at the end: a foreign key that the data violates is reported there and left out.\n\n"
        "    header.json               where it comes from, and the database's owner, rights and settings\n"
        "    schema/pre-data.sql.zst   types, tables, functions\n"
        "    data/*/*.copy.zst         rows: files of COPY, in the format that the script below names\n"
        "    sequences.json            positions; blobs.json and blobs/: large objects\n"
        "    schema/post-data.sql.zst  indexes, constraints, triggers; toc.json lists every object\n"
        "    manifest.json             each member's place, sizes and SHA-256; each table's rows and row "
        "hash\n\n");
}

static void add_extensions(const belay_taking *t, belay_str *to)
{
    size_t i;
    json_t *extension;
    const json_t *extensions = json_object_get(t->header, "extensions");
    if (json_array_size(extensions) == 0)
        return;
    belay_str_append(to, "Extensions, whose versions the script does not force:\n");
    json_array_foreach(extensions, i, extension)
        belay_str_appendf(to, "    %s %s\n", json_string_value(json_object_get(extension, "name")),
            json_string_value(json_object_get(extension, "version")));
    belay_str_append(to, "\n");
}

static void add_begin(const belay_taking *t, belay_str *to)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_dbstate_create_sql(
        json_object_get(t->header, "database"), "belay:new database", belay_pg_server_version(t->pg), &sql);
    belay_str_append(to, "#!/bin/sh\nset -eu\ndb=${1:-");
    belay_str_append(to, "$(cat <<'NAME'\n");
    belay_str_appendf(to, "%s\nNAME\n)}\n", t->options->public_name);
    belay_str_appendf(
        to, "maintenance=${MAINTENANCE_DB:-postgres}\nexport PGCLIENTENCODING=%s\n", t->encoding);
    belay_str_append(to, "export PGOPTIONS='-c search_path=pg_catalog -c row_security=off -c DateStyle=ISO "
                         "-c IntervalStyle=postgres"
                         " -c TimeZone=UTC -c xmloption=content'\n"
                         "run() { psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d \"$db\" \"$@\"; }\n"
                         "server() { PGCLIENTENCODING=UTF8 psql -X -q -v ON_ERROR_STOP=1 -v db=\"$db\" -d "
                         "\"$maintenance\"; }\n"
                         "load() { # COPY STATEMENT, FOLDER\n"
                         "    for file in \"data/$2\"/*.copy.zst; do\n"
                         "        [ ! -e \"$file\" ] || zstd -dcq \"$file\" | run -c \"$1\"\n"
                         "    done\n"
                         "}\n"
                         "blob() { # OID, OFFSET, FILE\n"
                         "    { printf \"SELECT pg_catalog.lo_put(%s, %s, '\\\\\\\\x\" \"$1\" \"$2\"\n"
                         "      zstd -dcq \"$3\" | od -An -v -tx1 | tr -d ' \\n'\n"
                         "      printf \"');\\n\"; } | run\n"
                         "}\n\n# the database\nserver <<'SQL'\n");
    add_statements(to, belay_str_text(&sql));
    belay_str_append(to, "SQL\n\n# types, tables, functions\nzstd -dcq schema/pre-data.sql.zst | run\n");
}

static void add_loads(const belay_taking *t, belay_str *to)
{
    belay_str_append(to, "\n# rows\n");
    for (size_t i = 0; i < t->table_count; i++) {
        const belay_table *table = &t->tables[i];
        bool root = table->root_name != NULL;
        if (table->chunk_count == 0)
            continue;
        BELAY_AUTO(belay_free)
        char *name = belay_name_qualified(
            root ? table->root_schema : table->schema, root ? table->root_name : table->name, t->plain_names);
        BELAY_AUTO(belay_free)
        char *columns = belay_name_columns(table->columns, table->column_count, t->plain_names);
        BELAY_AUTO(belay_free)
        char *copy = belay_format("COPY %s%s%s%s FROM STDIN (FORMAT %s)", name,
            table->column_count > 0 ? " (" : "", columns, table->column_count > 0 ? ")" : "", table->format);
        BELAY_AUTO(belay_free) char *folder = belay_taking_folder(table->schema, table->name);
        belay_str_append(to, "load ");
        add_quoted(to, copy);
        belay_str_appendf(to, " %s\n", folder);
    }
}

static void add_large_objects(const belay_taking *t, belay_str *to)
{
    size_t i;
    json_t *object;
    if (json_array_size(t->large_objects) > 0)
        belay_str_append(to, "\n# large objects\n");
    json_array_foreach(t->large_objects, i, object)
    {
        size_t number;
        json_t *chunk;
        json_array_foreach(json_object_get(object, "chunks"), number, chunk) belay_str_appendf(to,
            "blob %lld %llu %s\n", (long long)json_integer_value(json_object_get(object, "oid")),
            (unsigned long long)number * BELAY_CHUNK_BYTES, json_string_value(chunk));
    }
}

static void add_sequences(const belay_taking *t, belay_str *to)
{
    size_t i;
    json_t *sequence;
    belay_str_append(to, "\n# sequence positions\nPGCLIENTENCODING=UTF8 run <<'SQL'\n");
    json_array_foreach(t->sequences, i, sequence)
    {
        BELAY_AUTO(belay_free)
        char *name = belay_quote_qualified(json_string_value(json_object_get(sequence, "schema")),
            json_string_value(json_object_get(sequence, "name")));
        BELAY_AUTO(belay_free) char *literal = belay_quote_literal(name);
        belay_str_appendf(to, "SELECT pg_catalog.setval(%s, %lld, %s);\n", literal,
            (long long)json_integer_value(json_object_get(sequence, "last_value")),
            json_is_true(json_object_get(sequence, "is_called")) ? "true" : "false");
    }
    belay_str_append(to, "SQL\n");
}

static void add_end(const belay_taking *t, belay_str *to)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_dbstate_apply_sql(json_object_get(t->header, "database"), "belay:new database", &sql);
    belay_str_append(to, "\n# indexes, constraints, triggers, materialized views\n"
                         "zstd -dcq schema/post-data.sql.zst | run -v ON_ERROR_STOP=0\nrun -c ANALYZE\n"
                         "\n# owner, rights and settings of the database\nserver <<'SQL'\n");
    add_statements(to, belay_str_text(&sql));
    belay_str_append(to, "SQL\n");
}

bool belay_taking_readme(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_MAX((size_t)1024 * 1024 * 1024);
    add_about(t, &text);
    add_extensions(t, &text);
    add_begin(t, &text);
    add_loads(t, &text);
    add_large_objects(t, &text);
    add_sequences(t, &text);
    add_end(t, &text);
    return belay_str_check(&text, "README.txt", err) &&
           belay_archive_add(
               t->writer, "README.txt", belay_str_text(&text), text.length, text.length, 0, err);
}
