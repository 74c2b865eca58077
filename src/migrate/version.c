#include "migrate/version.h"

static char *qualified(const belay_version_table *table)
{
    if (table->schema == NULL)
        return belay_quote_ident(table->name);
    return belay_quote_qualified(table->schema, table->name);
}

bool belay_version_read(
    belay_pg *pg, const belay_version_table *table, belay_list *ret_heads, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = qualified(table);
    BELAY_AUTO(belay_free) char *found = NULL;
    if (!belay_pg_value(pg, "SELECT pg_catalog.to_regclass($1)", (const char *const[]){name}, 1, &found, err))
        return false;
    if (found == NULL)
        return true;
    BELAY_AUTO(belay_free) char *sql = belay_format("SELECT version_num FROM %s ORDER BY 1", name);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(ret_heads, belay_rows_text(rows, i, 0));
    return true;
}
