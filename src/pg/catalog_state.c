#include "pg/catalog_state.h"

#include "pg/catalog_state.sql.h"

static void add_catalog(belay_str *sql, const char *name)
{
    BELAY_AUTO(belay_free) char *table = belay_quote_qualified("pg_catalog", name);
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(name);
    belay_str_appendf(sql,
        "\nUNION ALL SELECT %s, pg_catalog.count(*), "
        "pg_catalog.sum(pg_catalog.hashtextextended(t::pg_catalog.text, 0)) FROM %s t",
        literal, table);
}

bool belay_catalog_state(belay_pg *pg, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *names = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *sums = NULL;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_pg_query0(pg, sql_catalogs, &names, err))
        return false;
    belay_str_append(&sql, sql_catalog_special);
    for (size_t i = 0; i < belay_rows_count(names); i++)
        add_catalog(&sql, belay_rows_text(names, i, 0));
    if (!belay_pg_query0(pg, belay_str_text(&sql), &sums, err))
        return belay_error_prefix(err, "cannot read the catalogues");
    json_t *state = json_object();
    for (size_t i = 0; i < belay_rows_count(sums); i++) {
        BELAY_AUTO(belay_free)
        char *value = belay_format("%s %s", belay_rows_text(sums, i, 1), belay_rows_text(sums, i, 2));
        json_object_set_new(state, belay_rows_text(sums, i, 0), json_string(value));
    }
    *ret = state;
    return true;
}

static void note_unlike(const json_t *one, const json_t *other, belay_list *names)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)one, name, value)
    {
        if (!json_equal(value, json_object_get(other, name)) && !belay_list_has(names, name))
            belay_list_add(names, name);
    }
}

char *belay_catalog_difference(const json_t *before, const json_t *after)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    note_unlike(before, after, &names);
    note_unlike(after, before, &names);
    belay_list_sort(&names);
    return names.count == 0 ? NULL : belay_list_join(&names, ", ");
}
