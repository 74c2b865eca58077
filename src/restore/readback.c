#include "restore/readback.h"

#include "pg/names.h"
#include "restore/restore.sql.h"

enum { PART_BYTES = 64 * 1024 * 1024, MOST_PARTS = 256 };

static bool add_row(void *context, const void *row, size_t size_bytes, belay_error *err)
{
    (void)err;
    belay_readback *to = context;
    belay_rowsum_add(&to->sum, row, size_bytes);
    to->bytes += size_bytes;
    return true;
}

void belay_readback_merge(belay_readback *to, const belay_readback *from)
{
    belay_rowsum_merge(&to->sum, &from->sum);
    to->bytes += from->bytes;
}

bool belay_readback_copy(belay_pg *pg, const char *copy, bool binary, belay_readback *ret, belay_error *err)
{
    return belay_pg_copy_rows(pg, copy, binary, add_row, ret, err);
}

char *belay_readback_select(const belay_table *table, bool generated, bool plain_names)
{
    bool root = table->root_name != NULL;
    BELAY_AUTO(belay_free)
    char *name = belay_name_qualified(
        root ? table->root_schema : table->schema, root ? table->root_name : table->name, plain_names);
    BELAY_AUTO(belay_free)
    char *columns = generated ? belay_name_columns(table->generated, table->generated_count, plain_names)
                              : belay_name_columns(table->columns, table->column_count, plain_names);
    return belay_format("SELECT %s FROM %s%s", columns, root ? "" : "ONLY ", name);
}

size_t belay_readback_parts(uint64_t bytes, bool heap)
{
    uint64_t parts = heap ? bytes / PART_BYTES + 1 : 1;
    return parts > MOST_PARTS ? MOST_PARTS : (size_t)parts;
}

/* Pages from..end; end 0: no end. */
typedef struct page_range {
    uint64_t from, end;
} page_range;

/* Of those who ask at the same time, the first answer counts for all. */
static bool count_pages(belay_pg *pg, const belay_readback_part *part, uint64_t *ret, belay_error *err)
{
    uint_fast64_t known = atomic_load(&part->pages->known);
    if (known > 0) {
        *ret = known - 1;
        return true;
    }
    BELAY_AUTO(belay_free) char *oid = belay_format("%u", part->oid);
    BELAY_AUTO(belay_free) char *pages = NULL;
    long long count = 0;
    if (!belay_pg_value(pg, sql_relation_pages, (const char *const[]){oid}, 1, &pages, err))
        return false;
    if (pages == NULL || !belay_parse_int64(pages, &count))
        return belay_fail(err, BELAY_E_INTERNAL, "the size of a table is not known");
    *ret = (uint64_t)count;
    if (!atomic_compare_exchange_strong(&part->pages->known, &known, *ret + 1))
        *ret = known - 1;
    return true;
}

/* The last range has no end, so that no page is missed. Where TOAST makes a table large, it has fewer pages
 * than parts, and most ranges are empty. */
static bool range_of(
    belay_pg *pg, const belay_readback_part *part, page_range *ret, bool *ret_empty, belay_error *err)
{
    uint64_t count = 0;
    *ret = (page_range){0};
    *ret_empty = false;
    if (part->parts == 1)
        return true;
    if (!count_pages(pg, part, &count, err))
        return false;
    ret->from = count * part->part / part->parts;
    if (part->part + 1 == part->parts)
        return true;
    ret->end = count * (part->part + 1) / part->parts;
    *ret_empty = ret->end == ret->from;
    return true;
}

/* The caller frees. */
static char *copy_statement(const belay_readback_part *part, page_range range)
{
    belay_str copy = BELAY_STR_MAX(SIZE_MAX / 2);
    const char *and = " WHERE ";
    belay_str_appendf(&copy, "COPY (%s", part->select);
    if (range.from > 0 || range.end > 0) {
        belay_str_appendf(
            &copy, "%sctid OPERATOR(pg_catalog.>=) '(%llu,0)'", and, (unsigned long long)range.from);
        and = " AND ";
    }
    if (range.end > 0)
        belay_str_appendf(
            &copy, "%sctid OPERATOR(pg_catalog.<) '(%llu,0)'", and, (unsigned long long)range.end);
    if (part->filter != NULL)
        belay_str_appendf(&copy, "%s(%s)", and, part->filter);
    belay_str_appendf(&copy, ") TO STDOUT (FORMAT %s)", part->format);
    return belay_str_steal(&copy);
}

char *belay_readback_statement(const belay_readback_part *part)
{
    return copy_statement(part, (page_range){0});
}

static bool read_once(const belay_row_reader *reader, const belay_readback_part *part, page_range range,
    const char *path, belay_readback *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *copy = copy_statement(part, range);
    BELAY_AUTO(belay_free) char *all = belay_format("%s %s %s; COMMIT", reader->begin, path, copy);
    *ret = (belay_readback){0};
    if (belay_readback_copy(reader->pg, all, belay_equal(part->format, "binary"), ret, err))
        return true;
    belay_pg_exec(reader->pg, "ROLLBACK", NULL);
    return false;
}

bool belay_readback_read(const belay_row_reader *reader, const belay_readback_part *part, belay_readback *ret,
    char **ret_missing, belay_error *err)
{
    page_range range;
    belay_error fault = {0};
    bool is_empty;
    *ret = (belay_readback){0};
    *ret_missing = NULL;
    if (!range_of(reader->pg, part, &range, &is_empty, err))
        return false;
    if (is_empty || read_once(reader, part, range, "", ret, &fault))
        return true;
    if (belay_pg_is_missing_name(&fault)) {
        belay_error_clear(&fault);
        if (read_once(reader, part, range, reader->path, ret, &fault))
            return true;
    }
    *ret = (belay_readback){0};
    if (belay_pg_is_missing_name(&fault)) {
        *ret_missing = belay_strdup(fault.message);
        return true;
    }
    if (err != NULL)
        *err = fault;
    return false;
}
