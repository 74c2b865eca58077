#include "pipeline/bring_subscriptions.h"

#include "archive/archive.h"
#include "pipeline/followers.sql.h"
#include "restore/subscriptions.h"

bool belay_subscriptions_wanted(const belay_run *run)
{
    return run->how.from == NULL || belay_equal(run->how.from, run->how.target->name);
}

/* A slot serves one subscription: two that are enabled end each other's connection, and share the rows. */
static void tell_sharers(const belay_run *run, const belay_subscription *one)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    belay_error err = {0};
    if (!belay_pg_queryp(belay_keeper_pg(run->keeper), sql_sharers, &rows, &err, one->slot, run->dbname)) {
        belay_say(run->how.reporter, BELAY_WARN, "whose slot \"%s\" is was not found out: %s", one->slot,
            err.message);
        return;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        BELAY_AUTO(belay_free) char *database = belay_quote_ident(belay_rows_text(rows, i, 0));
        BELAY_AUTO(belay_free) char *name = belay_quote_ident(belay_rows_text(rows, i, 1));
        BELAY_AUTO(belay_free)
        char *allow = belay_rows_bool(rows, i, 2)
                          ? belay_strdup("")
                          : belay_format("ALTER DATABASE %s ALLOW_CONNECTIONS true; and there: ", database);
        belay_say(run->how.reporter, BELAY_WARN,
            "slot \"%s\" at the publisher is that of subscription %s in %s too; to let go of it, before this "
            "one is enabled: %sALTER SUBSCRIPTION %s DISABLE; ALTER SUBSCRIPTION %s SET (slot_name = NONE); "
            "DROP SUBSCRIPTION %s",
            one->slot, belay_rows_text(rows, i, 1), belay_rows_text(rows, i, 0), allow, name, name, name);
    }
}

static void tell_made(const belay_run *run, const belay_subscription *one)
{
    BELAY_AUTO(belay_free) char *name = belay_quote_ident(one->name);
    BELAY_AUTO(belay_free)
    char *slot = one->slot == NULL
                     ? belay_format("make a slot at the publisher, ALTER SUBSCRIPTION %s SET (slot_name = "
                                    "'...'), ",
                           name)
                     : belay_strdup("");
    belay_say(run->how.reporter, BELAY_WARN,
        "subscription %s is in %s as the snapshot has it, not connected and disabled; to begin: empty the "
        "tables that it fills, %sALTER SUBSCRIPTION %s ENABLE; ALTER SUBSCRIPTION %s REFRESH PUBLICATION",
        one->name, run->dbname, slot, name, name);
    if (one->slot != NULL)
        tell_sharers(run, one);
}

static void tell(const belay_run *run, const belay_subscription *one, belay_list *ret_made)
{
    belay_reporter *reporter = run->how.reporter;
    if (!belay_subscriptions_wanted(run))
        belay_say(reporter, BELAY_WARN,
            "subscription %s of the snapshot is not made, since its slot is that of target %s; by hand it "
            "would be: %s",
            one->name, run->how.from, one->statement);
    else if (one->why.code != BELAY_E_NONE)
        belay_say(reporter, BELAY_WARN, "subscription %s could not be made in %s (%s); by hand: %s",
            one->name, run->dbname, one->why.message, one->statement);
    else {
        tell_made(run, one);
        belay_list_add(ret_made, one->name);
    }
}

static bool make(belay_run *run, belay_subscriptions *ret, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    if (!belay_archive_open(belay_run_snapshot_store(run), run->snapshot.name, &archive, err))
        return false;
    if (!belay_subscriptions_wanted(run))
        return belay_subscriptions_read(archive, ret, err);
    return belay_run_connect(run, run->dbname, BELAY_PG_DATA, &pg, err) &&
           belay_subscriptions_make(archive, pg, &run->how.target->role_map, ret, err);
}

void belay_subscriptions_bring(belay_run *run, const belay_list *left, belay_list *ret_made)
{
    BELAY_AUTO(belay_subscriptions_done) belay_subscriptions found = {0};
    belay_error err = {0};
    if (run->snapshot.name == NULL)
        return;
    if (!make(run, &found, &err)) {
        belay_say(
            run->how.reporter, BELAY_WARN, "subscriptions of snapshot %s: %s", run->snapshot.id, err.message);
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        const belay_subscription *one = &found.items[i];
        /* one that did not move was made here before the run was killed */
        bool again = one->same_slot && belay_list_has(left, one->name);
        if (!one->there || again)
            tell(run, one, ret_made);
    }
}
