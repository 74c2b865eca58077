#include "restore/readback.h"

#include "pg/names.h"

static bool add_row(void *context, const void *row, size_t size_bytes, belay_error *err)
{
    (void)err;
    belay_readback *to = context;
    belay_rowsum_add(&to->sum, row, size_bytes);
    to->bytes += size_bytes;
    return true;
}

bool belay_readback_copy(belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err)
{
    return belay_pg_copy_rows(pg, copy, binary, add_row, ret, err);
}

bool belay_readback_by_path(
    belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *both = belay_format("SET LOCAL search_path = DEFAULT; %s", copy);
    *ret = (belay_readback){0};
    belay_error_clear(err);
    return belay_readback_copy(pg, both, binary, ret, err);
}

static char *condition(const belay_table *table, belay_page_range range)
{
    BELAY_AUTO(belay_free)
    char *end = range.end == 0 ? belay_strdup("")
                               : belay_format(" AND ctid OPERATOR(pg_catalog.<) '(%llu,0)'",
                                     (unsigned long long)range.end);
    BELAY_AUTO(belay_free)
    char *pages =
        range.from == 0 && range.end == 0
            ? belay_strdup("")
            : belay_format("ctid OPERATOR(pg_catalog.>=) '(%llu,0)'%s", (unsigned long long)range.from, end);
    bool filter = table->filter != NULL;
    bool both = filter && pages[0] != '\0';
    return belay_format("%s%s%s%s%s%s", filter || pages[0] != '\0' ? " WHERE " : "", pages,
        both ? " AND " : "", filter ? "(" : "", filter ? table->filter : "", filter ? ")" : "");
}

char *belay_readback_statement(
    const belay_table *table, bool generated, bool plain_names, belay_page_range range)
{
    bool root = table->root_name != NULL;
    BELAY_AUTO(belay_free)
    char *name = belay_name_qualified(
        root ? table->root_schema : table->schema, root ? table->root_name : table->name, plain_names);
    BELAY_AUTO(belay_free)
    char *columns = generated ? belay_name_columns(table->generated, table->generated_count, plain_names)
                              : belay_name_columns(table->columns, table->column_count, plain_names);
    BELAY_AUTO(belay_free) char *where = condition(table, range);
    return belay_format("COPY (SELECT %s FROM %s%s%s) TO STDOUT (FORMAT %s)", columns, root ? "" : "ONLY ",
        name, where, table->format);
}
