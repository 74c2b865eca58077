#include "restore/search_path.h"

#include "pg/pg.h"

/* The database's setting for all roles; the server's default where it has none. */
static const char *setting_of(const json_t *header)
{
    static const char key[] = "search_path=";
    size_t i, j;
    json_t *setting, *value;
    json_array_foreach(json_object_get(json_object_get(header, "database"), "settings"), i, setting)
    {
        if (!json_is_null(json_object_get(setting, "role")))
            continue;
        json_array_foreach(json_object_get(setting, "values"), j, value)
        {
            const char *text = json_string_value(value);
            if (text != NULL && belay_starts_with(text, key))
                return text + sizeof key - 1;
        }
    }
    return "\"$user\", public";
}

char *belay_search_path_sql(const belay_toc *toc, bool local)
{
    BELAY_AUTO(belay_str_done) belay_str path = BELAY_STR_MAX(SIZE_MAX / 2);
    belay_str_append(&path, setting_of(toc->header));
    for (size_t i = 0; i < toc->pre_count; i++) {
        if (!belay_equal(toc->entries[i].type, "SCHEMA"))
            continue;
        BELAY_AUTO(belay_free) char *name = belay_quote_ident(toc->entries[i].name);
        belay_str_appendf(&path, "%s%s", path.length == 0 ? "" : ", ", name);
    }
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(belay_str_text(&path));
    return belay_format(
        "SELECT pg_catalog.set_config('search_path', %s, %s);\n", literal, local ? "true" : "false");
}
