/* The DDL of large objects where pg_dump keeps it from the schema: from 17 on it is part of the data, which
 * belay takes itself. The entries look like those of the versions before. */
#include "snapshot/parts.h"

enum { COLUMN_TYPE, COLUMN_NAME, COLUMN_OWNER, COLUMN_TEXT };

/* Above what pg_dump numbers. */
static const json_int_t FIRST_ID = INT64_C(1) << 40;

bool belay_taking_large_object_ddl(const belay_taking *t, belay_str *to, json_t *entries, belay_error *err)
{
    const belay_rows *rows = t->large_object_ddl;
    json_int_t object = FIRST_ID; /* the entry that creates the large object of the row */
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        const char *type = belay_rows_text(rows, i, COLUMN_TYPE);
        const char *text = belay_rows_text(rows, i, COLUMN_TEXT);
        json_int_t id = FIRST_ID + (json_int_t)i;
        json_t *depends = json_array();
        if (belay_equal(type, "BLOB"))
            object = id;
        else
            json_array_append_new(depends, json_integer(object));
        json_array_append_new(
            entries, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "id", id, "section", "pre",
                         "type", type, "schema", "", "name", belay_rows_text(rows, i, COLUMN_NAME), "owner",
                         belay_rows_text(rows, i, COLUMN_OWNER), "depends", depends, "start",
                         (json_int_t)to->length, "length", (json_int_t)strlen(text)));
        belay_str_append(to, text);
    }
    return belay_str_check(to, "the large objects' DDL", err);
}
