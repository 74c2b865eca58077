#include "restore/beside.h"

#include "pg/names.h"
#include "restore/beside.sql.h"
#include "restore/beside_ddl.h"
#include "restore/beside_plan.h"
#include "restore/beside_rows.h"
#include "restore/load.h"
#include "restore/qualified.h"
#include "restore/restore.sql.h"
#include "restore/search_path.h"
#include "util/json.h"
#include "util/stop.h"

enum { ID_TAIL = 6 }; /* random digits at the end of an id */

void belay_beside_result_done(belay_beside_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        free(result->tables[i].from);
        free(result->tables[i].into);
    }
    free(result->tables);
    free(result->witness);
    belay_list_done(&result->left_out);
    belay_list_done(&result->warnings);
    *result = (belay_beside_result){0};
}

/* What the steps share. */
typedef struct beside {
    const belay_beside_options *options;
    belay_archive *archive;
    belay_toc *toc;
    belay_beside_plan plan;
    belay_pg *pg;
    const char *tail; /* of the snapshot's id */
    char *schema;     /* where the tables are made */
    char *path;       /* sets the source's search_path */
    /* with into_table: where the one table goes at the end; NULL without */
    char *final_schema, *final_name;
} beside;

static void beside_done_p(beside *b)
{
    belay_pg_close(b->pg);
    belay_beside_plan_done(&b->plan);
    belay_toc_free(b->toc);
    free(b->schema);
    free(b->path);
    free(b->final_schema);
    free(b->final_name);
}

static const char *tail_of(const char *id)
{
    size_t length = strlen(id);
    return length < ID_TAIL ? id : id + length - ID_TAIL;
}

static bool name_one(beside *b, belay_error *err)
{
    const char *wanted = b->options->into_table;
    const char *dot = strchr(wanted, '.');
    if (b->plan.tables.count != 1) {
        belay_fail(err, BELAY_E_USAGE, "--into-table is for one table that is not partitioned");
        return belay_error_hint(err, "use --into-schema for several, or for a table with its partitions");
    }
    b->final_schema = dot == NULL ? belay_qualified_schema(b->plan.tables.items[0])
                                  : belay_strndup(wanted, (size_t)(dot - wanted));
    b->final_name = belay_strdup(dot == NULL ? wanted : dot + 1);
    b->schema = belay_format("belay_%s", b->options->run_id);
    return true;
}

/* The server would cut a longer name, and nobody would find the table under the one that was asked for. */
static bool check_name(const char *name, const char *option, belay_error *err)
{
    size_t length = strlen(name);
    if (length > 0 && length <= BELAY_NAME_MAX_BYTES)
        return true;
    return belay_fail(err, BELAY_E_USAGE, "%s: \"%s\" is %zu bytes long, and a name has 1 to %d", option,
        name, length, BELAY_NAME_MAX_BYTES);
}

static bool name_schema(beside *b, belay_error *err)
{
    if (b->options->into_table != NULL)
        return name_one(b, err) && check_name(b->final_schema, "--into-table", err) &&
               check_name(b->final_name, "--into-table", err);
    b->schema = b->options->into_schema != NULL ? belay_strdup(b->options->into_schema)
                                                : belay_format(BELAY_BESIDE_SCHEMA "%s", b->tail);
    return check_name(b->schema, "--into-schema", err);
}

/* ["orders", ...]; the caller frees. */
static char *names_json(const belay_list *keys)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    for (size_t i = 0; i < keys->count; i++)
        belay_list_add_owned(&names, belay_qualified_name(keys->items[i]));
    BELAY_AUTO(belay_json_free) json_t *json = belay_json_of_list(&names);
    return json_dumps(json, JSON_COMPACT);
}

static bool check_free(beside *b, const char *schema, const char *names, belay_error *err)
{
    BELAY_AUTO(belay_free) char *taken = NULL;
    if (!belay_pg_value(b->pg, sql_beside_taken, (const char *const[]){schema, names}, 2, &taken, err))
        return false;
    if (taken == NULL)
        return true;
    belay_fail(err, BELAY_E_POLICY, "%s is there already: nothing was restored", taken);
    return belay_error_hint(err, "another name: --into-schema NAME, or --into-table NAME for one table");
}

static bool exists(beside *b, const char *schema, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *oid = NULL;
    if (!belay_pg_value(b->pg, sql_beside_schema, (const char *const[]){schema}, 1, &oid, err))
        return false;
    *ret = oid != NULL;
    return true;
}

static bool make_schema(beside *b, belay_error *err)
{
    bool there = false;
    BELAY_AUTO(belay_free) char *names = names_json(&b->plan.keys);
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(b->schema);
    if (!exists(b, b->schema, &there, err))
        return false;
    if (there)
        return check_free(b, b->schema, names, err);
    if (belay_pg_execf(b->pg, err, "CREATE SCHEMA %s", quoted))
        return true;
    if (err != NULL && err->code == BELAY_E_PERMISSION)
        belay_error_hint(err,
            "making a schema wants GRANT CREATE ON DATABASE %s; or name one with --into-schema where this "
            "role may create tables",
            b->options->dbname);
    return false;
}

static bool check_final(beside *b, belay_error *err)
{
    bool there = false;
    if (b->final_schema == NULL)
        return true;
    BELAY_AUTO(belay_json_free) json_t *list = json_pack("[s]", b->final_name);
    BELAY_AUTO(belay_free) char *names = json_dumps(list, JSON_COMPACT);
    if (!exists(b, b->final_schema, &there, err))
        return false;
    if (!there)
        return belay_fail(err, BELAY_E_NOT_FOUND, "the database has no schema \"%s\"", b->final_schema);
    return check_free(b, b->final_schema, names, err);
}

/* A new table of a published schema, or any under FOR ALL TABLES, would break the subscribers that lack it.
 */
static bool check_published(beside *b, belay_error *err)
{
    BELAY_AUTO(belay_free) char *names = names_json(&b->plan.tables);
    BELAY_AUTO(belay_free) char *by = NULL;
    if (b->options->publish)
        return true;
    if (!belay_pg_value(b->pg, sql_beside_published, (const char *const[]){b->schema, names}, 2, &by, err))
        return false;
    if (by == NULL)
        return true;
    belay_fail(err, BELAY_E_POLICY,
        "the publication %s would send the restored rows to its subscribers, which have no such table", by);
    return belay_error_hint(err,
        "add --ignore-followers when that does no harm; or restore the snapshot into "
        "another target, and copy from there");
}

static bool run_rows(beside *b, belay_beside_result *ret, belay_error *err)
{
    const char *encoding =
        belay_json_text_or(json_object_get(b->toc->header, "database"), "encoding", "UTF8");
    belay_beside_rows rows = {.pg = b->pg,
        .archive = b->archive,
        .plan = &b->plan,
        .schema = b->schema,
        .path = b->path,
        .plain_names = belay_name_plain(encoding),
        .reporter = b->options->reporter,
        .warnings = &ret->warnings};
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(encoding);
    bool ok = belay_pg_execf(b->pg, err, "SET client_encoding = %s", literal) &&
              belay_beside_load(&rows, err) && belay_beside_compare(&rows, err) &&
              belay_pg_exec(b->pg, "SET client_encoding = 'UTF8'", err);
    ret->rows = rows.rows;
    ret->raw_bytes = rows.raw_bytes;
    return ok;
}

static bool set_sequence(beside *b, const json_t *sequence, belay_error *err)
{
    const char *name = belay_json_text_or(sequence, "name", "");
    BELAY_AUTO(belay_free)
    char *key = belay_quote_qualified(belay_json_text_or(sequence, "schema", ""), name);
    if (!belay_list_has(&b->plan.keys, key))
        return true;
    BELAY_AUTO(belay_free) char *moved = belay_quote_qualified(b->schema, name);
    BELAY_AUTO(belay_free)
    char *value =
        belay_format("%lld", (long long)json_integer_value(json_object_get(sequence, "last_value")));
    const char *called = json_is_true(json_object_get(sequence, "is_called")) ? "true" : "false";
    return belay_pg_queryp(b->pg, sql_set_sequence, NULL, err, moved, value, called);
}

static bool set_sequences(beside *b, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *sequences = NULL;
    if (!belay_load_json(b->archive, "sequences.json", &sequences, err))
        return false;
    for (size_t i = 0; i < json_array_size(sequences); i++) {
        if (!set_sequence(b, json_array_get(sequences, i), err))
            return false;
    }
    return true;
}

/* The one table gets its final name, in the schema where it is to be. */
static bool move_one(beside *b, belay_error *err)
{
    if (b->final_schema == NULL)
        return true;
    BELAY_AUTO(belay_free) char *old = belay_qualified_name(b->plan.tables.items[0]);
    BELAY_AUTO(belay_free) char *from = belay_quote_qualified(b->schema, old);
    BELAY_AUTO(belay_free) char *renamed = belay_quote_qualified(b->schema, b->final_name);
    BELAY_AUTO(belay_free) char *name = belay_quote_ident(b->final_name);
    BELAY_AUTO(belay_free) char *into = belay_quote_ident(b->final_schema);
    BELAY_AUTO(belay_free) char *made = belay_quote_ident(b->schema);
    BELAY_AUTO(belay_free) char *renames = NULL;
    if (!belay_pg_value(b->pg, sql_beside_free_names,
            (const char *const[]){b->schema, b->final_schema, tail_of(b->options->run_id)}, 3, &renames,
            err) ||
        (renames != NULL && !belay_pg_exec(b->pg, renames, err)) ||
        (!belay_equal(old, b->final_name) &&
            !belay_pg_execf(b->pg, err, "ALTER TABLE %s RENAME TO %s", from, name)))
        return false;
    return belay_pg_execf(b->pg, err, "ALTER TABLE %s SET SCHEMA %s; DROP SCHEMA %s", renamed, into, made);
}

/* What tells afterwards, when the answer to COMMIT is lost, whether it was done. */
static bool note_witness(beside *b, belay_beside_result *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *first = belay_qualified_name(b->plan.tables.items[0]);
    BELAY_AUTO(belay_free)
    char *name = b->final_schema != NULL ? belay_quote_qualified(b->final_schema, b->final_name)
                                         : belay_quote_qualified(b->schema, first);
    return belay_pg_value(b->pg, sql_beside_witness, (const char *const[]){name}, 1, &ret->witness, err);
}

static bool commit(beside *b, belay_beside_result *ret, belay_error *err)
{
    const belay_beside_options *o = b->options;
    return (o->may_commit == NULL || o->may_commit(o->may_commit_context, err)) &&
           note_witness(b, ret, err) && belay_pg_exec(b->pg, "SET LOCAL synchronous_commit = on", err) &&
           belay_pg_exec(b->pg, "COMMIT", err);
}

static void fill_result(beside *b, belay_beside_result *ret)
{
    const belay_manifest *m = belay_archive_manifest(b->archive);
    ret->tables = belay_realloc_array(NULL, m->table_count + 1, sizeof *ret->tables);
    for (size_t i = 0; i < m->table_count; i++) {
        const belay_table *t = &m->tables[i];
        if (!belay_beside_has(&b->plan, t->schema, t->name))
            continue;
        ret->tables[ret->count++] = (belay_beside_table){.from = belay_name_typed(t->schema, t->name),
            .into = b->final_schema != NULL ? belay_name_typed(b->final_schema, b->final_name)
                                            : belay_name_typed(b->schema, t->name),
            .rows = t->rows};
    }
    ret->left_out = b->plan.left_out;
    b->plan.left_out = (belay_list){0};
}

/* In the transaction. */
static bool make(beside *b, belay_beside_result *ret, belay_error *err)
{
    const belay_beside_plan *p = &b->plan;
    const belay_beside_ddl ddl = {b->pg, p, b->schema, b->path, b->options->reporter, &ret->warnings};
    return make_schema(b, err) && check_final(b, err) &&
           belay_beside_make(&ddl, b->toc->pre_prologue, 0, p->pre_count, err) && check_published(b, err) &&
           run_rows(b, ret, err) &&
           belay_beside_make(&ddl, b->toc->post_prologue, p->pre_count, p->count, err) &&
           set_sequences(b, err) && belay_beside_analyze(&ddl, err) && move_one(b, err);
}

bool belay_beside_restore(
    const belay_beside_options *options, belay_archive *archive, belay_beside_result *ret, belay_error *err)
{
    BELAY_AUTO(beside_done) beside b = {.options = options, .archive = archive};
    const belay_pg_options how = {
        .dbname = options->dbname, .application_name = options->run_id, .profile = BELAY_PG_DATA};
    b.tail = tail_of(belay_archive_manifest(archive)->id);
    if (!belay_toc_read(archive, &b.toc, err) ||
        !belay_beside_choose(b.toc, options->tables, options->schemas, &b.plan, err) ||
        !name_schema(&b, err) || !belay_pg_open(options->dialer, &how, &b.pg, err) ||
        !belay_pg_exec(b.pg, "BEGIN; SET LOCAL client_encoding = 'UTF8'", err))
        return false;
    b.path = belay_search_path_sql(b.toc, true);
    if (!make(&b, ret, err)) {
        belay_pg_exec(b.pg, "ROLLBACK", NULL);
        return false;
    }
    fill_result(&b, ret);
    return commit(&b, ret, err);
}

bool belay_beside_was_committed(
    const belay_beside_options *options, const belay_beside_result *result, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_free) char *there = NULL;
    const belay_pg_options how = {
        .dbname = options->dbname, .application_name = options->run_id, .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(options->dialer, &how, &pg, err) ||
        !belay_pg_value(pg, sql_beside_is_there, (const char *const[]){result->witness}, 1, &there, err))
        return false;
    *ret = belay_equal(there, "t");
    return true;
}
