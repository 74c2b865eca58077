#include "gate/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/gate.sql.h"
#include "gate/gate_internal.h"
#include "pg/dbcomment.h"
#include "util/clock.h"
#include "util/host_name.h"

enum { OPEN_TIMEOUT_MS = 60000, RENAME_ATTEMPTS = 3 };

static json_t *new_mark(const belay_gate *gate, const char *state)
{
    char now[BELAY_UTC_SIZE];
    char host[BELAY_HOST_NAME_SIZE];
    belay_format_utc(belay_now_utc(), now);
    belay_host_name(host);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "run", gate->run_id, "name", gate->public_name, "state",
        state, "since", now, "host", host);
}

/* What a database of this OID is called now; *ret_name NULL when there is none. */
static bool read_by_oid(
    belay_keeper *keeper, uint32_t oid, char **ret_name, char **ret_comment, belay_error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, oid);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(belay_keeper_pg(keeper), sql_database_by_oid, &rows, err, text))
        return false;
    bool found = belay_rows_count(rows) > 0;
    *ret_name = found ? belay_strdup(belay_rows_text(rows, 0, 0)) : NULL;
    *ret_comment =
        found && !belay_rows_is_null(rows, 0, 1) ? belay_strdup(belay_rows_text(rows, 0, 1)) : NULL;
    return true;
}

static bool fail_gone(const belay_gate *gate, belay_error *err)
{
    belay_fail(err, BELAY_E_NO_DATABASE,
        "database \"%s\" (OID %" PRIu32 ") does not exist any more: someone dropped it", gate->public_name,
        gate->oid);
    return belay_error_hint(err, "a twin may be the only copy: docs/gate.md says how it gets the name; "
                                 "otherwise `belay restore` brings a snapshot back");
}

bool belay_gate_fail_missing(belay_pg *pg, const char *public_name, belay_error *err)
{
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    if (!belay_gate_find(pg, public_name, &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        const belay_gate_database *one = &found.items[i];
        if (!belay_equal(one->kind, "gate"))
            continue;
        belay_fail(err, BELAY_E_UNFINISHED_RUN,
            "database \"%s\" is behind the gate of run %s, begun on %s, which did not finish: it is called "
            "\"%s\" "
            "now",
            public_name, one->run == NULL ? "(unknown)" : one->run,
            one->host == NULL ? "(unknown)" : one->host, one->name);
        return belay_error_hint(err, "`belay recover` finishes that run and brings the name back");
    }
    return belay_fail(err, BELAY_E_NO_DATABASE, "database \"%s\" does not exist", public_name);
}

static void start(belay_gate *gate, belay_keeper *keeper, const char *public_name, const char *run_id,
    belay_recorder *recorder, belay_reporter *reporter)
{
    *gate = (belay_gate){.keeper = keeper,
        .recorder = recorder,
        .reporter = reporter,
        .run_id = run_id,
        .public_name = public_name};
    belay_gate_name(public_name, NULL, run_id, gate->private_name);
}

bool belay_gate_init(belay_gate *gate, belay_keeper *keeper, const char *public_name, const char *run_id,
    belay_recorder *recorder, belay_reporter *reporter, belay_error *err)
{
    start(gate, keeper, public_name, run_id, recorder, reporter);
    return belay_gate_oid_of(belay_keeper_pg(keeper), public_name, &gate->oid, err) &&
           (gate->oid != 0 || belay_gate_fail_missing(belay_keeper_pg(keeper), public_name, err));
}

bool belay_gate_attach(belay_gate *gate, belay_keeper *keeper, uint32_t oid, const char *public_name,
    const char *run_id, belay_recorder *recorder, belay_reporter *reporter, belay_error *err)
{
    start(gate, keeper, public_name, run_id, recorder, reporter);
    gate->oid = oid;
    BELAY_AUTO(belay_free) char *name = NULL;
    BELAY_AUTO(belay_free) char *comment = NULL;
    if (!read_by_oid(keeper, oid, &name, &comment, err))
        return false;
    if (name == NULL)
        return fail_gone(gate, err);
    gate->closed = !belay_equal(name, public_name);
    if (gate->closed)
        snprintf(gate->private_name, sizeof gate->private_name, "%s", name);
    return true;
}

bool belay_gate_exists(belay_gate *gate, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    BELAY_AUTO(belay_free) char *comment = NULL;
    if (!read_by_oid(gate->keeper, gate->oid, &name, &comment, err))
        return false;
    *ret = name != NULL;
    return true;
}

/* One rename of the database with this OID to `wanted` in one transaction with `sql`. A lost answer is
 * settled by looking which name it has, after the keeper is back; what was not committed is tried again. */
static bool rename_surely(belay_gate *gate, uint32_t oid, const char *wanted, const char *sql,
    const char *oids, int64_t timeout_ms, belay_error *err)
{
    for (int attempt = 1;; attempt++) {
        belay_error local = {0};
        if (belay_gate_run_swept(gate, sql, oids, timeout_ms, &local))
            return true;
        bool lost = local.code == BELAY_E_CONNECTION_LOST;
        if (lost && belay_keeper_reopen(gate->keeper, err)) {
            BELAY_AUTO(belay_free) char *name = NULL;
            BELAY_AUTO(belay_free) char *comment = NULL;
            if (!read_by_oid(gate->keeper, oid, &name, &comment, err))
                return false;
            if (name != NULL && belay_equal(name, wanted))
                return true;
            if (attempt < RENAME_ATTEMPTS)
                continue;
        }
        if (err != NULL)
            *err = local;
        return false;
    }
}

/* "ALTER DATABASE a RENAME TO b; COMMENT ON DATABASE b IS ..." */
static void append_rename(belay_str *sql, const char *from, const char *to, const char *comment)
{
    BELAY_AUTO(belay_free) char *old = belay_quote_ident(from);
    BELAY_AUTO(belay_free) char *new = belay_quote_ident(to);
    BELAY_AUTO(belay_free) char *text = comment == NULL ? belay_strdup("NULL") : belay_quote_literal(comment);
    if (!belay_equal(from, to))
        belay_str_appendf(sql, "ALTER DATABASE %s RENAME TO %s; ", old, new);
    belay_str_appendf(sql, "COMMENT ON DATABASE %s IS %s", new, text);
}

static json_t *gate_details(const belay_gate *gate, const char *comment)
{
    json_t *details = json_pack("{s:s, s:s, s:I}", "database", gate->public_name, "private",
        gate->private_name, "oid", (json_int_t)gate->oid);
    if (comment != NULL)
        json_object_set_new(details, "comment", json_string(comment));
    return details;
}

bool belay_gate_close(belay_gate *gate, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    BELAY_AUTO(belay_free) char *comment = NULL;
    if (!read_by_oid(gate->keeper, gate->oid, &name, &comment, err))
        return false;
    if (name == NULL)
        return fail_gone(gate, err);
    char oids[BELAY_OIDS_SIZE];
    belay_oids(gate->oid, 0, oids);
    if (!belay_gate_no_prepared(gate->keeper, oids, err))
        return false;
    /* A mark that is still there (someone renamed the database back by hand) is not the user's. */
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(comment, &users, NULL);
    json_t *mark = new_mark(gate, "gate");
    BELAY_AUTO(belay_free) char *marked = belay_dbcomment_add(users, mark);
    json_decref(mark);
    if (!belay_record(gate->recorder, BELAY_RECORD_INTENT, "gate.close", gate_details(gate, users), err))
        return false;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    append_rename(&sql, name, gate->private_name, marked);
    int64_t begun = belay_now_ms();
    if (!rename_surely(gate, gate->oid, gate->private_name, belay_str_text(&sql), oids, timeout_ms, err))
        return false;
    gate->closed = true;
    belay_say(gate->reporter, BELAY_INFO, "gate closed in %" PRId64 " ms: \"%s\" is \"%s\" now",
        belay_now_ms() - begun, gate->public_name, gate->private_name);
    return belay_record(gate->recorder, BELAY_RECORD_DONE, "gate.close", gate_details(gate, users), err);
}

/* The public name is taken: by a database that somebody made meanwhile. */
static bool explain_taken(const belay_gate *gate, belay_error *err)
{
    if (err == NULL || !belay_equal(err->sqlstate, "42P04"))
        return false;
    belay_fail(err, BELAY_E_NEEDS_RECOVERY,
        "somebody created a database \"%s\" while the gate was closed; the real one is \"%s\"",
        gate->public_name, gate->private_name);
    return belay_error_hint(err, "rename or drop the new one, then `belay recover` brings the name back");
}

bool belay_gate_open(belay_gate *gate, belay_error *err)
{
    BELAY_AUTO(belay_free) char *name = NULL;
    BELAY_AUTO(belay_free) char *comment = NULL;
    if (!read_by_oid(gate->keeper, gate->oid, &name, &comment, err))
        return false;
    if (name == NULL)
        return fail_gone(gate, err);
    BELAY_AUTO(belay_free) char *users = NULL;
    json_t *mark = NULL;
    belay_dbcomment_split(comment, &users, &mark);
    bool marked = mark != NULL;
    json_decref(mark);
    gate->closed = !belay_equal(name, gate->public_name);
    if (!gate->closed && !marked)
        return true;
    if (!belay_record(gate->recorder, BELAY_RECORD_INTENT, "gate.open", gate_details(gate, users), err))
        return false;
    char oids[BELAY_OIDS_SIZE];
    belay_oids(gate->oid, 0, oids);
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    append_rename(&sql, name, gate->public_name, users);
    if (!rename_surely(gate, gate->oid, gate->public_name, belay_str_text(&sql), oids, OPEN_TIMEOUT_MS, err))
        return explain_taken(gate, err);
    gate->closed = false;
    belay_say(gate->reporter, BELAY_INFO, "gate open: \"%s\" has its name back", gate->public_name);
    return belay_record(gate->recorder, BELAY_RECORD_DONE, "gate.open", gate_details(gate, users), err);
}

typedef struct swap_plan {
    const char *replacement;
    const char *kept_name;
    uint32_t replacement_oid;
    char *private_name;        /* what the old one is called now */
    char *kept_comment;        /* of the old one, with the mark "kept" */
    char *replacement_comment; /* NULL: none */
} swap_plan;

static void swap_plan_done_p(swap_plan *plan)
{
    free(plan->private_name);
    free(plan->kept_comment);
    free(plan->replacement_comment);
}

static bool swap_read(belay_gate *gate, swap_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_free) char *comment = NULL;
    if (!read_by_oid(gate->keeper, gate->oid, &plan->private_name, &comment, err))
        return false;
    if (plan->private_name == NULL)
        return fail_gone(gate, err);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(belay_keeper_pg(gate->keeper), sql_comment_by_name, &rows, err, plan->replacement))
        return false;
    if (belay_rows_count(rows) == 0)
        return belay_fail(
            err, BELAY_E_NO_DATABASE, "the replacement \"%s\" does not exist", plan->replacement);
    plan->replacement_oid = (uint32_t)belay_rows_int(rows, 0, 0);
    belay_dbcomment_split(belay_rows_is_null(rows, 0, 1) ? NULL : belay_rows_text(rows, 0, 1),
        &plan->replacement_comment, NULL);
    BELAY_AUTO(belay_free) char *users = NULL;
    belay_dbcomment_split(comment, &users, NULL);
    json_t *mark = new_mark(gate, "kept");
    plan->kept_comment = belay_dbcomment_add(users, mark);
    json_decref(mark);
    return true;
}

static void swap_sql(const belay_gate *gate, const swap_plan *plan, belay_str *sql)
{
    BELAY_AUTO(belay_free) char *kept = belay_quote_ident(plan->kept_name);
    BELAY_AUTO(belay_free) char *public = belay_quote_ident(gate->public_name);
    append_rename(sql, plan->private_name, plan->kept_name, plan->kept_comment);
    belay_str_appendf(sql, "; ALTER DATABASE %s ALLOW_CONNECTIONS false; ", kept);
    append_rename(sql, plan->replacement, gate->public_name, plan->replacement_comment);
    belay_str_appendf(sql, "; ALTER DATABASE %s ALLOW_CONNECTIONS true", public);
}

static json_t *swap_details(const belay_gate *gate, const swap_plan *plan)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}", "database", gate->public_name, "private",
        plan->private_name, "oid", (json_int_t)gate->oid, "replacement", plan->replacement, "replacement_oid",
        (json_int_t)plan->replacement_oid, "kept", plan->kept_name);
}

bool belay_gate_swap(belay_gate *gate, const char *replacement, const char *kept_name, belay_error *err)
{
    if (!gate->closed)
        return belay_fail(err, BELAY_E_INTERNAL, "a swap of \"%s\" with an open gate", gate->public_name);
    return belay_gate_replace(gate, replacement, kept_name, err);
}

bool belay_gate_replace(belay_gate *gate, const char *replacement, const char *kept_name, belay_error *err)
{
    BELAY_AUTO(swap_plan_done) swap_plan plan = {.replacement = replacement, .kept_name = kept_name};
    char oids[BELAY_OIDS_SIZE];
    if (!swap_read(gate, &plan, err))
        return false;
    belay_oids(gate->oid, plan.replacement_oid, oids);
    if (!belay_gate_no_prepared(gate->keeper, oids, err) ||
        !belay_record(gate->recorder, BELAY_RECORD_INTENT, "gate.swap", swap_details(gate, &plan), err))
        return false;
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    swap_sql(gate, &plan, &sql);
    if (!rename_surely(
            gate, plan.replacement_oid, gate->public_name, belay_str_text(&sql), oids, OPEN_TIMEOUT_MS, err))
        return explain_taken(gate, err);
    json_t *details = swap_details(gate, &plan);
    gate->oid = plan.replacement_oid;
    gate->closed = false;
    belay_say(gate->reporter, BELAY_INFO, "swapped: \"%s\" is \"%s\" now, the former one is kept as \"%s\"",
        replacement, gate->public_name, kept_name);
    return belay_record(gate->recorder, BELAY_RECORD_DONE, "gate.swap", details, err);
}
