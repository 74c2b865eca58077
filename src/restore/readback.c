#include "restore/readback.h"

#include "pg/names.h"

/* Signature, flags and the length of the header extension; a tuple count of -1 ends the data. */
enum { BINARY_HEADER_BYTES = 19, BINARY_TRAILER_BYTES = 2 };
static const char binary_signature[11] = "PGCOPY\n\377\r\n";

static bool is_header(const char *data, size_t size)
{
    return size >= BINARY_HEADER_BYTES && memcmp(data, binary_signature, sizeof binary_signature) == 0;
}

static bool is_trailer(const char *data, size_t size)
{
    return size == BINARY_TRAILER_BYTES && memcmp(data, "\377\377", BINARY_TRAILER_BYTES) == 0;
}

bool belay_readback_copy(belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err)
{
    if (!belay_pg_copy_out_begin(pg, copy, err))
        return false;
    const char *data = NULL;
    size_t size = 0;
    bool first = true;
    belay_copy_status status;
    while ((status = belay_pg_copy_read(pg, &data, &size, err)) == BELAY_COPY_ROW) {
        if (binary && first && is_header(data, size)) {
            data += BINARY_HEADER_BYTES;
            size -= BINARY_HEADER_BYTES;
        }
        first = false;
        if (binary && (size == 0 || is_trailer(data, size)))
            continue;
        belay_rowsum_add(&ret->sum, data, size);
        ret->bytes += size;
    }
    return status == BELAY_COPY_END;
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
