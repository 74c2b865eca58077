/* Pre-flight: what follows the database and not its name. Each kind refuses until the user says what is to be
 * done with it; what was said is tried as far as that goes. */
#include "gate/followers.h"

#include "preflight/checks.h"
#include "preflight/followers.sql.h"

/* The message is freed. */
static void add_owned(
    belay_check_report *report, const char *name, belay_verdict verdict, char *message, const char *hint)
{
    belay_check_report_add(report, name, verdict, message, hint);
    free(message);
}

/* Columns: name, may be altered by this role, tables whose initial copy is not done, may be created by it. */
static void judge_subscription(const belay_preflight *context, belay_check_report *report, const char *name,
    const belay_rows *rows, size_t row)
{
    const char *which = belay_rows_text(rows, row, 0);
    belay_follower_answer said = context->followers->subscriptions;
    if (said == BELAY_FOLLOWERS_ASK)
        add_owned(report, name, BELAY_REFUSE,
            belay_format(
                "subscription %s writes to this database; after a restore it would follow the old one",
                which),
            "add --subscriptions=disable, which disables it for the run and moves it along when the database "
            "is "
            "restored; or --subscriptions=keep, and what it writes meanwhile may be lost");
    else if (said == BELAY_FOLLOWERS_KEEP)
        add_owned(report, name, BELAY_WARNING,
            belay_format(
                "subscription %s is kept as it is: what it writes during the run is lost by a restore, "
                "and it follows the old database",
                which),
            NULL);
    else if (!belay_rows_bool(rows, row, 1))
        add_owned(report, name, BELAY_REFUSE,
            belay_format("role %s may not disable subscription %s", belay_rows_text(rows, row, 4), which),
            "use its owner or a superuser for the target");
    else if (belay_rows_int(rows, row, 2) > 0)
        add_owned(report, name, BELAY_REFUSE,
            belay_format("subscription %s has not finished its initial copy of %s tables", which,
                belay_rows_text(rows, row, 2)),
            "wait for it: moved along now, it would leave them incomplete");
    else if (!belay_rows_bool(rows, row, 3))
        add_owned(report, name, BELAY_WARNING,
            belay_format(
                "role %s may not create subscription %s: a restore could not move it along, and would say "
                "what to type",
                belay_rows_text(rows, row, 4), which),
            "use a superuser for the target");
    else
        add_owned(report, name, BELAY_OK,
            belay_format("subscription %s is disabled for the run, and enabled again after it", which), NULL);
}

static void judge_slot(const belay_preflight *context, belay_check_report *report, const char *name,
    const belay_rows *rows, size_t row)
{
    const char *which = belay_rows_text(rows, row, 0);
    belay_follower_answer said = context->followers->slots;
    if (said == BELAY_FOLLOWERS_ASK)
        add_owned(report, name, BELAY_REFUSE,
            belay_format("logical replication slot %s reads this database; after a restore it would follow "
                         "the old one",
                which),
            "add --logical-slots=drop: when the database is restored, and only then, it is dropped and the "
            "SQL that makes it "
            "again is printed; or --logical-slots=keep");
    else
        add_owned(report, name, BELAY_OK,
            belay_format(said == BELAY_FOLLOWERS_ACT
                             ? "logical replication slot %s stays, unless the database is restored"
                             : "logical replication slot %s is kept; after a restore it follows the old "
                               "database and holds back WAL",
                which),
            NULL);
}

typedef void judge_row(const belay_preflight *context, belay_check_report *report, const char *name,
    const belay_rows *rows, size_t row);

static void judge_each(const belay_preflight *context, belay_check_report *report, const char *name,
    const char *sql, judge_row *judge)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(context->pg, sql, &rows, &err, belay_target_dbname(context->target))) {
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
        return;
    }
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        judge(context, report, name, rows, i);
}

static void judge_standbys(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_standbys_done) belay_standbys found = {0};
    belay_follower_answer said = context->followers->standbys;
    bool known = belay_standbys_find(context->pg, &found, &err);
    if (known && (found.count > 0 || context->followers->standby_hosts.count > 0) &&
        said == BELAY_FOLLOWERS_ACT)
        known = belay_standbys_try(context->keeper, context->target, context->followers, &err);
    if (!known) {
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        if (said == BELAY_FOLLOWERS_ASK)
            add_owned(report, name, BELAY_REFUSE,
                belay_format("standby %s replays this server; after a restore the sessions there would stay "
                             "on the old database",
                    found.items[i].name),
                "add --standbys=end-sessions (and --standby 'host=... port=...' where it cannot be guessed), "
                "or --standbys=keep");
        else
            add_owned(report, name, BELAY_OK,
                belay_format(said == BELAY_FOLLOWERS_ACT
                                 ? "the sessions on standby %s are ended when the gate closes"
                                 : "the sessions on standby %s are kept; after a restore they stay on the "
                                   "old database until they end",
                    found.items[i].name),
                NULL);
    }
}

void belay_check_followers(const belay_preflight *context, belay_check_report *report, const char *name)
{
    judge_each(context, report, name, sql_subscriptions, judge_subscription);
    judge_each(context, report, name, sql_slots, judge_slot);
    judge_standbys(context, report, name);
}
