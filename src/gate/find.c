/* Which databases on the server are belay's, and what for. */

#include "gate/gate.sql.h"
#include "gate/gate_internal.h"
#include "pg/dbcomment.h"
#include "util/json.h"

static char *json_copy_text(const json_t *object, const char *key)
{
    const char *text = belay_json_text(object, key);
    return text == NULL ? NULL : belay_strdup(text);
}

/* "bank__belay_twin_3f2a9c": "bank", "twin", "3f2a9c"; a name without kind is a gate's. */
static void read_name(belay_gate_database *one)
{
    const char *mark = strstr(one->name, BELAY_NAME_MARK);
    if (mark == NULL)
        return;
    for (const char *next = mark; (next = strstr(next + 1, BELAY_NAME_MARK)) != NULL;)
        mark = next;
    const char *suffix = mark + strlen(BELAY_NAME_MARK);
    const char *random = strrchr(suffix, '_');
    if (one->public_name == NULL)
        one->public_name = belay_strndup(one->name, (size_t)(mark - one->name));
    if (one->run == NULL)
        one->run = belay_strdup(random == NULL ? suffix : random + 1);
    if (random == NULL)
        one->kind = belay_strdup("gate");
    else
        one->kind = belay_strndup(suffix, (size_t)(random - suffix));
}

static void read_row(const belay_rows *rows, size_t row, belay_gate_database *one)
{
    json_t *mark = NULL;
    belay_dbcomment_split(
        belay_rows_is_null(rows, row, 2) ? NULL : belay_rows_text(rows, row, 2), NULL, &mark);
    *one = (belay_gate_database){.oid = (uint32_t)belay_rows_int(rows, row, 0),
        .name = belay_strdup(belay_rows_text(rows, row, 1)),
        .public_name = json_copy_text(mark, "name"),
        .run = json_copy_text(mark, "run"),
        .host = json_copy_text(mark, "host"),
        .size_bytes = belay_rows_is_null(rows, row, 3) ? -1 : belay_rows_int(rows, row, 3)};
    read_name(one);
    if (one->kind == NULL)
        one->kind = json_copy_text(mark, "state");
    if (one->kind == NULL)
        one->kind = belay_strdup("unknown");
    json_decref(mark);
}

static void database_done(belay_gate_database *one)
{
    free(one->name);
    free(one->public_name);
    free(one->run);
    free(one->host);
    free(one->kind);
}

void belay_gate_databases_done(belay_gate_databases *databases)
{
    for (size_t i = 0; i < databases->count; i++)
        database_done(&databases->items[i]);
    free(databases->items);
    *databases = (belay_gate_databases){0};
}

/* Names that were cut carry the hash of the whole one: made again from the public name, they must be equal.
 */
static bool belongs(const belay_gate_database *one, const char *public_name)
{
    if (public_name == NULL || (one->public_name != NULL && belay_equal(one->public_name, public_name)))
        return true;
    char expected[BELAY_DBNAME_SIZE];
    if (one->run == NULL)
        return false;
    belay_gate_name(public_name, belay_equal(one->kind, "gate") ? NULL : one->kind, one->run, expected);
    return belay_equal(expected, one->name);
}

bool belay_gate_oid_of(belay_pg *pg, const char *dbname, uint32_t *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_database_by_name, &rows, err, dbname))
        return false;
    *ret = belay_rows_count(rows) == 0 ? 0 : (uint32_t)belay_rows_int(rows, 0, 0);
    return true;
}

bool belay_gate_find(belay_pg *pg, const char *public_name, belay_gate_databases *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_find, &rows, err))
        return false;
    size_t count = belay_rows_count(rows);
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    found.items = belay_realloc_array(NULL, count + 1, sizeof *found.items);
    for (size_t i = 0; i < count; i++) {
        belay_gate_database one;
        read_row(rows, i, &one);
        if (belongs(&one, public_name))
            found.items[found.count++] = one;
        else
            database_done(&one);
    }
    *ret = found;
    found = (belay_gate_databases){0};
    return true;
}
