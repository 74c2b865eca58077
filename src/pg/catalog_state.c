#include "pg/catalog_state.h"

#include "pg/catalog_state.sql.h"

bool belay_catalog_state(belay_pg *pg, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *sums = NULL;
    BELAY_AUTO(belay_free) char *plain = NULL;
    if (!belay_pg_value(pg, sql_catalog_plain, NULL, 0, &plain, err))
        return false;
    BELAY_AUTO(belay_free) char *sql = belay_format("%s%s", sql_catalog_special, plain);
    if (!belay_pg_query0(pg, sql, &sums, err))
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
