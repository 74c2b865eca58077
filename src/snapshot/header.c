/* header.json: where the snapshot comes from, and the state of the database that no dump holds. */
#include "migrate/version.h"
#include "pg/dbcomment.h"
#include "pg/dbstate.h"
#include "snapshot/extras.sql.h"
#include "snapshot/parts.h"
#include "util/clock.h"
#include "util/json.h"

/* The version table's name as the user's search_path finds it; *ret is NULL when there is none. */
static bool locate_version_table(belay_taking *t, char **ret, belay_error *err)
{
    const belay_target *target = t->options->target;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    const belay_pg_options how = {
        .dbname = t->options->dbname, .application_name = t->run_id, .profile = BELAY_PG_USER};
    const belay_version_table table = {target->version_table_schema,
        target->version_table == NULL ? "alembic_version" : target->version_table};
    return belay_pg_open(t->options->dialer, &how, &pg, err) && belay_version_locate(pg, &table, ret, err);
}

/* Its rows as the snapshot sees them. */
static bool read_revisions(belay_taking *t, json_t **ret_table, belay_error *err)
{
    BELAY_AUTO(belay_free) char *located = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    *ret_table = NULL;
    if (!locate_version_table(t, &located, err))
        return false;
    if (located == NULL)
        return true;
    if (!belay_pg_queryp(t->pg, sql_extras_relation_name, &rows, err, located))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    const belay_version_table table = {belay_rows_text(rows, 0, 0), belay_rows_text(rows, 0, 1)};
    *ret_table = json_pack("{s:s, s:s}", "schema", table.schema, "name", table.name);
    return belay_version_read(t->pg, &table, &t->revisions, err);
}

/* The state as it is when no gate is closed: public name, without belay's mark in the comment. */
static bool read_database(belay_taking *t, json_t **ret, belay_error *err)
{
    if (!belay_dbstate_read(t->pg, t->options->dbname, ret, err))
        return false;
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(json_string_value(json_object_get(*ret, "comment")), &users, NULL);
    json_object_set_new(*ret, "comment", users == NULL ? json_null() : json_string(users));
    json_object_set_new(*ret, "name", json_string(t->options->public_name));
    return true;
}

/* The roles that the database's objects name, and what those are members of. */
static bool read_roles(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    if (!belay_pg_value(t->pg, sql_extras_roles, NULL, 0, &text, err))
        return false;
    json_t *roles = json_loads(text == NULL ? "" : text, 0, NULL);
    return json_object_set_new(t->header, "roles", roles) == 0 ||
           belay_fail(err, BELAY_E_INTERNAL, "the roles of the header are no JSON");
}

static bool read_server(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    json_error_t fault;
    if (!belay_pg_value(t->pg, sql_extras_header, NULL, 0, &text, err))
        return false;
    t->header = json_loads(text == NULL ? "" : text, 0, &fault);
    return t->header != NULL || belay_fail(err, BELAY_E_INTERNAL, "the header is no JSON: %s", fault.text);
}

static bool describe_schema(belay_taking *t, char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str description = BELAY_STR_MAX(SIZE_MAX / 2);
    if (!belay_schema_describe(t->pg, &description, err) ||
        !belay_str_check(&description, "the schema's description", err))
        return false;
    belay_sha256_of(belay_str_text(&description), description.length, hex);
    t->description = belay_str_steal(&description);
    return true;
}

bool belay_taking_header(belay_taking *t, belay_error *err)
{
    json_t *database = NULL;
    json_t *version_table = NULL;
    char hex[BELAY_SHA256_HEX_SIZE];
    char now[BELAY_UTC_SIZE];
    belay_format_utc(belay_now_utc(), now);
    if (!read_server(t, err) || !read_roles(t, err) || !read_database(t, &database, err) ||
        !read_revisions(t, &version_table, err) || !describe_schema(t, hex, err)) {
        json_decref(database);
        json_decref(version_table);
        return false;
    }
    json_t *rest = json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:s}", "format_version",
        BELAY_FORMAT_VERSION, "belay_version", BELAY_VERSION, "id", t->id, "target", t->options->target->name,
        "created_at", now, "server_version", belay_pg_server_version(t->pg), "database", database,
        "revisions", belay_json_of_list(&t->revisions), "version_table",
        version_table == NULL ? json_null() : version_table, "schema_hash", hex);
    bool ok = rest != NULL && json_object_update(t->header, rest) == 0;
    json_decref(rest);
    if (ok)
        return true;
    belay_fail(err, BELAY_E_UNSUPPORTED, "a name in header.json is not UTF-8");
    return belay_error_hint(err,
        "the database, one of its roles or settings, or the target has a name in another "
        "encoding: rename it");
}
