/* restore.sh: a shell script that restores exactly this archive with zstd, od and psql. */
#include "pg/dbstate.h"
#include "pg/names.h"
#include "snapshot/parts.h"

/* Stands for the new database's name in statements, replaced by psql's variable. */
static const char db_token[] = "\"belay:new database\"";

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
                         "\"$maintenance\" \"$@\"; }\n"
                         "load() { # COPY STATEMENT, FOLDER\n"
                         "    for file in \"data/$2\"/*.copy.zst; do\n"
                         "        [ ! -e \"$file\" ] || zstd -dcq \"$file\" | run -c \"$1\"\n"
                         "    done\n"
                         "}\n"
                         "blob() { # OID, OFFSET, FILE\n"
                         "    printf \"SELECT pg_catalog.lo_put(%s, %s, '\\\\\\\\x\" \"$1\" \"$2\"\n"
                         "    zstd -dcq \"$3\" | od -An -v -tx1 | tr -d ' \\n'\n"
                         "    printf \"');\\n\"\n"
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
        belay_shell_quote(to, copy);
        belay_str_appendf(to, " %s\n", folder);
    }
}

static void add_large_objects(const belay_taking *t, belay_str *to)
{
    size_t i;
    json_t *object;
    if (json_array_size(t->large_objects) > 0)
        belay_str_append(to, "\n# large objects\nblobs() {\n:\n");
    json_array_foreach(t->large_objects, i, object)
    {
        size_t number;
        json_t *chunk;
        json_array_foreach(json_object_get(object, "chunks"), number, chunk) belay_str_appendf(to,
            "blob %lld %llu %s\n", (long long)json_integer_value(json_object_get(object, "oid")),
            (unsigned long long)number * BELAY_CHUNK_BYTES, json_string_value(chunk));
    }
    if (json_array_size(t->large_objects) > 0)
        belay_str_append(to, "}\nblobs | run\n");
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
    belay_str_append(to, "\n# indexes, constraints, triggers, materialized views\n");
    if (t->has_event_triggers)
        belay_str_append(to, "# (event triggers are not to fire on what follows them)\n"
                             "PGOPTIONS=\"$PGOPTIONS -c session_replication_role=replica\"\n");
    belay_str_append(to,
        "zstd -dcq schema/post-data.sql.zst | run -v ON_ERROR_STOP=0\nrun -c ANALYZE\n"
        "\n# owner, rights and settings of the database\nserver -v ON_ERROR_STOP=0 <<'SQL'\n");
    add_statements(to, belay_str_text(&sql));
    belay_str_append(to, "SQL\n");
}

bool belay_taking_script(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_MAX((size_t)1024 * 1024 * 1024);
    add_begin(t, &text);
    add_loads(t, &text);
    add_large_objects(t, &text);
    add_sequences(t, &text);
    add_end(t, &text);
    return belay_str_check(&text, "restore.sh", err) &&
           belay_archive_add(
               t->writer, "restore.sh", belay_str_text(&text), text.length, text.length, 0, err);
}
