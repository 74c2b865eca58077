/* Acts on databases of belay's own. */
#include "gate/gate.sql.h"
#include "gate/gate_internal.h"

static bool require_own(const char *dbname, belay_error *err)
{
    return belay_gate_is_own_name(dbname) ||
           belay_fail(err, BELAY_E_INTERNAL, "\"%s\" is not one of belay's own databases", dbname);
}

bool belay_gate_allow(belay_gate *gate, const char *dbname, bool allow, belay_error *err)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(dbname);
    return require_own(dbname, err) &&
           belay_pg_execf(belay_keeper_pg(gate->keeper), err, "ALTER DATABASE %s ALLOW_CONNECTIONS %s",
               quoted, allow ? "true" : "false");
}

/* A copy of a template is one too, and the server drops none that is marked so. */
static bool unmark_template(belay_pg *pg, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(dbname);
    return belay_pg_queryp(pg, sql_is_template, &rows, err, dbname) &&
           (belay_rows_count(rows) == 0 || !belay_rows_bool(rows, 0, 0) ||
               belay_pg_execf(pg, err, "ALTER DATABASE %s IS_TEMPLATE false", quoted));
}

bool belay_gate_drop_own(belay_pg *pg, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(dbname);
    return require_own(dbname, err) && unmark_template(pg, dbname, err) &&
           belay_pg_execf(pg, err, "DROP DATABASE IF EXISTS %s WITH (FORCE)", quoted);
}

bool belay_gate_drop(belay_gate *gate, const char *dbname, belay_error *err)
{
    return require_own(dbname, err) &&
           belay_record(gate->recorder, BELAY_RECORD_INTENT, "gate.drop",
               json_pack("{s:s}", "database", dbname), err) &&
           belay_gate_drop_own(belay_keeper_pg(gate->keeper), dbname, err) &&
           belay_record(
               gate->recorder, BELAY_RECORD_DONE, "gate.drop", json_pack("{s:s}", "database", dbname), err);
}

bool belay_gate_drop_kinds(
    belay_pg *pg, const char *public_name, const char *const *kinds, size_t kind_count, belay_error *err)
{
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    if (!belay_gate_find(pg, public_name, &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        const belay_gate_database *one = &found.items[i];
        bool wanted = false;
        for (size_t k = 0; k < kind_count && !wanted; k++)
            wanted = belay_equal(one->kind, kinds[k]);
        if (wanted && !belay_gate_drop_own(pg, one->name, err))
            return false;
    }
    return true;
}

bool belay_gate_drop_tries(belay_pg *pg, const char *public_name, belay_error *err)
{
    static const char *const kinds[] = {"try", "tried"};
    return belay_gate_drop_kinds(pg, public_name, kinds, BELAY_COUNT(kinds), err);
}
