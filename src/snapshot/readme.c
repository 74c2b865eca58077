/* README.txt: what the archive is and how to restore it without belay. It comes first, so that it can be read
 * from the head of the file. */
#include "snapshot/parts.h"

static const char about[] =
    "`belay restore ID` brings it back. Without belay, tar, zstd and psql (of the server's version or newer) "
    "do:\n"
    "\n"
    "    mkdir restored && tar -xf SNAPSHOT.tar -C restored && cd restored\n"
    "    sh restore.sh NEW_DATABASE\n"
    "\n"
    "PGHOST, PGPORT, PGUSER and PGPASSWORD say which server, as for every psql; the user must be allowed to "
    "create\n"
    "databases and to give objects to their owners. Roles are not part of a snapshot: create those that\n"
    "schema/*.sql.zst names first. restore.sh is short and can be read; it does, in this order:\n"
    "\n"
    "    CREATE DATABASE with the recorded encoding and locale\n"
    "    zstd -dc schema/pre-data.sql.zst | psql                      types, tables, functions\n"
    "    zstd -dc data/TABLE/N.copy.zst | psql -c 'COPY ... FROM STDIN'  rows, each file a complete COPY "
    "file\n"
    "    lo_put of each blobs/N.zst                                   large objects\n"
    "    setval of each sequence\n"
    "    zstd -dc schema/post-data.sql.zst | psql                     indexes, constraints, triggers\n"
    "    ALTER DATABASE, GRANT, COMMENT                               owner, rights and settings\n"
    "\n"
    "It stops at the first error, except in post-data and in the database's own state, where errors are\n"
    "reported: a foreign key that the data violates is left out, and a materialized view that reads another\n"
    "one through a function may have to be refreshed again.\n"
    "\n"
    "header.json says where the snapshot comes from; toc.json lists every object; manifest.json has each "
    "member's\n"
    "place, sizes and SHA-256, and each table's columns, format, rows and row hash. blobs/statistics-*.zst, "
    "if there,\n"
    "is what the planner knew, as lines of JSON; restore.sh analyzes anew.\n\n";

static void add_about(const belay_taking *t, belay_str *to)
{
    const json_t *database = json_object_get(t->header, "database");
    BELAY_AUTO(belay_free) char *revisions = belay_list_join(&t->revisions, ", ");
    belay_str_appendf(to,
        "Snapshot %s of the PostgreSQL database \"%s\" (target %s),\ntaken %s from a server of version "
        "%d.%d, "
        "encoding %s.\nRevisions: %s. Tables: %zu.\n\n",
        t->id, t->options->public_name, t->options->target->name,
        json_string_value(json_object_get(t->header, "created_at")), belay_pg_server_version(t->pg) / 10000,
        belay_pg_server_version(t->pg) % 10000, json_string_value(json_object_get(database, "encoding")),
        t->revisions.count == 0 ? "none" : revisions, t->table_count);
    belay_str_append(to, about);
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

bool belay_taking_readme(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    add_about(t, &text);
    add_extensions(t, &text);
    return belay_str_check(&text, "README.txt", err) &&
           belay_archive_add(
               t->writer, "README.txt", belay_str_text(&text), text.length, text.length, 0, err);
}
