/* Begins the snapshot, reads where sequences stand, locks what the snapshot reads, and lists the tables. */
#include "pg/names.h"
#include "snapshot/parts.h"
#include "snapshot/plan.sql.h"
#include "util/clock.h"
#include "util/stop.h"

enum { LOCKS_PER_STATEMENT = 200 };

static bool begin(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_exec(t->pg, sql_plan_begin, err) || !belay_pg_query0(t->pg, sql_plan_export, &rows, err))
        return false;
    t->snapshot = belay_strdup(belay_rows_text(rows, 0, 0));
    t->encoding = belay_strdup(belay_rows_text(rows, 0, 1));
    t->plain_names = belay_name_plain(t->encoding);
    return true;
}

/* After a lock timeout: who holds or waits for what stands in the way. */
static bool name_blocker(belay_taking *t, const char *oids, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_str_done) belay_str who = BELAY_STR_INIT;
    belay_fail(err, BELAY_E_LOCK_TIMEOUT, "a table stayed locked for %lld ms: the snapshot could not read it",
        (long long)t->lock_wait_ms);
    snprintf(err->sqlstate, sizeof err->sqlstate, "55P03");
    belay_error_hint(err,
        "end the session that holds the lock (a prepared transaction: COMMIT PREPARED or ROLLBACK "
        "PREPARED), or try again when it is done");
    if (!belay_pg_exec(t->pg, "ROLLBACK", NULL) ||
        !belay_pg_queryp(t->pg, sql_plan_blockers, &rows, NULL, oids))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_str_appendf(&who, "%s%s", i == 0 ? "" : "\n", belay_rows_text(rows, i, 0));
    return belay_error_detail(err, "%s", belay_str_text(&who));
}

/* All batches share the time to wait: those that are locked already stand in others' way meanwhile. */
static bool lock_batch(belay_taking *t, const belay_rows *relations, size_t from, size_t to, const char *oids,
    int64_t began_ms, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_error fault = {0};
    int64_t left_ms = t->lock_wait_ms - (belay_now_ms() - began_ms);
    belay_str_appendf(&sql, "SET LOCAL lock_timeout = %lld; ", (long long)(left_ms < 1 ? 1 : left_ms));
    for (size_t i = from; i < to; i++) {
        BELAY_AUTO(belay_free)
        char *name =
            belay_quote_qualified(belay_rows_text(relations, i, 1), belay_rows_text(relations, i, 2));
        belay_str_appendf(&sql, "%s%s", i == from ? "LOCK TABLE ONLY " : ", ONLY ", name);
    }
    belay_str_append(&sql, " IN ACCESS SHARE MODE");
    if (belay_pg_exec(t->pg, belay_str_text(&sql), &fault))
        return true;
    if (err != NULL)
        *err = fault;
    if (err != NULL && belay_equal(fault.sqlstate, "55P03"))
        return name_blocker(t, oids, err);
    belay_error_prefix(err, "locking the tables to read");
    if (fault.code == BELAY_E_PERMISSION)
        return belay_error_hint(err, "the role must be able to read every table; a superuser can "
                                     "GRANT pg_read_all_data TO it");
    if (belay_equal(fault.sqlstate, "42P01"))
        return belay_error_hint(err, "a table was dropped in this moment: run the command again");
    return false;
}

static char *list_oids(const belay_rows *relations)
{
    belay_str oids = BELAY_STR_INIT;
    for (size_t i = 0; i < belay_rows_count(relations); i++)
        belay_str_appendf(&oids, "%c%s", i == 0 ? '{' : ',', belay_rows_text(relations, i, 0));
    belay_str_append(&oids, oids.length == 0 ? "{}" : "}");
    return belay_str_steal(&oids);
}

static bool lock_all(belay_taking *t, char **ret_oids, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *relations = NULL;
    if (!belay_pg_query0(t->pg, sql_plan_relations, &relations, err))
        return false;
    size_t count = belay_rows_count(relations);
    *ret_oids = list_oids(relations);
    int64_t began_ms = belay_now_ms();
    if (!belay_lock_table_check(t->pg, count, err))
        return false;
    for (size_t i = 0; i < count; i += LOCKS_PER_STATEMENT) {
        size_t to = i + LOCKS_PER_STATEMENT < count ? i + LOCKS_PER_STATEMENT : count;
        if (!belay_stop_check(err) || !lock_batch(t, relations, i, to, *ret_oids, began_ms, err))
            return false;
    }
    return true;
}

/* A JSON array of names into the arena. */
static const char *const *names_of(belay_taking *t, const char *text, size_t *ret_count, belay_error *err)
{
    json_error_t fault;
    json_t *array = json_loads(text, 0, &fault);
    if (!json_is_array(array)) {
        json_decref(array);
        belay_fail(err, BELAY_E_INTERNAL, "column names are not readable: %s", fault.text);
        return NULL;
    }
    *ret_count = json_array_size(array);
    const char **names = belay_arena_alloc(t->arena, (*ret_count + 1) * sizeof *names);
    for (size_t i = 0; i < *ret_count; i++)
        names[i] = belay_arena_strdup(t->arena, json_string_value(json_array_get(array, i)));
    json_decref(array);
    return names;
}

static const char *optional(belay_taking *t, const belay_rows *rows, size_t row, size_t column)
{
    return belay_rows_is_null(rows, row, column)
               ? NULL
               : belay_arena_strdup(t->arena, belay_rows_text(rows, row, column));
}

/* Bytes of types that are not fixed carry OIDs, which are others in a restored database. */
static bool choose_format(belay_taking *t, belay_table *table, bool is_fixed, belay_error *err)
{
    belay_copy_format wanted = t->options->target->format;
    table->format = is_fixed && wanted != BELAY_COPY_FORMAT_TEXT ? "binary" : "text";
    if (is_fixed || wanted != BELAY_COPY_FORMAT_BINARY)
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT,
        "table %s.%s has columns of types whose binary form holds only in this database", table->schema,
        table->name);
    return belay_error_hint(err, "format = auto takes such tables as text, the others in binary");
}

static bool take_table(belay_taking *t, const belay_rows *rows, size_t i, belay_error *err)
{
    belay_table *table = &t->tables[i];
    table->schema = belay_arena_strdup(t->arena, belay_rows_text(rows, i, 0));
    table->name = belay_arena_strdup(t->arena, belay_rows_text(rows, i, 1));
    t->planned[i] = (belay_planned){.table = table,
        .oid = belay_arena_strdup(t->arena, belay_rows_text(rows, i, 9)),
        .is_heap = belay_rows_bool(rows, i, 10),
        .block_count = (uint64_t)belay_rows_int(rows, i, 11),
        .total_bytes = (uint64_t)belay_rows_int(rows, i, 2)};
    BELAY_AUTO(belay_free) char *folder = belay_taking_folder(table->schema, table->name);
    t->planned[i].folder = belay_arena_strdup(t->arena, folder);
    t->progress.total_bytes += t->planned[i].total_bytes;
    if (!choose_format(t, table, belay_rows_bool(rows, i, 3), err))
        return false;
    table->columns = names_of(t, belay_rows_text(rows, i, 4), &table->column_count, err);
    table->generated = names_of(t, belay_rows_text(rows, i, 5), &table->generated_count, err);
    table->filter = optional(t, rows, i, 6);
    table->root_schema = optional(t, rows, i, 7);
    table->root_name = optional(t, rows, i, 8);
    return table->columns != NULL && table->generated != NULL;
}

static bool list_tables(belay_taking *t, const char *oids, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(t->pg, sql_plan_tables, &rows, err, oids))
        return false;
    t->table_count = belay_rows_count(rows);
    t->tables = belay_arena_alloc(t->arena, (t->table_count + 1) * sizeof *t->tables);
    t->planned = belay_arena_alloc(t->arena, (t->table_count + 1) * sizeof *t->planned);
    for (size_t i = 0; i < t->table_count; i++) {
        if (!take_table(t, rows, i, err))
            return false;
    }
    return true;
}

bool belay_taking_plan(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_free) char *oids = NULL;
    return belay_dump_find(t->server_version, &t->programs, err) && begin(t, err) &&
           belay_sequences_read(t, err) && lock_all(t, &oids, err) && belay_taking_dump(t, err) &&
           list_tables(t, oids, err);
}
