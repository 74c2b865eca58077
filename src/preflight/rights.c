/* Pre-flight: is this the server itself, and may this role do there what a run does? */
#include "gate/gate.h"
#include "pg/dbstate.h"
#include "preflight/checks.h"
#include "util/stop.h"

enum { END_TIMEOUT_MS = 5 * 1000 };

/* A session in the tried database, as the role and through the pg_hba that a run will meet, and its end. */
static bool try_session(const belay_preflight *context, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_pg_options options = {
        .dbname = dbname, .application_name = context->run_id, .profile = BELAY_PG_PINNED};
    return belay_pg_open(belay_keeper_dialer(context->keeper), &options, &pg, err) &&
           belay_gate_end_sessions(context->keeper, dbname, END_TIMEOUT_MS, err);
}

/* Owner, rights and settings that a new database will be given: a copy or a restore that cannot have them is
 * no way back. NULL with err. */
static json_t *wanted_state(const belay_preflight *context, belay_error *err)
{
    json_t *state = NULL;
    if (context->state != NULL)
        state = json_deep_copy(context->state);
    else if (!belay_dbstate_read(
                 belay_keeper_pg(context->keeper), belay_target_dbname(context->target), &state, err))
        return NULL;
    return state;
}

static bool try_state(const belay_preflight *context, const json_t *state, const char *made, belay_error *err)
{
    belay_error why = {0};
    if (belay_dbstate_apply(belay_keeper_pg(context->keeper), state, made, &why))
        return true;
    bool missing = belay_equal(why.sqlstate, "42704");
    belay_error_hint(&why, "%s",
        missing ? "create what is missing; a role of a snapshot can be mapped to another one with `role_map`"
                : "use a superuser for the target, GRANT SET ON PARAMETER to its role, or take that setting "
                  "off the database: a restore could not bring it back");
    if (err != NULL)
        *err = why;
    return false;
}

/* Nothing is lost by it, so it is no reason to refuse. */
static void warn_of_grantors(belay_pg *pg, const json_t *state, const char *name, belay_check_report *report)
{
    BELAY_AUTO(belay_list_done) belay_list barred = {0};
    if (!belay_dbstate_barred_grantors(pg, state, &barred, NULL) || barred.count == 0)
        return;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&barred, ", ");
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(barred.items[0]);
    BELAY_AUTO(belay_free)
    char *text = belay_format("rights on the database that %s gave come back as given by the owner: this "
                              "role cannot become the giver",
        names);
    BELAY_AUTO(belay_free)
    char *hint = belay_format("GRANT %s TO this role, or deploy as a superuser, if it matters", quoted);
    belay_check_report_add(report, name, BELAY_WARNING, text, hint);
}

static bool try_acts(const belay_preflight *context, const char *made, const char *renamed,
    belay_check_report *report, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) char *first = belay_quote_ident(made);
    BELAY_AUTO(belay_free) char *second = belay_quote_ident(renamed);
    json_t *state = wanted_state(context, err);
    belay_pg *pg = belay_keeper_pg(context->keeper);
    bool ok = state != NULL && belay_gate_drop_tries(pg, belay_target_dbname(context->target), err) &&
              belay_dbstate_create(pg, state, made, err) && try_session(context, made, err) &&
              try_state(context, state, made, err) &&
              belay_pg_execf(pg, err, "ALTER DATABASE %s RENAME TO %s", first, second);
    if (ok)
        warn_of_grantors(pg, state, name, report);
    json_decref(state);
    return ok;
}

/* Under either name, whatever happened before: a stop request or a lost connection must not leave it there.
 */
static bool drop_both(const belay_preflight *context, const char *made, const char *renamed, belay_error *err)
{
    belay_stop_mask(true);
    bool ok = belay_keeper_hold(context->keeper, err) &&
              belay_gate_drop_own(belay_keeper_pg(context->keeper), renamed, err) &&
              belay_gate_drop_own(belay_keeper_pg(context->keeper), made, err);
    belay_stop_mask(false);
    return ok;
}

void belay_check_rights(const belay_preflight *context, belay_check_report *report, const char *name)
{
    char made[BELAY_DBNAME_SIZE], renamed[BELAY_DBNAME_SIZE];
    const char *dbname = belay_target_dbname(context->target);
    belay_error err = {0}, drop_error = {0};
    belay_gate_name(dbname, "try", context->run_id, made);
    belay_gate_name(dbname, "tried", context->run_id, renamed);
    if (!try_acts(context, made, renamed, report, name, &err)) {
        belay_error_prefix(&err, "trying to create, reach, rename and drop database \"%s\"", made);
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    }
    if (!drop_both(context, made, renamed, &drop_error)) {
        belay_error_prefix(&drop_error, "dropping database \"%s\" again", made);
        belay_check_report_add_error(report, name, BELAY_REFUSE, &drop_error);
    }
}
