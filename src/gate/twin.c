/* The twin: a copy on the same server, and everything that a template copy leaves out. */

#include "gate/gate_internal.h"
#include "pg/dbcomment.h"
#include "pg/dbstate.h"
#include "util/clock.h"

enum { TWIN_SESSIONS_MS = 30000, STRATEGY_VERSION = 150000 };

static json_t *twin_details(const belay_gate *gate, const char *source, const char *twin)
{
    return json_pack("{s:s, s:I, s:s}", "source", source, "source_oid", (json_int_t)gate->oid, "twin", twin);
}

/* The mark of the gate is not part of the database's own comment. */
static void strip_mark(json_t *state)
{
    const char *comment = json_string_value(json_object_get(state, "comment"));
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(comment, &users, NULL);
    json_object_set_new(state, "comment", users == NULL ? json_null() : json_string(users));
}

static bool copy(belay_gate *gate, const char *source, const char *twin, belay_error *err)
{
    BELAY_AUTO(belay_free) char *from = belay_quote_ident(source);
    BELAY_AUTO(belay_free) char *to = belay_quote_ident(twin);
    char oids[BELAY_OIDS_SIZE];
    belay_oids(gate->oid, 0, oids);
    bool has_strategy = belay_pg_server_version(belay_keeper_pg(gate->keeper)) >= STRATEGY_VERSION;
    belay_say(gate->reporter, BELAY_INFO, "twin: copying \"%s\" to \"%s\"%s", source, twin,
        has_strategy ? " (file copy; the server writes a checkpoint before and after it)" : "");
    BELAY_AUTO(belay_free)
    char *sql = belay_format("CREATE DATABASE %s TEMPLATE %s%s ALLOW_CONNECTIONS false", to, from,
        has_strategy ? " STRATEGY FILE_COPY" : "");
    return belay_gate_no_prepared(gate->keeper, oids, err) &&
           belay_gate_run_swept_alone(gate, sql, oids, TWIN_SESSIONS_MS, err);
}

bool belay_gate_twin(belay_gate *gate, const char *source, const char *twin, belay_error *err)
{
    belay_pg *pg = belay_keeper_pg(gate->keeper);
    if (!belay_gate_is_own_name(twin))
        return belay_fail(err, BELAY_E_INTERNAL, "\"%s\" is not a name for a twin", twin);
    json_t *state = NULL;
    if (!belay_dbstate_read(pg, source, &state, err))
        return false;
    strip_mark(state);
    int64_t begun = belay_now_ms();
    bool ok =
        belay_record(
            gate->recorder, BELAY_RECORD_INTENT, "gate.twin", twin_details(gate, source, twin), err) &&
        copy(gate, source, twin, err) && belay_dbstate_apply(pg, state, twin, err) &&
        belay_record(gate->recorder, BELAY_RECORD_DONE, "gate.twin", twin_details(gate, source, twin), err);
    json_decref(state);
    if (ok)
        belay_say(gate->reporter, BELAY_INFO, "twin made in %.1f s", (double)(belay_now_ms() - begun) / 1000);
    return ok;
}
