/* Pre-flight: the server itself, and how busy it is. */
#include <inttypes.h>

#include "config/window.h"
#include "preflight/checks.h"
#include "preflight/preflight.sql.h"
#include "snapshot/snapshot.h"
#include "util/crew.h"

/* The most that a run has open at once beyond what it holds already when it looks: in the target's database
 * the snapshot's session, pg_dump's and one that asks beside them; outside of it the keeper's second one. Or
 * two in either of the target's database and its twin, which are compared. */
enum { IN_TARGET_COUNT = 3, OUTSIDE_COUNT = 1, COMPARE_COUNT = 4 };

/* And the workers of a snapshot, or of the restore from one. */
static int in_target_count(const belay_target *target, bool works)
{
    return IN_TARGET_COUNT + (works ? (int)belay_crew_size(target->jobs) : 0);
}

int belay_preflight_connection_count(const belay_target *target, bool works, bool twin)
{
    int count = in_target_count(target, works);
    return twin && count < COMPARE_COUNT ? COMPARE_COUNT : count;
}

void belay_preflight_judge_version(int version, belay_check_report *report, const char *name)
{
    int major = version / 10000;
    BELAY_AUTO(belay_free)
    char *message =
        belay_format("the server is PostgreSQL %d.%d; belay is made for 14 to 18", major, version % 10000);
    if (major > 18)
        belay_check_report_add(report, name, BELAY_WARNING, message,
            "rehearse first, with a version of belay that knows this server if there is one");
}

void belay_check_server_version(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_preflight_judge_version(belay_pg_server_version(context->pg), report, name);
}

void belay_preflight_connections(const belay_preflight *context, belay_check_report *report, const char *name)
{
    bool restore = context->kind == BELAY_PREFLIGHT_RESTORE;
    bool ends_sessions = context->target->gate == BELAY_GATE_RENAME;
    bool works = restore || belay_preflight_wants_snapshot(context);
    bool twin = !restore && belay_preflight_wants_twin(context);
    int count = belay_preflight_connection_count(context->target, works, twin);
    BELAY_AUTO(belay_free) char *all = belay_format("%d", count + OUTSIDE_COUNT);
    BELAY_AUTO(belay_free)
    char *in_target = belay_format("%d", restore ? 0 : in_target_count(context->target, works));
    const char *const params[] = {
        belay_target_dbname(context->target), all, in_target, ends_sessions ? "true" : "false"};
    belay_preflight_add_rows(context, report, name, sql_connections, params, BELAY_COUNT(params));
}

void belay_check_lock_table(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    if (!belay_snapshot_check_lock_table(context->pg, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
}

void belay_check_long_transactions(
    const belay_preflight *context, belay_check_report *report, const char *name)
{
    BELAY_AUTO(belay_free)
    char *limit = belay_format("%" PRId64 " milliseconds", context->target->long_transaction_ms);
    const char *const params[] = {belay_target_dbname(context->target), limit};
    belay_preflight_add_rows(context, report, name, sql_long_transactions, params, BELAY_COUNT(params));
}

/* Weekday and minute are the server's: only that has the zone's rules, and its clock is the one that counts.
 */
static bool is_open(
    const belay_preflight *context, const belay_window *window, bool *ret, char **ret_there, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(context->pg, sql_local_time, &rows, err, window->zone))
        return false;
    *ret = belay_window_contains(window, (int)belay_rows_int(rows, 0, 0), (int)belay_rows_int(rows, 0, 1));
    if (*ret_there == NULL)
        *ret_there = belay_format("%s %s", belay_rows_text(rows, 0, 2), window->zone);
    return true;
}

void belay_check_window(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    belay_windows windows;
    const char *text = context->target->window;
    BELAY_AUTO(belay_free) char *there = NULL;
    bool open = text == NULL || *text == '\0';
    bool known = open || belay_windows_parse(text, &windows, &err);
    for (size_t i = 0; !open && known && i < windows.count; i++)
        known = is_open(context, &windows.items[i], &open, &there, &err);
    if (!known) {
        belay_error_prefix(&err, "the maintenance window %s", text);
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    } else if (!open) {
        BELAY_AUTO(belay_free)
        char *message = belay_format("now (%s there) is outside of the maintenance window %s", there, text);
        belay_check_report_add(
            report, name, BELAY_REFUSE, message, "wait for the window, or change `window` of the target");
    }
}
