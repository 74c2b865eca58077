#include "migrate/version.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "migrate/version.sql.h"
#include "util/host_name.h"

bool belay_version_locate(belay_pg *pg, const belay_version_table *table, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_free)
    char *name = table->schema == NULL ? belay_quote_ident(table->name)
                                       : belay_quote_qualified(table->schema, table->name);
    return belay_pg_value(pg, sql_version_find, &(const char *){name}, 1, ret, err);
}

bool belay_version_read(
    belay_pg *pg, const belay_version_table *table, belay_list *ret_heads, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    if (!belay_version_locate(pg, table, &name, err))
        return false;
    if (name == NULL)
        return true;
    BELAY_AUTO(belay_free) char *sql = belay_format("SELECT version_num FROM %s", name);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql, &rows, err)) {
        if (err != NULL && belay_equal(err->sqlstate, "42703")) {
            belay_error_prefix(err, "%s is no version table", name);
            belay_error_hint(
                err, "`version_table` of the target names it; Alembic's has one column, version_num");
        }
        return false;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(ret_heads, belay_rows_text(rows, i, 0));
    belay_list_sort(ret_heads);
    return true;
}

void belay_version_create_sql(belay_str *to, const char *located, bool unless_there)
{
    belay_str_appendf(to,
        "CREATE TABLE %s%s (\n    version_num VARCHAR(32) NOT NULL,\n"
        "    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n);\n",
        unless_there ? "IF NOT EXISTS " : "", located);
}

/* A named schema is not made: a mistyped name would begin the history anew, on a database that has one. */
static bool fail_no_schema(const belay_version_table *table, const belay_rows *rows, belay_error *err)
{
    bool elsewhere = !belay_rows_is_null(rows, 0, 4);
    belay_fail(err, BELAY_E_CONFIG, "the schema \"%s\" that version_table_schema names does not exist",
        table->schema);
    return belay_error_hint(err, "%s%s%sCREATE SCHEMA %s AUTHORIZATION %s;",
        elsewhere ? "the database has the version table " : "", elsewhere ? belay_rows_text(rows, 0, 4) : "",
        elsewhere ? ": if that is the one, correct version_table_schema of the target; otherwise " : "",
        belay_rows_text(rows, 0, 2), belay_rows_text(rows, 0, 3));
}

/* Where the version table is to be created. */
static bool place_for_table(belay_pg *pg, const belay_version_table *table, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *found = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (table->schema == NULL && !belay_pg_value(pg, sql_version_schema, NULL, 0, &found, err))
        return false;
    const char *schema = table->schema == NULL ? found : table->schema;
    if (schema == NULL) {
        belay_fail(err, BELAY_E_CONFIG,
            "no schema of the role's search_path exists, so there is no place for %s", table->name);
        return belay_error_hint(err, "set version_table_schema for the target, or create the schema");
    }
    if (!belay_pg_queryp(pg, sql_version_place, &rows, err, schema, table->name))
        return false;
    if (!belay_rows_bool(rows, 0, 0))
        return fail_no_schema(table, rows, err);
    if (!belay_rows_bool(rows, 0, 1)) {
        belay_fail(err, BELAY_E_PERMISSION, "role %s may not create the version table in schema %s",
            belay_rows_text(rows, 0, 3), belay_rows_text(rows, 0, 2));
        return belay_error_hint(err, "as the schema's owner: GRANT CREATE ON SCHEMA %s TO %s;",
            belay_rows_text(rows, 0, 2), belay_rows_text(rows, 0, 3));
    }
    *ret = belay_quote_qualified(schema, table->name);
    return true;
}

static bool check_table_rights(belay_pg *pg, const char *located, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_version_rights, &rows, err, located))
        return false;
    if (belay_rows_bool(rows, 0, 0))
        return true;
    belay_fail(err, BELAY_E_PERMISSION, "role %s may not change the version table %s",
        belay_rows_text(rows, 0, 1), located);
    return belay_error_hint(err, "as the table's owner: GRANT SELECT, INSERT, DELETE ON %s TO %s;", located,
        belay_rows_text(rows, 0, 1));
}

/* The statements for the ledger, or the right that is missing. */
static bool ledger_statements(belay_pg *pg, belay_str *to, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_ledger_rights, &rows, err))
        return false;
    if (!belay_rows_bool(rows, 0, 5)) {
        const char *role = belay_rows_text(rows, 0, 3);
        belay_fail(err, BELAY_E_PERMISSION, "role %s may not write the ledger in the schema \"belay\"", role);
        return belay_error_hint(err,
            "as its owner: GRANT USAGE ON SCHEMA belay TO %s; "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA belay TO %s;",
            role, role);
    }
    if (belay_rows_bool(rows, 0, 0))
        return true;
    if (!belay_rows_bool(rows, 0, 1) && !belay_rows_bool(rows, 0, 4)) {
        belay_fail(err, BELAY_E_PERMISSION,
            "role %s may not create the schema \"belay\" for the ledger in %s", belay_rows_text(rows, 0, 3),
            belay_rows_text(rows, 0, 2));
        return belay_error_hint(err,
            "as the database's owner: GRANT CREATE ON DATABASE %s TO %s; or "
            "CREATE SCHEMA belay AUTHORIZATION %s;",
            belay_rows_text(rows, 0, 2), belay_rows_text(rows, 0, 3), belay_rows_text(rows, 0, 3));
    }
    const char *create = sql_ledger_create;
    if (belay_rows_bool(rows, 0, 4)) /* IF NOT EXISTS still asks for CREATE on the database */
        create = strstr(create, "CREATE TABLE");
    belay_str_append(to, create);
    belay_str_append(to, ";\n");
    return true;
}

bool belay_version_check(belay_pg *pg, const belay_version_table *table, belay_error *err)
{
    BELAY_AUTO(belay_free) char *located = NULL;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_version_locate(pg, table, &located, err))
        return false;
    bool ok =
        located == NULL ? place_for_table(pg, table, &located, err) : check_table_rights(pg, located, err);
    return ok && ledger_statements(pg, &sql, err);
}

bool belay_version_prepare(belay_pg *pg, const belay_version_table *table, belay_error *err)
{
    BELAY_AUTO(belay_free) char *located = NULL;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_version_locate(pg, table, &located, err))
        return false;
    if (located == NULL) {
        if (!place_for_table(pg, table, &located, err))
            return false;
        belay_version_create_sql(&sql, located, false);
    }
    if (!ledger_statements(pg, &sql, err))
        return false;
    if (sql.length == 0)
        return true;
    if (!belay_pg_execf(pg, err, "BEGIN; %s COMMIT", belay_str_text(&sql))) {
        belay_pg_exec(pg, "ROLLBACK", NULL);
        return belay_error_prefix(err, "cannot create the version table %s and the ledger", located);
    }
    return true;
}

static void append_literal(belay_str *to, const char *text)
{
    if (text == NULL || *text == '\0') {
        belay_str_append(to, "NULL");
        return;
    }
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(text);
    belay_str_append(to, literal);
}

static void append_number(belay_str *to, long long number)
{
    if (number < 0)
        belay_str_append(to, "NULL");
    else
        belay_str_appendf(to, "%lld", number);
}

void belay_version_step_sql(belay_str *to, const char *located, const belay_step *step)
{
    for (size_t i = 0; i < step->remove_count; i++) {
        belay_str_appendf(to, "DELETE FROM %s WHERE version_num = ", located);
        append_literal(to, step->remove[i]);
        belay_str_append(to, ";\n");
    }
    for (size_t i = 0; i < step->add_count; i++) {
        belay_str_appendf(to, "INSERT INTO %s (version_num) VALUES (", located);
        append_literal(to, step->add[i]);
        belay_str_append(to, ");\n");
    }
}

/* user@host of this process. */
static char *who_runs(void)
{
    char host[BELAY_HOST_NAME_SIZE];
    belay_host_name(host);
    struct passwd entry, *found = NULL;
    char buffer[1024];
    getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
    return found == NULL ? belay_format("uid %ld@%s", (long)geteuid(), host)
                         : belay_format("%s@%s", found->pw_name, host);
}

void belay_ledger_row_sql(belay_str *to, const belay_ledger_row *row)
{
    BELAY_AUTO(belay_free) char *who = who_runs();
    belay_str_append(to, "INSERT INTO belay.ledger (run_id, reason, revision, heads, upgrade_sha256, "
                         "downgrade_sha256, file_sha256, statement_count, duration_ms, who) VALUES (");
    append_literal(to, row->run_id == NULL ? "-" : row->run_id);
    belay_str_append(to, ", ");
    append_literal(to, row->reason);
    belay_str_append(to, ", ");
    append_literal(to, row->revision);
    belay_str_append(to, ", ARRAY[");
    for (size_t i = 0; i < row->head_count; i++) {
        belay_str_append(to, i == 0 ? "" : ", ");
        append_literal(to, row->heads[i]);
    }
    belay_str_append(to, "]::pg_catalog.text[], ");
    const char *const hashes[] = {row->upgrade_sha256, row->downgrade_sha256, row->file_sha256};
    for (size_t i = 0; i < BELAY_COUNT(hashes); i++) {
        append_literal(to, hashes[i]);
        belay_str_append(to, ", ");
    }
    append_number(to, row->statements);
    belay_str_append(to, ", ");
    append_number(to, row->duration_ms);
    belay_str_append(to, ", ");
    append_literal(to, who);
    belay_str_append(to, ");\n");
}

bool belay_version_stamp(
    belay_pg *pg, const belay_version_table *table, const belay_stamp *what, belay_error *err)
{
    BELAY_AUTO(belay_free) char *located = NULL;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_version_locate(pg, table, &located, err))
        return false;
    if (located == NULL && what->sparing && what->head_count == 0)
        return true;
    if (!belay_version_prepare(pg, table, err) ||
        (located == NULL && !belay_version_locate(pg, table, &located, err)))
        return false;
    belay_str_appendf(&sql, "BEGIN; LOCK TABLE %s IN EXCLUSIVE MODE; DELETE FROM %s;\n", located, located);
    belay_version_step_sql(&sql, located, &(belay_step){.add = what->heads, .add_count = what->head_count});
    belay_ledger_row row = {.run_id = what->run_id,
        .reason = what->reason,
        .heads = what->heads,
        .head_count = what->head_count,
        .statements = -1,
        .duration_ms = -1};
    belay_ledger_row_sql(&sql, &row);
    if (!belay_pg_exec(pg, belay_str_text(&sql), err) ||
        (what->may_commit != NULL && !what->may_commit(what->may_commit_context, err)) ||
        !belay_pg_exec(pg, "COMMIT", err)) {
        belay_pg_exec(pg, "ROLLBACK", NULL);
        return belay_error_prefix(err, "cannot stamp %s", located);
    }
    return belay_ledger_note_schema(pg, what->schema_hash, err);
}
