#include "restore/role_settings.h"

#include "pg/dbstate.h"
#include "restore/make_roles.sql.h"
#include "restore/roles.h"
#include "util/json.h"

static char *statement(const char *name, const char *setting)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(name);
    belay_str sql = BELAY_STR_INIT;
    belay_str_appendf(&sql, "ALTER ROLE %s ", quoted);
    belay_dbstate_add_assignment(setting, &sql);
    return belay_str_steal(&sql);
}

static bool give(belay_pg *pg, const char *sql, belay_error *err)
{
    belay_error fault = {0};
    if (!belay_pg_exec(pg, "SAVEPOINT setting", err))
        return false;
    if (belay_pg_exec(pg, sql, &fault))
        return belay_pg_exec(pg, "RELEASE SAVEPOINT setting", err);
    return belay_pg_exec(pg, "ROLLBACK TO SAVEPOINT setting", err);
}

bool belay_role_settings_give(belay_pg *pg, const json_t *recorded_role, const char *name, belay_error *err)
{
    const json_t *settings = json_object_get(recorded_role, "settings");
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const char *setting = json_string_value(json_array_get(settings, i));
        BELAY_AUTO(belay_free) char *sql = statement(name, setting == NULL ? "" : setting);
        if (setting != NULL && !give(pg, sql, err))
            return belay_error_prefix(err, "settings of role %s", name);
    }
    return true;
}

static bool report_role(
    belay_pg *pg, const json_t *settings, const char *name, belay_reporter *reporter, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(settings, JSON_COMPACT);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_str_done) belay_str all = BELAY_STR_INIT;
    if (!belay_pg_queryp(pg, sql_missing_settings, &rows, err, name, text))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        BELAY_AUTO(belay_free) char *sql = statement(name, belay_rows_text(rows, i, 0));
        belay_str_appendf(&all, "%s%s", i == 0 ? "" : "; ", sql);
    }
    if (all.length > 0)
        belay_say(reporter, BELAY_WARN,
            "role %s had other settings where the snapshot was taken; if it is to have them here: %s", name,
            belay_str_text(&all));
    return true;
}

bool belay_role_settings_report(belay_pg *pg, const json_t *recorded, const belay_list *wanted,
    const belay_list *map, belay_reporter *reporter, belay_error *err)
{
    for (size_t i = 0; i < json_array_size(recorded); i++) {
        const json_t *role = json_array_get(recorded, i);
        const json_t *settings = json_object_get(role, "settings");
        const char *name = belay_json_text_or(role, "name", "");
        bool is_mapped = map != NULL && !belay_equal(belay_roles_lookup(name, map), name);
        if (json_array_size(settings) > 0 && !is_mapped && belay_list_has(wanted, name) &&
            !report_role(pg, settings, name, reporter, err))
            return false;
    }
    return true;
}
